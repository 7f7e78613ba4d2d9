/**
 * SimCLR's training as the package's preset laptop has it, on generated images: two views of 24 × 24 of each of 128 images
 * (crop, mirror, colours) are made, and one update. The next batch's views are made in a thread of their own meanwhile.
 */
import { datasets, simclr, tf } from '../packages.mjs';
import { countParameters } from './workload.mjs';

export const batchSize = 128;

/** @returns {import('./workload.mjs').Workload} */
export function create() {
  const dataset = datasets.generateShapes({ count: 512, seed: 1 });
  const config = simclr.completeRunConfig({
    model: { encoder: 'small', batchNorm: false },
    augmentation: { size: 24 },
    training: { batchSize, optimizer: 'adam', learningRate: 1e-3, rateScaling: 'none' },
  });
  const model = new simclr.SimCLR(config.model).initialize(1).train();
  const step = simclr.createTrainStep(model, simclr.createOptimizer(model, config.training), config.training);
  const augmentation = simclr.viewsOf(config.augmentation, dataset);
  // One batch ahead and no more: while the other side is measured, this one shall not work.
  const batches = new datasets.ImageBatches({ dataset, batchSize, seed: 1, augmentation, views: 2, prefetch: 1 });
  const rate = tf.scalar(config.training.learningRate);
  return {
    parameters: countParameters(model),
    run: async () => {
      const { images, shape } = await batches.next();
      const views = tf.tensor4d(images, shape);
      const result = await step(views, rate);
      views.dispose();
      return result;
    },
    batch: () => [{ shape: [], dtype: 'float32', data: [0] }],
  };
}
