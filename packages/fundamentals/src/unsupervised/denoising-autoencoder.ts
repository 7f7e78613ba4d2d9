/**
 * A deep net that squeezes an image through a few numbers. Hinton and Salakhutdinov 2006; Vincent et al. 2008.
 *
 *     code = f(x)        x̂ = g(code)        loss = Σ over pixels of (x̂ − x)²
 *
 * With f and g linear the best that can be is the projection on principal components (PCA) of the same number: what a deep
 * net gains over it is the gain of being curved. A denoising autoencoder sees x with some pixels put out, and must rebuild
 * the whole: copying does not help it, it has to know what images look like.
 * Dimensions: B batch, P pixels.
 */
import { tf } from '@milestones/backend';
import { fraction, option, positiveInteger, positiveNumber, principalComponents, RandomKey } from '@milestones/core';
import { imageGrid } from '@milestones/datasets';
import * as v from 'valibot';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
import { Autoencoder } from './autoencoder-net.ts';
import { greyImages, takeImages, type GreyImages } from './grey-images.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'what is squeezed'),
  count: option(positiveInteger, 60_000, 'images for training'),
  testCount: option(positiveInteger, 10_000, 'images for testing'),
  shrink: option(positiveInteger, 1, 'pixels of a side that become one'),
  hidden: option(v.pipe(v.array(positiveInteger), v.minLength(1)), [512, 256], 'units of the layers before the code'),
  code: option(positiveInteger, 30, 'numbers in the middle, and principal components'),
  corruption: option(fraction, 0.3, 'share of the pixels that the denoising net does not see'),
  batchSize: option(positiveInteger, 100, 'images per update'),
  steps: option(positiveInteger, 12_000, 'updates of each net'),
  learningRate: option(positiveNumber, 2e-3, 'learning rate of Adam at the start'),
});
type Settings = v.InferOutput<typeof schema>;

/** Σ over pixels of the squared difference, mean over images. */
function squaredError(rebuilt: tf.Tensor, images: tf.Tensor): tf.Tensor {
  return tf.mean(tf.sum(tf.squaredDifference(rebuilt, images), 1));
}

/** Puts out a share of the pixels. */
function corrupt(images: tf.Tensor, share: number, key: tf.Tensor1D): tf.Tensor {
  const draws = new RandomKey(key).fold('corruption').uniform(images.shape);
  return tf.mul(images, tf.cast(tf.greaterEqual(draws, share), 'float32'));
}

