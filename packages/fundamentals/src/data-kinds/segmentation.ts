/**
 * Segmentation: a class for each pixel. Long et al. 2015; Ronneberger et al. 2015.
 *
 *     labels   a mask [H, W]: 0 the ground, 1 … the shapes
 *     net      halves the image twice and doubles it back, with what was seen at each size handed across
 *     loss     cross-entropy of each pixel: the ground, nine tenths of the image, is nine tenths of the loss
 *              or 1 − Dice, 1 − 2 |A ∩ B| / (|A| + |B|) of each class: a region counts by its share (Milletari et al. 2016)
 *     metric   mean over classes of intersection over union, |A ∩ B| / |A ∪ B|
 *
 * Share of right pixels would be no metric: it is 0.9 for a net that sees ground everywhere.
 * Dimensions: B batch, H×W pixels, K classes, the ground included.
 */
import { compile, tf } from '@milestones/backend';
import {
  ConfusionMatrix,
  Convolution2D,
  crossEntropyLoss,
  diceLoss,
  heNormal,
  Module,
  option,
  positiveInteger,
  positiveNumber,
  TransposedConvolution2D,
  zeros,
} from '@milestones/core';
import { generateScenes, sceneShapes, type SceneSet } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
import { drawMasks } from './pictures.ts';
import { imageBatch, inPieces, takeRows } from './scene-tensors.ts';

const start = { weightInitializer: heNormal(), biasInitializer: zeros() };

const schema = v.strictObject({
  count: option(positiveInteger, 4000, 'scenes for training'),
  testCount: option(positiveInteger, 400, 'scenes for testing'),
  size: option(positiveInteger, 32, 'H and W'),
  channels: option(positiveInteger, 12, 'channels at full size; twice as many below'),
  batchSize: option(positiveInteger, 16, 'scenes per update'),
  steps: option(positiveInteger, 2500, 'updates with each loss'),
  learningRate: option(positiveNumber, 5e-3, 'learning rate of Adam at the start'),
});
type Settings = v.InferOutput<typeof schema>;

const classes = 1 + sceneShapes.length;

/** A small U-Net: H → H/2 → H/4 → H/2 → H. */
export class SegmentationNet extends Module {
  readonly full: Convolution2D;
  readonly half: Convolution2D;
  readonly quarter: Convolution2D;
  readonly backToHalf: TransposedConvolution2D;
  readonly backToFull: TransposedConvolution2D;
  readonly output: Convolution2D;

  constructor(channels: number) {
    super();
    const wide = 2 * channels;
    this.full = new Convolution2D({ ...start, inputChannels: 3, outputChannels: channels, size: 3, padding: 1 });
    this.half = new Convolution2D({
      ...start,
      inputChannels: channels,
      outputChannels: wide,
      size: 4,
      stride: 2,
      padding: 1,
    });
    this.quarter = new Convolution2D({
      ...start,
      inputChannels: wide,
      outputChannels: wide,
      size: 4,
      stride: 2,
      padding: 1,
    });
    this.backToHalf = new TransposedConvolution2D({
      ...start,
      inputChannels: wide,
      outputChannels: wide,
      size: 2,
      stride: 2,
    });
    this.backToFull = new TransposedConvolution2D({
      ...start,
      inputChannels: 2 * wide,
      outputChannels: channels,
      size: 2,
      stride: 2,
    });
    this.output = new Convolution2D({
      ...start,
      inputChannels: 2 * channels,
      outputChannels: classes,
      size: 3,
      padding: 1,
    });
  }

  /** [B, H, W, 3] → [B, H, W, K] */
  forward(images: tf.Tensor4D): tf.Tensor4D {
    const full = tf.relu(this.full.forward(images)); // [B, H, W, C]
    const half = tf.relu(this.half.forward(full)); // [B, H/2, W/2, 2 C]
    const quarter = tf.relu(this.quarter.forward(half)); // [B, H/4, W/4, 2 C]
    const wide = tf.concat([tf.relu(this.backToHalf.forward(quarter)), half], 3); // [B, H/2, W/2, 4 C]
    return this.output.forward(tf.concat([tf.relu(this.backToFull.forward(wide)), full], 3));
  }
}

/** The two losses of logits [B, H, W, K] and labels [B, H, W]. */
const losses = {
  crossEntropy: (logits: tf.Tensor, labels: tf.Tensor) => crossEntropyLoss(logits, labels),
  dice: (logits: tf.Tensor, labels: tf.Tensor) => {
    // Of all scenes of the batch at once: most classes are missing in a single one, and a class that is missing asks to be
    // predicted nowhere, so that a net soon predicts ground everywhere and stays there.
    const truth = tf.cast(tf.oneHot(tf.reshape(labels, [-1]), classes), 'float32'); // [B · H · W, K]
    return diceLoss(tf.reshape(tf.softmax(logits), [1, -1, classes]), tf.expandDims(truth, 0));
  },
};

