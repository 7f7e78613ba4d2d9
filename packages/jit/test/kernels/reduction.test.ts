import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator, operand, type Dtype } from './against-cpu.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

/** Some axes of a shape in some order, now and then counted from the end. */
function someAxes(random: Generator, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter(() => random.uniform() < 0.5);
  return axes.map((axis) => (random.uniform() < 0.3 ? axis - rank : axis));
}

describe('reductions', () => {
  it("are cpu's over any axes", async () => {
    const random = new Generator(11);
    const comparison = new Comparison();
    for (const kernel of ['Sum', 'Mean', 'Prod', 'Max', 'Min', 'All', 'Any']) {
      for (let round = 0; round < 24; round++) {
        const dtype: Dtype =
          kernel === 'All' || kernel === 'Any' ? 'bool' : random.choose(['float32', 'float32', 'int32', 'bool']);
        if (dtype === 'bool' && (kernel === 'Max' || kernel === 'Min')) continue;
        const shape = random.shape(round % 6);
        const axis = someAxes(random, shape.length);
        const keepDims = random.uniform() < 0.5;
        const attributes = kernel === 'Max' ? { reductionIndices: axis, keepDims } : { axis, keepDims };
        comparison.add(kernel, { x: random.operand(shape, dtype) }, attributes, { relative: 1e-5, absolute: 1e-5 });
      }
    }
    const large = operand([2 ** 31 - 1, 5, -7, 2 ** 30, 2 ** 30, 3], [2, 3], 'int32');
    for (const kernel of ['Sum', 'Prod', 'Mean']) comparison.add(kernel, { x: large }, { axis: [1], keepDims: false });
    comparison.add('Cumsum', { x: large }, { axis: 1, exclusive: false, reverse: false });
    await expectSameAsCpu(comparison);
  });

  it('find extremes among NaN and infinities as cpu does', async () => {
    const comparison = new Comparison();
    const x = operand([1, NaN, 3, NaN, 0, 1, -Infinity, 2, 2, Infinity, 1, Infinity, 5, 5, 4, 9, 3, NaN], [6, 3]);
    for (const axis of [0, 1]) {
      comparison.add('Max', { x }, { reductionIndices: [axis], keepDims: false });
      comparison.add('Min', { x }, { axis: [axis], keepDims: false });
      comparison.add('ArgMax', { x }, { axis });
      comparison.add('ArgMin', { x }, { axis });
    }
    // Few places along an axis are compared part by part, more are reduced.
    const random = new Generator(14);
    for (const shape of [
      [3, 5, 20],
      [2, 8, 700],
      [40, 2],
      [3, 9, 20],
    ]) {
      const size = shape.reduce((product, length) => product * length, 1);
      const values = Array.from({ length: size }, () =>
        random.uniform() < 0.1 ? random.choose([NaN, Infinity, -Infinity]) : random.uniform() - 0.5,
      );
      for (const keepDims of [false, true]) {
        comparison.add('Max', { x: operand(values, shape) }, { reductionIndices: [1], keepDims });
        comparison.add('Min', { x: operand(values, shape) }, { axis: [1], keepDims });
      }
    }
    await expectSameAsCpu(comparison);
  });

  it('find the first extreme', async () => {
    const random = new Generator(12);
    const comparison = new Comparison();
    for (let round = 0; round < 24; round++) {
      const rank = random.integer(1, 4);
      // Few different numbers: ties.
      const x = random.operand(random.shape(rank), random.choose<Dtype>(['float32', 'int32', 'bool']), 2);
      const axis = random.integer(0, rank - 1);
      comparison.add('ArgMax', { x }, { axis });
      comparison.add('ArgMin', { x }, { axis });
    }
    await expectSameAsCpu(comparison);
  });

  it('run along an axis', async () => {
    const random = new Generator(13);
    const comparison = new Comparison();
    for (let round = 0; round < 32; round++) {
      const rank = random.integer(1, 4);
      const x = random.operand(random.shape(rank), random.choose<Dtype>(['float32', 'int32']));
      const flags = { exclusive: random.uniform() < 0.5, reverse: random.uniform() < 0.5 };
      const attributes = { axis: random.integer(0, rank - 1), ...flags };
      comparison.add('Cumsum', { x }, attributes, { absolute: 1e-5 });
      comparison.add('Cumprod', { x }, attributes, { relative: 1e-5 });
    }
    comparison.add(
      'Cumprod',
      { x: random.operand([3, 37], 'float32', 1.3) },
      { axis: 1, exclusive: true, reverse: true },
    );
    await expectSameAsCpu(comparison);
  });

  it('normalize exponentials', async () => {
    const random = new Generator(14);
    const comparison = new Comparison();
    for (let rank = 1; rank <= 5; rank++) {
      comparison.add(
        'Softmax',
        { logits: random.operand(random.shape(rank, false), 'float32', 20) },
        { dim: rank - 1 },
      );
      comparison.add('Softmax', { logits: random.operand(random.shape(rank)) }, { dim: -1 });
    }
    await expectSameAsCpu(comparison);
  });
});
