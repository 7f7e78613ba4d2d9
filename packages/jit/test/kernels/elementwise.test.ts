import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator, operand, type Dtype, type Tolerance } from './against-cpu.ts';

const special = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-30,
  -1e-30,
  1.2e-38,
  0.5,
  1.5,
  2.5,
  -0.5,
  -1.5,
  -2.5,
  1,
  -1,
  100,
  -100,
  3e9,
  -3e9,
  1e20,
  -1e20,
  1e-4,
  -1e-4,
  17,
  -17,
];
const wholes = [0, 1, -1, 2, -2, 3, -3, 7, -7, 100, -100, 65537, 2 ** 31 - 1, -(2 ** 31), 123456789, -987654321];

/** Functions whose arguments are bounded, or which cpu computes by another approximation. */
const tolerances: Record<string, Tolerance> = {
  Erf: { absolute: 5e-7 },
  Sin: { absolute: 2e-6 },
  Cos: { absolute: 2e-6 },
};

const unary = [
  'Abs',
  'Acos',
  'Acosh',
  'Asin',
  'Asinh',
  'Atan',
  'Atanh',
  'Ceil',
  'Cos',
  'Cosh',
  'Elu',
  'Erf',
  'Exp',
  'Expm1',
  'Floor',
  'IsFinite',
  'IsInf',
  'IsNan',
  'Log',
  'Log1p',
  'Neg',
  'Reciprocal',
  'Relu',
  'Relu6',
  'Round',
  'Rsqrt',
  'Selu',
  'Sigmoid',
  'Sign',
  'Sin',
  'Sinh',
  'Softplus',
  'Sqrt',
  'Square',
  'Tan',
  'Tanh',
];
const binary = [
  'Add',
  'Atan2',
  'Equal',
  'FloorDiv',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'Maximum',
  'Minimum',
  'Mod',
  'Multiply',
  'NotEqual',
  'Pow',
  'RealDiv',
  'SquaredDifference',
  'Sub',
];

/** Trigonometric functions of huge arguments: float32's range reduction is another one than double's. */
const periodic = new Set(['Sin', 'Cos', 'Tan']);

/** Functions that whole numbers do not go through float32 for. */
const exact = new Set(['Ceil', 'Floor', 'IsFinite', 'IsInf', 'IsNan', 'Neg', 'Relu', 'Relu6', 'Round', 'Sign']);

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