const claim = 'mean intersection over union on unseen scenes, trained on';

export const segmentation = defineExperiment({
  name: 'segmentation',
  title: 'Segmentation: a class for each pixel',
  paper: 'Long et al. 2015; Milletari et al. 2016',
  claim: 'trained on Dice, a small U-Net finds small shapes sooner than trained on the cross-entropy of each pixel',
  schema,
  presets: {
    quick: {
      why: 'a short training; ground everywhere has a mean overlap of 0.18. The first plan asked 0.4 of cross-entropy too, which needs more updates than these',
      minutes: 0.17,
      set: { count: 800, testCount: 100, channels: 8, batchSize: 8, steps: 300, learningRate: 0.01 },
      targets: [
        { metric: 'diceOverlap', claim: `${claim} Dice`, expected: [0.4, 1] },
        { metric: 'gainOfDice', claim: 'the same, beyond that of as much training on cross-entropy', expected: [0, 1] },
      ],
    },
    laptop: {
      why: 'scenes of 32 pixels; the images are simple, so that most of each region should be found',
      minutes: 5,
      targets: [
        { metric: 'diceOverlap', claim: `${claim} Dice`, expected: [0.8, 1] },
        { metric: 'crossEntropyOverlap', claim: `${claim} cross-entropy`, expected: [0.8, 1] },
      ],
    },
  },
  size: ({ channels, steps }) => ({
    parameters: 2 * new SegmentationNet(channels).parameterCount(),
    steps: 2 * steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const { count, testCount, size } = settings;
    const train = generateScenes({ count, size, seed: context.seed });
    const test = generateScenes({ count: testCount, size, seed: context.seed, part: 'test' });
    const ground = new ConfusionMatrix(classes);
    ground.add(new Uint8Array(test.masks.length), test.masks);
    const metrics: Record<string, number> = {
      groundOverlap: ground.meanIntersectionOverUnion,
      groundAccuracy: ground.accuracy,
    };
    const found: Uint8Array[] = [];
    for (const [name, loss] of Object.entries(losses)) {
      const masks = await learn(name, loss, train, test, settings, context);
      const matrix = new ConfusionMatrix(classes);
      matrix.add(masks, test.masks);
      metrics[`${name}Overlap`] = matrix.meanIntersectionOverUnion;
      metrics[`${name}Accuracy`] = matrix.accuracy;
      found.push(masks);
    }
    metrics['gainOfDice'] = metrics['diceOverlap']! - metrics['crossEntropyOverlap']!;
    return {
      metrics,
      drawings: [{ kind: 'picture', name: 'masks', image: drawMasks(test, [test.masks, ...found], 10) }],
      notes: [
        'Rows of masks.png: scenes; true masks; masks of the net trained on cross-entropy; of that trained on Dice.',
      ],
    };
  },
});

/** Trains a net, and returns the masks that it finds in the scenes for testing. */
async function learn(
  name: string,
  loss: (logits: tf.Tensor, labels: tf.Tensor) => tf.Tensor,
  train: SceneSet,
  test: SceneSet,
  { channels, batchSize, steps, learningRate, size }: Settings,
  context: ExperimentContext,
): Promise<Uint8Array> {
  const model = new SegmentationNet(channels).initialize(context.seed);
  const random = context.random('batches');
  await trainByAdam({
    model,
    loss: (images: tf.Tensor4D, labels: tf.Tensor3D) => loss(model.forward(images), labels),
    batch: (step) => {
      const indices = drawBatch(random.fork(String(step)), train.count, batchSize);
      const labels = takeRows(train.masks, size * size, indices);
      return [imageBatch(train, indices), tf.tensor3d(labels, [batchSize, size, size], 'int32')];
    },
    steps,
    learningRate,
    context,
    metric: `${name}Loss`,
  });
  const decide = compile((images: tf.Tensor4D) => tf.argMax(model.forward(images), 3)); // [B, H, W]
  const masks = new Uint8Array(test.masks.length);
  for (const indices of inPieces(test.count, 50)) {
    const images = imageBatch(test, indices);
    const labels = await decide(images);
    masks.set(await labels.data(), indices[0]! * size * size);
    tf.dispose([images, labels]);
  }
  await decide.dispose();
  model.dispose();
  return masks;
}
