/**
 * Detection: a box and a class for each object. Girshick 2015 (the losses); Redmon et al. 2016 (the grid).
 *
 *     labels   a list of boxes with classes, as long as the scene asks for
 *     net      looks once, and says for each cell of a grid: is the middle of an object here, where exactly, how large, what
 *     loss     binary cross-entropy of "is here" over all cells; at cells with an object
 *              smooth L1 of (x, y, width, height) and cross-entropy of the class
 *     metric   a box is right where its intersection over union with a true one of its class is at least ½;
 *              mean over classes of the average precision of the list, the surest box first
 *
 * Dimensions: B batch, G×G cells, K classes.
 */
import { compile, tf } from '@milestones/backend';
import {
  binaryCrossEntropyLoss,
  Convolution2D,
  crossEntropyLoss,
  heNormal,
  Module,
  option,
  positiveInteger,
  positiveNumber,
  smoothL1Loss,
  zeros,
} from '@milestones/core';
import { generateScenes } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
import {
  cellTargets,
  classes,
  columns,
  cell,
  type Detection,
  meanAveragePrecision,
  readCells,
} from './detection-cells.ts';
import { drawBoxes } from './pictures.ts';
import { imageBatch, inPieces } from './scene-tensors.ts';

const start = { weightInitializer: heNormal(), biasInitializer: zeros() };

const schema = v.strictObject({
  count: option(positiveInteger, 4000, 'scenes for training'),
  testCount: option(positiveInteger, 400, 'scenes for testing'),
  size: option(v.pipe(positiveInteger, v.multipleOf(8)), 32, 'height and width; a cell is 8 × 8 pixels'),
  channels: option(
    positiveInteger,
    16,
    'channels after the first layer; twice as many after the second, four times then',
  ),
  batchSize: option(positiveInteger, 16, 'scenes per update'),
  steps: option(positiveInteger, 8000, 'updates'),
  learningRate: option(positiveNumber, 3e-3, 'learning rate of Adam at the start'),
});

/** Three halvings, then a look around: each cell of 8 × 8 pixels becomes a row of numbers. */
export class DetectionNet extends Module {
  readonly layers: Convolution2D[];
  readonly output: Convolution2D;

  constructor(channels: number) {
    super();
    const halving = (from: number, to: number): Convolution2D =>
      new Convolution2D({ ...start, inputChannels: from, outputChannels: to, size: 4, stride: 2, padding: 1 });
    this.layers = [
      halving(3, channels),
      halving(channels, 2 * channels),
      halving(2 * channels, 4 * channels),
      new Convolution2D({ ...start, inputChannels: 4 * channels, outputChannels: 4 * channels, size: 3, padding: 1 }),
    ];
    this.output = new Convolution2D({ ...start, inputChannels: 4 * channels, outputChannels: columns, size: 1 });
  }

  /** [B, H, W, 3] → [B, G · G, 5 + K] */
  forward(images: tf.Tensor4D): tf.Tensor3D {
    const features = this.layers.reduce((x, layer) => tf.relu(layer.forward(x)), images); // [B, G, G, C]
    return tf.reshape(this.output.forward(features), [images.shape[0], -1, columns]);
  }
}

/** The loss of what the net says, [B, G · G, 5 + K], against targets [B, G · G, 6]. */
function detectionLoss(said: tf.Tensor3D, targets: tf.Tensor3D): tf.Tensor {
  const [here, boxes, kinds] = tf.split(said, [1, 4, classes], 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const [isHere, trueBoxes, kind] = tf.split(targets, [1, 4, 1], 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const objects = tf.maximum(tf.sum(isHere), 1);
  const boxLoss = tf.sum(tf.mul(smoothL1Loss(boxes, trueBoxes, { beta: 0.1, reduction: 'none' }), isHere));
  const labels = tf.cast(tf.squeeze(kind, [2]), 'int32');
  const kindLoss = tf.sum(tf.mul(crossEntropyLoss(kinds, labels, { reduction: 'none' }), tf.squeeze(isHere, [2])));
  const hereLoss = tf.sum(binaryCrossEntropyLoss(here, isHere, { reduction: 'none' }));
  return tf.div(tf.addN([hereLoss, boxLoss, kindLoss]), objects);
}

export const detection = defineExperiment({
  name: 'detection',
  title: 'Detection: a box and a class for each object',
  paper: 'Girshick 2015; Redmon et al. 2016',
  claim: 'one look of a small net finds most shapes, with boxes that overlap the true ones by half or more',
  schema,
  presets: {
    quick: {
      why: 'a short training: most boxes are there, not all have the right class',
      minutes: 0.18,
      set: { count: 1000, testCount: 100, channels: 12, steps: 700, learningRate: 5e-3 },
      targets: [{ metric: 'averagePrecision', claim: 'mean average precision at an overlap of ½', expected: [0.3, 1] }],
    },
    laptop: {
      why: 'until most shapes are found and named; good detectors of everyday objects reach this at an overlap of ½ too',
      minutes: 4,
      targets: [{ metric: 'averagePrecision', claim: 'mean average precision at an overlap of ½', expected: [0.8, 1] }],
    },
  },
  size: ({ channels, steps }) => ({ parameters: new DetectionNet(channels).parameterCount(), steps }),

  async run({ count, testCount, size, channels, batchSize, steps, learningRate }, context): Promise<Outcome> {
    const train = generateScenes({ count, size, seed: context.seed });
    const test = generateScenes({ count: testCount, size, seed: context.seed, part: 'test' });
    const targets = train.objects.map((objects) => cellTargets(objects, size));
    const cells = (size / cell) ** 2;
    const model = new DetectionNet(channels).initialize(context.seed);
    const random = context.random('batches');
    await trainByAdam({
      model,
      loss: (images: tf.Tensor4D, wanted: tf.Tensor3D) => detectionLoss(model.forward(images), wanted),
      batch: (step) => {
        const indices = drawBatch(random.fork(String(step)), count, batchSize);
        const wanted = Float32Array.from(indices.flatMap((index) => [...targets[index]!]));
        return [imageBatch(train, indices), tf.tensor3d(wanted, [batchSize, cells, 6])];
      },
      steps,
      learningRate,
      context,
    });

    const look = compile((images: tf.Tensor4D) => {
      const [here, boxes, kinds] = tf.split(model.forward(images), [1, 4, classes], 2);
      return tf.concat([tf.sigmoid(here!), boxes!, tf.softmax(kinds!)], 2);
    });
    const found: Detection[][] = [];
    for (const indices of inPieces(testCount, 50)) {
      const images = imageBatch(test, indices);
      const said = await look(images);
      const values = await said.data();
      for (const row of indices.keys()) {
        found.push(readCells(values.subarray(row * cells * columns, (row + 1) * cells * columns), size));
      }
      tf.dispose([images, said]);
    }
    await look.dispose();
    model.dispose();
    return {
      metrics: {
        averagePrecision: meanAveragePrecision(found, test.objects, 0.5),
        averagePrecisionStrict: meanAveragePrecision(found, test.objects, 0.75),
      },
      drawings: [{ kind: 'picture', name: 'boxes', image: drawBoxes(test, found, 20) }],
      notes: [
        'In boxes.png, boxes that the net is more than half sure of; averagePrecisionStrict asks for an overlap of ¾.',
      ],
    };
  },
});
