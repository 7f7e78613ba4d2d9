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
  averagePrecision,
  binaryCrossEntropyLoss,
  type Box,
  Convolution2D,
  crossEntropyLoss,
  heNormal,
  Module,
  nonMaximumSuppression,
  option,
  overlapOf,
  positiveInteger,
  positiveNumber,
  smoothL1Loss,
  zeros,
} from '@milestones/core';
import { generateScenes, imageGrid, sceneShapes, type SceneObject, type SceneSet } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
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
  steps: option(positiveInteger, 3000, 'updates'),
  learningRate: option(positiveNumber, 3e-3, 'learning rate of Adam at the start'),
});

const cell = 8;
const classes = sceneShapes.length;
/** Of a cell: whether an object is here; x, y, width, height; the classes. */
const columns = 1 + 4 + classes;

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

/** What the net should say of a scene, [G · G, 6]: 1, x and y in the cell, width and height in cells, the class. */
export function cellTargets(objects: readonly SceneObject[], size: number): Float32Array {
  const grid = size / cell;
  const targets = new Float32Array(grid * grid * 6);
  for (const { box, shape } of objects) {
    const [left, top, right, bottom] = box.map((value) => value / cell) as [number, number, number, number];
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const at = Math.floor(y) * grid + Math.floor(x);
    targets.set([1, x % 1, y % 1, right - left, bottom - top, shape], at * 6);
  }
  return targets;
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

/** A box that the net sees, or its like. */
export interface Detection {
  box: Box;
  shape: number;
  score: number;
}

/** Boxes from probabilities and places of the cells of one scene, [G · G, 5 + K], flat; at most one for each object. */
export function readCells(values: ArrayLike<number>, size: number): Detection[] {
  const grid = size / cell;
  const found = Array.from({ length: grid * grid }, (_, place): Detection => {
    const [here, x, y, width, height, ...kinds] = Array.from({ length: columns }, (__, index) => {
      return values[place * columns + index]!;
    }) as [number, number, number, number, number, ...number[]];
    const [middleX, middleY] = [(place % grid) + x, Math.floor(place / grid) + y];
    const [left, right] = [cell * (middleX - width / 2), cell * (middleX + width / 2)];
    const [top, bottom] = [cell * (middleY - height / 2), cell * (middleY + height / 2)];
    const best = kinds.indexOf(Math.max(...kinds));
    return { box: [left, top, right, bottom], shape: best, score: here * kinds[best]! };
  });
  const kept = nonMaximumSuppression(
    found.map(({ box }) => box),
    found.map(({ score }) => score),
    0.5,
  );
  return kept.map((index) => found[index]!);
}

/** Mean over shapes of the average precision, where a box is right from an overlap of `threshold` on. */
export function meanAveragePrecision(
  found: readonly (readonly Detection[])[],
  scenes: readonly (readonly SceneObject[])[],
  threshold: number,
): number {
  const precisions = sceneShapes.map((_, shape) => {
    const all = found.flatMap((each, scene) =>
      each.filter((one) => one.shape === shape).map((one) => ({ ...one, scene })),
    );
    const left = scenes.map((objects) => objects.filter((object) => object.shape === shape));
    const total = left.flat().length;
    const judged = all
      .toSorted((a, b) => b.score - a.score)
      .map(({ box, score, scene }) => {
        const match = left[scene]!.findIndex((object) => overlapOf(object.box, box) >= threshold);
        if (match >= 0) left[scene]!.splice(match, 1); // An object is found once; a second box on it is wrong.
        return { score, correct: match >= 0 };
      });
    return averagePrecision(judged, total);
  });
  return precisions.reduce((sum, value) => sum + value, 0) / precisions.length;
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
      minutes: 0.3,
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
      onStep: (step, loss) => {
        if (step % 20 === 0) context.log(step, { loss });
        context.advance({ loss });
      },
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

/** Scenes at three times their size, with frames around what was found. */
function drawBoxes({ images, size }: SceneSet, found: readonly Detection[][], count: number) {
  const side = 3 * size;
  const values = new Float32Array(count * side * side * 3);
  for (let index = 0; index < values.length; index++) {
    const [scene, place] = [Math.floor(index / (side * side * 3)), Math.floor(index / 3) % (side * side)];
    const [y, x] = [Math.floor(place / side / 3), Math.floor((place % side) / 3)];
    values[index] = images[((scene * size + y) * size + x) * 3 + (index % 3)]! / 255;
  }
  const mark = (scene: number, x: number, y: number): void => {
    const at = ((scene * side + y) * side + x) * 3;
    values.fill(1, at, at + 3);
  };
  const onImage = (value: number): number => Math.max(0, Math.min(side - 1, Math.round(3 * value)));
  for (let scene = 0; scene < count; scene++) {
    for (const { box, score } of found[scene]!) {
      if (score < 0.5) continue;
      const [left, top, right, bottom] = box.map(onImage) as [number, number, number, number];
      for (let x = left; x <= right; x++) for (const y of [top, bottom]) mark(scene, x, y);
      for (let y = top; y <= bottom; y++) for (const x of [left, right]) mark(scene, x, y);
    }
  }
  return imageGrid(values, { height: side, width: side, channels: 3 });
}
