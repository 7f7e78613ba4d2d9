import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { hyperbolicTangent } from '../../src/repairs/wasm/elementwise.ts';
import { between, expectAgreement, integers, nextUniform, numbers, prepareEngines } from './engines.ts';

beforeAll(prepareEngines);

/** Two shapes that broadcast, of rank up to 4. */
function broadcastingShapes(): [number[], number[]] {
  const shape = Array.from({ length: between(0, 4) }, () => between(1, 5));
  const part = (): number[] => shape.slice(between(0, shape.length)).map((n) => (nextUniform() < 0.3 ? 1 : n));
  return [shape, part()];
}

describe('elementwise kernels on wasm', () => {
  it('agree under broadcasting', () => {
    const pairs = {
      maximum: tf.maximum,
      minimum: tf.minimum,
      greater: tf.greater,
      greaterEqual: tf.greaterEqual,
      less: tf.less,
      lessEqual: tf.lessEqual,
      equal: tf.equal,
      notEqual: tf.notEqual,
      atan2: tf.atan2,
      mod: tf.mod,
      floorDiv: tf.floorDiv,
      squaredDifference: tf.squaredDifference,
    };
    for (const [name, op] of Object.entries(pairs)) {
      for (let trial = 0; trial < 12; trial++) {
        const [left, right] = broadcastingShapes();
        // The cpu engine calls any floorDiv int32.
        const whole = trial % 2 === 0 || name === 'floorDiv';
        const a = whole ? integers(left, 1, 4) : numbers(left, -2, 2);
        const b = whole ? integers(right, 1, 4) : numbers(right, 0.5, 2);
        const swap = trial % 3 === 0;
        expectAgreement(() => (swap ? op(b(), a()) : op(a(), b())), 2e-6, `${name} [${left}] [${right}]`);
      }
    }
    const [a, b] = [numbers([3, 4]), numbers([3, 1])];
    for (const op of [tf.logicalAnd, tf.logicalOr, tf.logicalXor]) {
      expectAgreement(() => op(tf.greater(a(), 0), tf.greater(b(), 0)));
    }
    expectAgreement(() => tf.where(tf.greater(a(), 0), a(), tf.scalar(2)));
    expectAgreement(() => tf.pow(tf.abs(a()), b()));
  });

  it('compute tanh to float32 precision, also at the ends', () => {
    for (let x = -22; x <= 22; x += 0.00371) {
      const wanted = Math.tanh(x);
      expect(Math.abs(hyperbolicTangent(x) - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 2e-8);
    }
    for (const x of [Number.NaN, Infinity, -Infinity, 0, 1e-30, -1e-7]) {
      expect(Math.fround(hyperbolicTangent(x))).toBe(Math.fround(Math.tanh(x)));
    }
    const x = numbers([1000], -12, 12);
    expectAgreement(() => tf.tanh(x()), 1e-7);
  });

  it('reduce over any axes', () => {
    for (let trial = 0; trial < 60; trial++) {
      const shape = Array.from({ length: between(0, 4) }, () => between(1, 7));
      const axes = shape.map((_, axis) => axis).filter(() => nextUniform() < 0.5);
      const keep = nextUniform() < 0.5;
      const x = trial % 3 === 0 ? integers(shape, -5, 5) : numbers(shape);
      for (const op of [tf.sum, tf.mean, tf.max, tf.min]) {
        expectAgreement(() => op(x(), axes, keep), 2e-6, `${op.name} [${shape}] over ${axes}`);
      }
    }
    expectAgreement(() => [
      tf.sum(tf.ones([0, 3]), 0),
      tf.sum(tf.ones([2, 0]), 1),
      tf.sum(tf.tensor1d([1, 0, 1], 'bool')),
    ]);
  });

  it('tile, reverse and stride', () => {
    for (let trial = 0; trial < 40; trial++) {
      const shape = Array.from({ length: between(1, 4) }, () => between(1, 5));
      const x = trial % 2 ? numbers(shape) : integers(shape, -9, 9);
      const repeats = shape.map(() => between(1, 3));
      expectAgreement(() => tf.tile(x(), repeats), 0);
      const axes = shape.map((_, axis) => axis).filter(() => nextUniform() < 0.5);
      expectAgreement(() => tf.reverse(x(), axes), 0);
      const step = shape.map(() => (nextUniform() < 0.5 ? between(1, 3) : -between(1, 3)));
      const begin = shape.map((extent, axis) => (step[axis]! > 0 ? 0 : extent - 1));
      const end = shape.map((extent, axis) => (step[axis]! > 0 ? extent : -extent - 1));
      expectAgreement(() => tf.stridedSlice(x(), begin, end, step), 0, `[${shape}] stride ${step}`);
      expectAgreement(() => tf.unstack(x(), between(0, 0)), 0);
    }
    const x = numbers([4, 5, 6]);
    expectAgreement(() => tf.stridedSlice(x(), [1], [2], [1], 0, 0, 0, 0, 1), 0);
    expectAgreement(() => tf.stridedSlice(x(), [0, 1, 0], [0, 4, 2], [1, 2, 1], 0, 0, 1, 2, 0), 0);
    expectAgreement(() => tf.unstack(x(), 1), 0);
  });
});
