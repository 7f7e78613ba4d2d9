import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator, type Dtype } from './against-cpu.ts';

const dtypes: readonly Dtype[] = ['float32', 'float32', 'int32', 'bool'];

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

/** The numbers from 0 on in some order. */
function permutation(random: Generator, length: number): number[] {
  const order = Array.from({ length }, (_, position) => position);
  for (let position = length - 1; position > 0; position--) {
    const other = random.integer(0, position);
    [order[position], order[other]] = [order[other]!, order[position]!];
  }
  return order;
}

describe('kernels of shape', () => {
  it('rearrange as cpu does', async () => {
    const random = new Generator(21);
    const comparison = new Comparison();
    for (let round = 0; round < 36; round++) {
      const rank = round % 6;
      const x = random.operand(random.shape(rank), random.choose(dtypes));
      const { shape } = x;
      const any = (): number => random.integer(0, rank - 1);
      comparison.add('Identity', { x });
      comparison.add('Transpose', { x }, { perm: permutation(random, rank) });
      comparison.add('ExpandDims', { input: x }, { dim: random.integer(-rank - 1, rank) });
      comparison.add('Reshape', { x }, { shape: [...permutation(random, rank)].map((axis) => shape[axis]) });
      comparison.add('ZerosLike', { x });
      comparison.add('OnesLike', { x });
      comparison.add('Tile', { x }, { reps: shape.map(() => random.integer(1, 3)) });
      comparison.add(
        'PadV2',
        { x },
        {
          paddings: shape.map(() => [random.integer(0, 2), random.integer(0, 2)]),
          constantValue: random.choose([0, 1]),
        },
      );
      if (rank === 0) continue;
      comparison.add('Reverse', { x }, { dims: [any()] });
      comparison.add('Reverse', { x }, { dims: shape.map((_, axis) => axis) });
      const begin = shape.map((size) => random.integer(0, size));
      const size = shape.map((length, axis) => random.integer(0, length - begin[axis]!));
      comparison.add('Slice', { x }, { begin, size });
      comparison.add('Unpack', { value: x }, { axis: any() });
      const axis = any();
      const first = random.integer(0, shape[axis]!);
      comparison.add('SplitV', { x }, { numOrSizeSplits: [first, shape[axis]! - first], axis });
      const other = random.operand(shape.with(axis, random.integer(0, 3)), x.dtype);
      comparison.add('Concat', { 0: x, 1: other, 2: x }, { axis });
      comparison.add('Pack', { 0: x, 1: random.operand(shape, x.dtype) }, { axis: random.integer(0, rank) });
    }
    await expectSameAsCpu(comparison);
  });

  it('slice with strides and masks', async () => {
    const random = new Generator(22);
    const comparison = new Comparison();
    for (let round = 0; round < 80; round++) {
      const rank = random.integer(1, 4);
      const x = random.operand(random.shape(rank, round % 4 === 0), random.choose(dtypes));
      const strides = x.shape.map(() => random.choose([1, 1, 2, 3, -1, -2]));
      const mask = (): number => (random.uniform() < 0.3 ? random.integer(0, 2 ** rank - 1) : 0);
      const begin = x.shape.map((size) => random.integer(-size, Math.max(0, size - 1)));
      const end = x.shape.map((size) => random.integer(-size - 1, size));
      // A shrunk axis takes the one index at its beginning, and its stride must be 1.
      const shrinkAxisMask = strides.every((stride) => stride === 1) && x.shape.every((size) => size > 0) ? mask() : 0;
      const attributes = {
        begin,
        end,
        strides,
        beginMask: mask(),
        endMask: mask(),
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask,
      };
      comparison.add('StridedSlice', { x }, attributes);
    }
    await expectSameAsCpu(comparison);
  });

  it('mirror, and move between batch, depth and space', async () => {
    const random = new Generator(23);
    const comparison = new Comparison();
    for (let round = 0; round < 12; round++) {
      const dtype = random.choose<Dtype>(['float32', 'int32']);
      const x = random.operand(random.shape(round % 5, false), dtype);
      const within = (most: number): number => random.integer(0, Math.min(2, most));
      comparison.add(
        'MirrorPad',
        { x },
        { mode: 'reflect', paddings: x.shape.map((size) => [within(size - 1), within(size - 1)]) },
      );
      comparison.add(
        'MirrorPad',
        { x },
        { mode: 'symmetric', paddings: x.shape.map((size) => [within(size), within(size)]) },
      );
      const block = random.integer(1, 3);
      const [batch, height, width, depth] = random.shape(4, false) as [number, number, number, number];
      comparison.add(
        'DepthToSpace',
        { x: random.operand([batch, height, width, depth * block * block]) },
        { blockSize: block, dataFormat: 'NHWC' },
      );
      const blockShape = [block, random.integer(1, 2)];
      const wide = random.operand([batch * blockShape[0]! * blockShape[1]!, height, width, depth]);
      comparison.add(
        'BatchToSpaceND',
        { x: wide },
        {
          blockShape,
          crops: [
            [0, block - 1],
            [0, 0],
          ],
        },
      );
      const before = random.integer(0, 2);
      const rest = (block - ((height + before) % block)) % block;
      const even = blockShape[1]! - (width % blockShape[1]!);
      comparison.add(
        'SpaceToBatchND',
        { x: random.operand([batch, height, width, depth], dtype) },
        {
          blockShape,
          paddings: [
            [before, rest],
            [0, even],
          ],
        },
      );
      comparison.add('Diag', { x: random.operand(random.shape(random.integer(1, 2)), random.choose(dtypes)) });
    }
    await expectSameAsCpu(comparison);
  });

  it('generate', async () => {
    const comparison = new Comparison();
    for (const dtype of ['float32', 'int32', 'bool']) comparison.add('Fill', {}, { shape: [2, 3], value: 1, dtype });
    comparison.add('Fill', {}, { shape: [], value: -2.5, dtype: 'float32' });
    comparison.add('Fill', {}, { shape: [0, 2], value: 7, dtype: 'int32' });
    comparison.add('Range', {}, { start: 0, stop: 7, step: 0.3, dtype: 'float32' });
    comparison.add('Range', {}, { start: 5, stop: -4, step: -2, dtype: 'int32' });
    comparison.add('Range', {}, { start: 5, stop: 1, step: 1, dtype: 'int32' });
    comparison.add('Range', {}, { start: 3, stop: 3, step: 1, dtype: 'float32' });
    comparison.add('LinSpace', {}, { start: -1, stop: 2.5, num: 9 });
    comparison.add('LinSpace', {}, { start: 4, stop: 4, num: 1 });
    await expectSameAsCpu(comparison);
  });
});