export const denoisingAutoencoder = defineExperiment({
  name: 'denoising-autoencoder',
  title: 'A deep autoencoder against principal components, and one that removes noise',
  paper: 'Hinton and Salakhutdinov 2006, figure 2; Vincent et al. 2008',
  claim: 'a deep autoencoder rebuilds images better than PCA of the same code size, and trained on noise removes it',
  schema,
  presets: {
    quick: {
      why: 'generated digits of 14 × 14 pixels and a code of 6 numbers',
      minutes: 0.1,
      set: {
        images: 'digits',
        count: 2000,
        testCount: 500,
        shrink: 2,
        hidden: [128, 64],
        code: 6,
        batchSize: 50,
        steps: 500,
        learningRate: 5e-3,
      },
      targets: [
        { metric: 'errorRatio', claim: 'the net’s squared error as a share of that of PCA', expected: [0, 1] },
        {
          metric: 'denoisingRatio',
          claim: 'on noisy images: the denoising net’s error as a share of the plain one’s',
          expected: [0, 1],
        },
      ],
    },
    laptop: {
      why: 'MNIST and the paper’s code of 30 numbers: the paper has 3.00 for its net, 8.01 for logistic and 13.87 for plain PCA',
      minutes: 8,
      targets: [
        {
          metric: 'plainError',
          claim: 'squared error per test image, below logistic PCA',
          paper: 3,
          expected: [3, 8.01],
        },
        { metric: 'pcaError', claim: 'the same of 30 principal components', paper: 13.87, expected: [13.2, 14.6] },
        {
          metric: 'denoisingRatio',
          claim: 'on noisy images: the denoising net’s error as a share of the plain one’s',
          expected: [0, 1],
        },
      ],
    },
  },
  deviations: [
    {
      topic: 'training',
      paper: '784-1000-500-250-30, layers first trained one by one as restricted Boltzmann machines',
      ours: '784-512-256-30 with ReLU, He initialisation and Adam, all layers at once',
      why: 'what made pre-training unnecessary; minutes of one core',
    },
  ],
  size: (settings) => ({
    parameters: 2 * new Autoencoder((28 / settings.shrink) ** 2, settings).parameterCount(),
    steps: 2 * settings.steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const { images, count, testCount, shrink, corruption, code } = settings;
    const train = greyImages(await context.data.images(images, 'train', count), shrink);
    const test = greyImages(await context.data.images(images, 'test', testCount), shrink);
    const pixels = train.size ** 2;
    const clean = tf.tensor2d(test.values, [test.count, pixels]);
    const key = context.random('noise on test images').keyAt(0);
    const noisy = tf.tidy(() => corrupt(clean, corruption, key)) as tf.Tensor2D;
    const all = tf.tensor2d(train.values, [train.count, pixels]);
    const { mean, components } = await principalComponents(all, code);
    all.dispose();
    const project = (x: tf.Tensor): tf.Tensor => {
      const codes = tf.matMul(tf.sub(x, mean) as tf.Tensor2D, components); // [B, code]
      return tf.add(tf.matMul(codes, components, false, true), mean);
    };
    const nets = {
      plain: await learn('plain', train, { ...settings, corruption: 0 }, context),
      denoising: await learn('denoising', train, settings, context),
    };
    const rebuilds = { pca: project, plain: forward(nets.plain), denoising: forward(nets.denoising) };
    const metrics: Record<string, number> = {};
    const rows = [clean, noisy].map((x) => tf.slice(x, [0, 0], [10, pixels]));
    for (const [name, rebuild] of Object.entries(rebuilds)) {
      for (const [kind, x] of [
        ['', clean],
        ['OnNoise', noisy],
      ] as const) {
        metrics[`${name}Error${kind}`] = tf.tidy(() => squaredError(rebuild(x), clean).dataSync()[0]!);
      }
    }
    rows.push(...[project, rebuilds.plain].map((rebuild) => tf.tidy(() => rebuild(rows[0]!) as tf.Tensor2D)));
    rows.push(tf.tidy(() => rebuilds.denoising(rows[1]!) as tf.Tensor2D));
    const grid = tf.tidy(() => tf.concat(rows, 0).dataSync());
    tf.dispose([clean, noisy, key, mean, components, ...rows]);
    for (const net of Object.values(nets)) net.dispose();
    return {
      metrics: {
        ...metrics,
        errorRatio: metrics['plainError']! / metrics['pcaError']!,
        denoisingRatio: metrics['denoisingErrorOnNoise']! / metrics['plainErrorOnNoise']!,
      },
      drawings: [
        {
          kind: 'picture',
          name: 'rebuilt',
          image: imageGrid(grid, { height: train.size, width: train.size, channels: 1 }, { columns: 10 }),
        },
        {
          kind: 'bars',
          name: 'errors',
          title: `Squared error per test image, code of ${code} numbers`,
          y: { label: 'squared error' },
          groups: (['', 'OnNoise'] as const).map((kind) => ({
            name: kind === '' ? 'clean images' : 'noisy images',
            values: Object.fromEntries(Object.keys(rebuilds).map((name) => [name, metrics[`${name}Error${kind}`]!])),
          })),
        },
      ],
      notes: [
        'Rows of rebuilt.png: images; images with noise; PCA; the plain net; what the denoising net makes of row 2.',
      ],
    };
  },
});

const forward = (net: Autoencoder) => (x: tf.Tensor) => net.forward(x);

async function learn(
  name: string,
  train: GreyImages,
  { hidden, code, corruption, batchSize, steps, learningRate }: Settings,
  context: ExperimentContext,
): Promise<Autoencoder> {
  const pixels = train.size ** 2;
  const net = new Autoencoder(pixels, { hidden, code }).initialize(context.seed);
  const random = context.random(name);
  await trainByAdam({
    model: net,
    loss: (x: tf.Tensor2D, key: tf.Tensor1D) =>
      squaredError(net.forward(corruption === 0 ? x : corrupt(x, corruption, key)), x),
    batch: (step) => [
      tf.tensor2d(takeImages(train, drawBatch(random.fork(String(step)), train.count, batchSize)), [batchSize, pixels]),
      random.keyAt(step),
    ],
    steps,
    learningRate,
    context,
    metric: `${name}Loss`,
  });
  return net;
}
