/**
 * Pose: where the points of a body are. Tompson et al. 2014; Newell et al. 2016.
 *
 *     labels   a place (x, y) for each point
 *     net      one picture for each point, a heat map: how much it looks like the point is here
 *     loss     squared difference from a Gaussian hill around the true place, σ = 1 pixel of the map
 *     reading  the highest pixel of each map
 *     metric   percentage of correct key points (PCK): those within a tenth of the body's size from the true place
 *
 * A net that gave two numbers would have to count pixels; a map is the place, and can say "here or there".
 * Dimensions: B batch, H×W pixels, K points; maps have half the height and width.
 */
import { compile, tf } from '@milestones/backend';
import {
  Convolution2D,
  correctKeyPoints,
  heNormal,
  Module,
  option,
  positiveInteger,
  positiveNumber,
  zeros,
} from '@milestones/core';
import { figurePoints, generateFigures, type FigureSet } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
import { drawMaps } from './pictures.ts';
import { imageBatch, inPieces } from './scene-tensors.ts';

const start = { weightInitializer: heNormal(), biasInitializer: zeros() };

const schema = v.strictObject({
  count: option(positiveInteger, 4000, 'figures for training'),
  testCount: option(positiveInteger, 400, 'figures for testing'),
  size: option(v.pipe(positiveInteger, v.multipleOf(2)), 32, 'H and W'),
  channels: option(positiveInteger, 24, 'channels of the maps before the last'),
  batchSize: option(positiveInteger, 16, 'figures per update'),
  steps: option(positiveInteger, 3000, 'updates'),
  learningRate: option(positiveNumber, 4e-3, 'learning rate of Adam at the start'),
});

const K = figurePoints.length;
/** The weight of the loss: most of a map is 0, and a mean over it would be tiny. */
const scale = 100;

/** Full size → half, then wide filters that see how limbs hang together. */
export class PoseNet extends Module {
  readonly layers: Convolution2D[];
  readonly output: Convolution2D;

  constructor(channels: number) {
    super();
    this.layers = [
      new Convolution2D({ ...start, inputChannels: 3, outputChannels: channels, size: 4, stride: 2, padding: 1 }),
      new Convolution2D({ ...start, inputChannels: channels, outputChannels: channels, size: 3, padding: 1 }),
      new Convolution2D({
        ...start,
        inputChannels: channels,
        outputChannels: channels,
        size: 3,
        padding: 2,
        dilation: 2,
      }),
      new Convolution2D({
        ...start,
        inputChannels: channels,
        outputChannels: channels,
        size: 3,
        padding: 4,
        dilation: 4,
      }),
    ];
    this.output = new Convolution2D({ ...start, inputChannels: channels, outputChannels: K, size: 1 });
  }

  /** [B, H, W, 3] → [B, H/2, W/2, K] */
  forward(images: tf.Tensor4D): tf.Tensor4D {
    return this.output.forward(this.layers.reduce((x, layer) => tf.relu(layer.forward(x)), images));
  }
}

/** Hills of height 1 around points: [B, H/2, W/2, K] from places [B, K, 2] in pixels of the image. */
export function heatMaps(points: tf.Tensor3D, size: number): tf.Tensor4D {
  const half = size / 2;
  const axis = tf.add(tf.range(0, half), 0.5); // middles of the map's pixels
  const [x, y] = tf.split(tf.div(points, 2), 2, 2) as [tf.Tensor3D, tf.Tensor3D]; // each [B, K, 1]
  const across = tf.squaredDifference(tf.reshape(axis, [1, 1, half, 1]), tf.reshape(x, [-1, 1, 1, K]));
  const down = tf.squaredDifference(tf.reshape(axis, [1, half, 1, 1]), tf.reshape(y, [-1, 1, 1, K]));
  return tf.exp(tf.mul(tf.add(across, down), -0.5)) as tf.Tensor4D;
}