describe('elementwise kernels', () => {
  it("are cpu's for functions of one number", async () => {
    const random = new Generator(1);
    const comparison = new Comparison();
    for (const kernel of unary) {
      const numbers = periodic.has(kernel) ? special.filter((number) => !(Math.abs(number) > 1000)) : special;
      comparison.add(kernel, { x: operand(numbers, [numbers.length]) }, {}, tolerances[kernel]);
      const largest = periodic.has(kernel) ? 1000 : exact.has(kernel) ? Infinity : 2 ** 24;
      const small = wholes.filter((number) => Math.abs(number) <= largest);
      if (kernel !== 'Square')
        comparison.add(kernel, { x: operand(small, [small.length], 'int32') }, {}, tolerances[kernel]);
      for (let round = 0; round < 3; round++) {
        comparison.add(kernel, { x: random.operand(random.shape(round * 2)) }, {}, tolerances[kernel]);
      }
    }
    for (const dtype of ['float32', 'int32'] as const) {
      const numbers = dtype === 'float32' ? special : wholes;
      const x = operand(numbers, [numbers.length], dtype);
      comparison.add('Step', { x }, { alpha: 0 });
      comparison.add('Step', { x }, { alpha: 0.25 });
      comparison.add('LeakyRelu', { x }, { alpha: 0.2 });
      comparison.add('ClipByValue', { x }, { clipValueMin: -1.5, clipValueMax: 2.5 });
      comparison.add('ClipByValue', { x }, { clipValueMin: -Infinity, clipValueMax: 7 });
    }
    comparison.add('Square', { x: operand([0, 3, -9, 1000], [4], 'int32') });
    await expectSameAsCpu(comparison);
  });

  it("are cpu's for functions of two numbers, broadcast", async () => {
    const random = new Generator(2);
    const comparison = new Comparison();
    for (const kernel of binary) {
      const isPeriodic = kernel === 'Pow';
      const numbers = isPeriodic ? special.filter((number) => Number.isFinite(number)) : special;
      const column = operand(numbers, [numbers.length, 1]);
      comparison.add(kernel, { a: column, b: operand(numbers, [1, numbers.length]) }, {}, { relative: 1e-5 });
      const bounded = isPeriodic ? [0, 1, -1, 2, -2, 3, 5, -5, 9] : wholes;
      const row = operand(bounded, [bounded.length], 'int32');
      comparison.add(kernel, { a: operand(bounded, [bounded.length, 1], 'int32'), b: row });
      for (let round = 0; round < 6; round++) {
        const shape = random.shape(round);
        const dtype: Dtype = random.choose(['float32', 'float32', 'int32']);
        const a = random.operand(random.broadcastable(shape), dtype);
        const b = random.operand(random.uniform() < 0.5 ? shape : random.broadcastable(shape), dtype);
        const operands = random.uniform() < 0.5 ? { a, b } : { a: b, b: a };
        comparison.add(kernel, operands, {}, { relative: 1e-5 });
      }
    }
    comparison.add('BitwiseAnd', {
      a: operand(wholes, [wholes.length, 1], 'int32'),
      b: operand(wholes, [wholes.length], 'int32'),
    });
    await expectSameAsCpu(comparison);
  });

  it("are cpu's where a kernel has its own inputs", async () => {
    const random = new Generator(3);
    const comparison = new Comparison();
    for (let round = 0; round < 12; round++) {
      const shape = random.shape(random.integer(0, 4));
      comparison.add('Prelu', { x: random.operand(shape), alpha: random.operand(random.broadcastable(shape)) });
      comparison.add('EluGrad', { dy: random.operand(shape), y: random.operand(shape) });
      const dtype: Dtype = random.choose(['float32', 'int32']);
      comparison.add('AddN', {
        0: random.operand(shape, dtype),
        1: random.operand(shape, dtype),
        2: random.operand(shape, dtype),
      });
      const kind: Dtype = random.choose(['float32', 'int32', 'bool']);
      const condition = random.operand(shape, 'bool');
      comparison.add('Select', { condition, t: random.operand(shape, kind), e: random.operand(shape, kind) });
      comparison.add('LogicalAnd', { a: condition, b: random.operand(shape, 'bool') });
      comparison.add('LogicalOr', { a: condition, b: random.operand(random.broadcastable(shape), 'bool') });
      comparison.add('LogicalNot', { x: condition });
      for (const kernel of ['Equal', 'NotEqual', 'Less', 'GreaterEqual']) {
        comparison.add(kernel, { a: condition, b: random.operand(random.broadcastable(shape), 'bool') });
      }
      for (const kernel of ['Add', 'Multiply', 'Maximum', 'Minimum']) {
        comparison.add(kernel, { a: condition, b: random.operand(random.broadcastable(shape), 'bool') });
      }
    }
    await expectSameAsCpu(comparison);
  });

  it('convert as JavaScript does', async () => {
    const comparison = new Comparison();
    const reals = [
      ...special,
      2 ** 31,
      2 ** 32 + 512,
      -(2 ** 33) - 1024,
      2 ** 40 + 2 ** 20,
      2 ** 62,
      2 ** 63,
      -(2 ** 63),
      3.99,
      -3.99,
    ];
    for (const dtype of ['float32', 'int32', 'bool']) {
      comparison.add('Cast', { x: operand(reals, [reals.length]) }, { dtype });
      comparison.add('Cast', { x: operand(wholes, [wholes.length], 'int32') }, { dtype });
      comparison.add('Cast', { x: operand([0, 1, 1, 0], [2, 2], 'bool') }, { dtype });
      comparison.add('Cast', { x: operand([], [0, 2]) }, { dtype });
    }
    await expectSameAsCpu(comparison);
  });
});