/** The places of the highest pixels of maps: [B, K, 2] in pixels of the image. */
export function highestPoints(maps: tf.Tensor4D): tf.Tensor3D {
  const [images, height, width] = maps.shape;
  const best = tf.cast(tf.argMax(tf.reshape(maps, [images, height * width, K]), 1), 'float32'); // [B, K]
  const y = tf.floor(tf.div(tf.add(best, 0.5), width));
  const x = tf.sub(best, tf.mul(y, width));
  return tf.mul(tf.add(tf.stack([x, y], 2), 0.5), 2) as tf.Tensor3D;
}

/** The share of correct points if every figure stood as the figures for training on average. */
function meanPoseAccuracy(train: FigureSet, test: FigureSet): number {
  const mean = new Float64Array(2 * K);
  for (const [index, value] of train.points.entries()) mean[index % (2 * K)]! += value / train.count;
  const guesses = Float64Array.from(test.points, (_, index) => mean[index % (2 * K)]!);
  return correctKeyPoints(guesses, test.points, test.extents, 0.1);
}

export const pose = defineExperiment({
  name: 'pose',
  title: 'Pose: the points of a body as heat maps',
  paper: 'Tompson et al. 2014',
  claim: 'heat maps find head, hands and feet of figures that the mean pose misses',
  schema,
  presets: {
    quick: {
      why: 'a short training; the mean pose has few of the points right',
      minutes: 0.1,
      set: { count: 1000, testCount: 100, channels: 16, steps: 250, learningRate: 8e-3 },
      targets: [
        { metric: 'gainOverMean', claim: 'share of correct points beyond that of the mean pose', expected: [0.3, 1] },
      ],
    },
    laptop: {
      why: 'colour tells left from right, and nothing hides: nearly all points should be found',
      minutes: 3,
      targets: [
        { metric: 'correctPoints', claim: 'share of points within a tenth of the body’s size', expected: [0.9, 1] },
        { metric: 'gainOverMean', claim: 'the same, beyond that of the mean pose', expected: [0.3, 1] },
      ],
    },
  },
  size: ({ channels, steps }) => ({ parameters: new PoseNet(channels).parameterCount(), steps }),

  async run({ count, testCount, size, channels, batchSize, steps, learningRate }, context): Promise<Outcome> {
    const train = generateFigures({ count, size, seed: context.seed });
    const test = generateFigures({ count: testCount, size, seed: context.seed, part: 'test' });
    const model = new PoseNet(channels).initialize(context.seed);
    const random = context.random('batches');
    await trainByAdam({
      model,
      loss: (images: tf.Tensor4D, points: tf.Tensor3D) =>
        tf.mul(tf.mean(tf.squaredDifference(model.forward(images), heatMaps(points, size))), scale),
      batch: (step) => {
        const indices = drawBatch(random.fork(String(step)), count, batchSize);
        const points = Float32Array.from(
          indices.flatMap((index) => [...train.points.subarray(index * 2 * K, (index + 1) * 2 * K)]),
        );
        return [imageBatch(train, indices), tf.tensor3d(points, [batchSize, K, 2])];
      },
      steps,
      learningRate,
      context,
    });

    const look = compile((images: tf.Tensor4D) => {
      const maps = model.forward(images);
      return { maps, points: highestPoints(maps) };
    });
    const found = new Float32Array(test.points.length);
    const shown = Math.min(10, testCount);
    let maps = new Float32Array();
    for (const indices of inPieces(testCount, 50)) {
      const images = imageBatch(test, indices);
      const seen = await look(images);
      found.set(await seen.points!.data(), indices[0]! * 2 * K);
      if (indices[0] === 0)
        maps = (await seen.maps!.data()).slice(0, shown * (size / 2) ** 2 * K) as Float32Array<ArrayBuffer>;
      tf.dispose([images, seen]);
    }
    await look.dispose();
    model.dispose();
    const correctPoints = correctKeyPoints(found, test.points, test.extents, 0.1);
    const meanPose = meanPoseAccuracy(train, test);
    return {
      metrics: { correctPoints, meanPose, gainOverMean: correctPoints - meanPose },
      drawings: [{ kind: 'picture', name: 'maps', image: drawMaps(test, maps, shown) }],
      notes: [`Rows of maps.png: figures; then a map for each of ${figurePoints.join(', ')}.`],
    };
  },
});
