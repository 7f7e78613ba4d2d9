/**
 * Arithmetic and functions of single numbers.
 *
 * Real numbers are computed in float32, where tfjs's cpu engine computes in double precision and rounds once. Whole numbers
 * are computed exactly as there: what can leave 32 bits or divide by zero goes through double precision. A function that
 * ONNX lacks is composed of others so that small arguments keep their digits.
 *
 * What differs: functions of real numbers take int32 through float32, so that beyond 2²⁴ they see a rounded one; `Sigmoid` is ONNX Runtime's, right to 1e-7 in absolute and not in relative terms; `Pow` of 1 to NaN or to
 * an infinity is 1 (NaN in JavaScript); arithmetic of bool gives true where cpu stores 2 or 255.
 */
import { convert, inDouble } from '../build/convert.ts';
import { broadcastShape, elementwise } from '../build/elementwise.ts';
import { cast, expand, full } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { sameShape, type GraphDtype, type Value } from '../graph/value.ts';
import type { Kernel, KernelAttributes, KernelFamily } from './kernel.ts';

type Unary = (graph: Graph, x: Value, attributes: KernelAttributes) => Value;

/** A function of real numbers. Whole numbers are computed as real ones and stored as whole ones again. */
function ofReal(compute: Unary, dtype?: GraphDtype): Kernel {
  return (graph, { x }, attributes) =>
    convert(graph, compute(graph, cast(graph, x!, 'float32'), attributes), dtype ?? x!.dtype);
}

/** A function that ONNX has under some name. */
const named = (op: string): Kernel => ofReal((graph, x) => elementwise(graph, op, [x]));

/** A function that leaves whole numbers as they are. */
const rounding =
  (op: string): Kernel =>
  (graph, { x }) =>
    x!.dtype === 'float32' ? elementwise(graph, op, [x!]) : x!;

type Binary = (graph: Graph, a: Value, b: Value) => Value;

/** A function of two numbers: real ones in single precision, others in double. */
function ofTwo(compute: Binary): Kernel {
  return (graph, { a, b }) => {
    if (a!.dtype === 'float32' && b!.dtype === 'float32') return compute(graph, a!, b!);
    return inDouble(graph, [a!, b!], a!.dtype, (left, right) => compute(graph, left!, right!));
  };
}

/** An operation whose result for int32 is cpu's without a detour: sums wrap, extremes cannot leave the range. */
function direct(op: string): Kernel {
  const general = ofTwo((graph, a, b) => elementwise(graph, op, [a, b]));
  return (graph, inputs, attributes) => {
    const { a, b } = inputs;
    if (a!.dtype === 'int32' && b!.dtype === 'int32') return elementwise(graph, op, [a!, b!]);
    return general(graph, inputs, attributes);
  };
}

/** A number of the same type as a value. */
const like = (graph: Graph, value: Value, number: number): Value => graph.scalar(number, value.dtype);

/** log(1 + x) = 2 artanh(x / (2 + x)). Near 0 the sum 1 + x has lost the digits of x; far from 0 the quotient nears 1. */
function log1p(graph: Graph, x: Value): Value {
  const quotient = elementwise(graph, 'Div', [x, elementwise(graph, 'Add', [x, graph.scalar(2)])]);
  const near = elementwise(graph, 'Mul', [elementwise(graph, 'Atanh', [quotient]), graph.scalar(2)]);
  const far = elementwise(graph, 'Log', [elementwise(graph, 'Add', [x, graph.scalar(1)])]);
  const isNear = elementwise(graph, 'Less', [elementwise(graph, 'Abs', [x]), graph.scalar(0.5)]);
  return elementwise(graph, 'Where', [isNear, near, far]);
}

/** eˣ − 1 = tanh(x / 2) · (eˣ + 1), without the cancellation near 0. */
function expm1(graph: Graph, x: Value): Value {
  const half = elementwise(graph, 'Tanh', [elementwise(graph, 'Mul', [x, graph.scalar(0.5)])]);
  const sum = elementwise(graph, 'Add', [elementwise(graph, 'Exp', [x]), graph.scalar(1)]);
  return elementwise(graph, 'Mul', [half, sum]);
}

/** In double precision: where the tangent is steep, single precision is not enough for the angle. */
const tan: Kernel = (graph, { x }) =>
  inDouble(graph, [x!], x!.dtype, (angle) =>
    elementwise(graph, 'Div', [elementwise(graph, 'Sin', [angle!]), elementwise(graph, 'Cos', [angle!])]),
  );

/** The result is real whatever arrives; a whole number is worth a double. */
const exp: Kernel = (graph, { x }) => {
  if (x!.dtype === 'float32') return elementwise(graph, 'Exp', [x!]);
  return inDouble(graph, [x!], 'float32', (value) => elementwise(graph, 'Exp', [value!]));
};

/** −1, 0 or 1; 0 for NaN, where ONNX Runtime's Sign says 1. */
function sign(graph: Graph, x: Value): Value {
  const zero = graph.scalar(0);
  const positive = cast(graph, elementwise(graph, 'Greater', [x, zero]), 'float32');
  return elementwise(graph, 'Sub', [positive, cast(graph, elementwise(graph, 'Less', [x, zero]), 'float32')]);
}

/** What `Relu` made of a value. The backward pass asks where the value is positive, and may look at this instead. */
const rectified = new WeakMap<Value, Value>();

/** Remembers that `y` is the rectified `x`, so that the gradient reads `y` and nothing keeps `x` in memory. */
export function rememberRectified(x: Value, y: Value): void {
  rectified.set(x, y);
}

function relu(graph: Graph, x: Value): Value {
  const y = elementwise(graph, 'Relu', [x]);
  rememberRectified(x, y);
  return y;
}

/**
 * 1 where x > 0, else 0; NaN for NaN: max(0, min(1, 10³⁸ x)), one cheap node instead of a comparison and a cast.
 * 10³⁸ times the smallest normal float32, 1.18e-38, is above 1. A denormal x, which is none for a session that takes
 * denormals for zero, gives a number between 0 and 1.
 */
function heaviside(graph: Graph, x: Value): Value {
  const attributes = { alpha: { float: 1e38 }, beta: { float: 0 } };
  return elementwise(graph, 'HardSigmoid', [rectified.get(x) ?? x], attributes);
}

const step: Unary = (graph, x, { alpha }) => {
  const unit = heaviside(graph, x);
  if (alpha === undefined || alpha === 0) return unit;
  const isPositive = elementwise(graph, 'Greater', [x, graph.scalar(0)]);
  // unit keeps NaN: adding it to the number for the rest does so too.
  const rest = elementwise(graph, 'Add', [unit, graph.scalar(alpha as number)]);
  return elementwise(graph, 'Where', [isPositive, unit, rest]);
};

/** Two numbers of opposite signs have a remainder of the divisor's sign: (a rem b + b) rem b. tfjs's formula. */
const mod: Kernel = (graph, { a, b }) =>
  inDouble(graph, [a!, b!], a!.dtype, (left, right) => {
    const remainder = (dividend: Value): Value => elementwise(graph, 'Mod', [dividend, right!], { fmod: 1 });
    const first = remainder(left!);
    const zero = like(graph, left!, 0);
    const below = (value: Value): Value => elementwise(graph, 'Less', [value, zero]);
    const differ = elementwise(graph, 'Xor', [below(left!), below(right!)]);
    const second = remainder(elementwise(graph, 'Add', [first, right!]));
    return elementwise(graph, 'Where', [differ, second, first]);
  });

const floorDiv: Kernel = (graph, { a, b }) =>
  inDouble(graph, [a!, b!], 'int32', (left, right) =>
    elementwise(graph, 'Floor', [elementwise(graph, 'Div', [left!, right!])]),
  );

/** The angle of (x, y) from the arc tangent of y / x and the quadrant. Zeros have signs, infinities count as equal. */
function atan2(graph: Graph, y: Value, x: Value): Value {
  const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
  const number = (value: number): Value => graph.scalar(value);
  // −0 is told from 0 by its reciprocal.
  const isNegative = (value: Value): Value =>
    op('Less', op('Where', op('Equal', value, number(0)), op('Reciprocal', value), value), number(0));
  const bothInfinite = op('And', elementwise(graph, 'IsInf', [y]), elementwise(graph, 'IsInf', [x]));
  const finiteY = op('Where', bothInfinite, sign(graph, y), y);
  const finiteX = op('Where', bothInfinite, sign(graph, x), x);
  const slope = op('Where', op('Equal', y, number(0)), y, op('Div', finiteY, finiteX));
  // At y = ±0 the quotient's sign, or NaN for 0 / 0, would be in the way: the angle is ±0, or ±π on the left.
  const half = op('Where', isNegative(y), number(-Math.PI), number(Math.PI));
  const right = op('Atan', slope);
  const left = op('Where', op('Equal', y, number(0)), half, op('Add', right, half));
  const angle = op('Where', isNegative(x), left, right);
  return op('Where', elementwise(graph, 'IsNaN', [op('Add', slope, x)]), op('Add', slope, x), angle);
}

const prelu: Kernel = (graph, inputs) => {
  const x = cast(graph, inputs['x']!, 'float32');
  const alpha = cast(graph, inputs['alpha']!, 'float32');
  const shape = broadcastShape(x.shape, alpha.shape);
  // ONNX broadcasts the slope only.
  return elementwise(graph, 'PRelu', [sameShape(x.shape, shape) ? x : expand(graph, x, shape), alpha]);
};

const clip: Kernel = (graph, { x }, { clipValueMin, clipValueMax }) => {
  if (x!.dtype === 'bool') {
    return convert(graph, clipReal(graph, cast(graph, x!, 'float32'), clipValueMin, clipValueMax), 'bool');
  }
  return clipReal(graph, x!, clipValueMin, clipValueMax);
};

function clipReal(graph: Graph, x: Value, lowest: number, highest: number): Value {
  // An infinite bound has no int32; it bounds nothing.
  const low = Math.max(lowest, x.dtype === 'int32' ? -(2 ** 31) : -Infinity);
  const high = Math.min(highest, x.dtype === 'int32' ? 2 ** 31 - 1 : Infinity);
  return elementwise(graph, 'Clip', [x, like(graph, x, low), like(graph, x, high)]);
}

/** dy where y ≥ 0, else dy · (y + 1): the factor is the smaller of y + 1 and 1. */
const eluGrad: Kernel = (graph, { dy, y }) => {
  const slope = elementwise(graph, 'Add', [cast(graph, y!, 'float32'), graph.scalar(1)]);
  return elementwise(graph, 'Mul', [dy!, elementwise(graph, 'Min', [slope, graph.scalar(1)])]);
};

/** Predicates of real numbers; whole numbers have one answer. */
const predicate =
  (ofWhole: number, compute: (graph: Graph, x: Value) => Value): Kernel =>
  (graph, { x }) =>
    x!.dtype === 'float32' ? compute(graph, x!) : full(graph, x!.shape, ofWhole, 'bool');

const addN: Kernel = (graph, inputs) =>
  Object.values(inputs).reduce((sum, value) => direct('Add')(graph, { a: sum, b: value }, {}) as Value);

/** See the file's head. */
export const elementwiseKernels: KernelFamily = {
  Abs: (graph, { x }) => (x!.dtype === 'bool' ? x! : elementwise(graph, 'Abs', [x!])),
  Acos: named('Acos'),
  Acosh: named('Acosh'),
  Add: direct('Add'),
  AddN: addN,
  Asin: named('Asin'),
  Asinh: named('Asinh'),
  Atan: named('Atan'),
  Atan2: (graph, { a, b }) => {
    const angle = atan2(graph, cast(graph, a!, 'float32'), cast(graph, b!, 'float32'));
    return convert(graph, angle, a!.dtype);
  },
  Atanh: named('Atanh'),
  BitwiseAnd: (graph, { a, b }) => elementwise(graph, 'BitwiseAnd', [a!, b!]),
  Ceil: rounding('Ceil'),
  ClipByValue: clip,
  Cos: named('Cos'),
  Cosh: named('Cosh'),
  Elu: named('Elu'),
  EluGrad: eluGrad,
  Erf: named('Erf'),
  Exp: exp,
  Expm1: ofReal(expm1),
  Floor: rounding('Floor'),
  FloorDiv: floorDiv,
  IsFinite: predicate(1, (graph, x) =>
    elementwise(graph, 'Less', [elementwise(graph, 'Abs', [x]), graph.scalar(Infinity)]),
  ),
  IsInf: predicate(0, (graph, x) => elementwise(graph, 'IsInf', [x])),
  IsNan: predicate(0, (graph, x) => elementwise(graph, 'IsNaN', [x])),
  LeakyRelu: ofReal(
    (graph, x, { alpha }) => elementwise(graph, 'LeakyRelu', [x], { alpha: { float: alpha as number } }),
    'float32',
  ),
  Log: named('Log'),
  Log1p: ofReal(log1p),
  Maximum: direct('Max'),
  Minimum: direct('Min'),
  Mod: mod,
  Multiply: ofTwo((graph, a, b) => elementwise(graph, 'Mul', [a, b])),
  Neg: (graph, { x }) => (x!.dtype === 'bool' ? x! : elementwise(graph, 'Neg', [x!])),
  Pow: ofTwo((graph, a, b) => elementwise(graph, 'Pow', [a, b])),
  Prelu: prelu,
  RealDiv: ofTwo((graph, a, b) => elementwise(graph, 'Div', [a, b])),
  Reciprocal: named('Reciprocal'),
  Relu: (graph, { x }) => (x!.dtype === 'bool' ? x! : relu(graph, x!)),
  Relu6: (graph, { x }) => clip(graph, { x: x! }, { clipValueMin: 0, clipValueMax: 6 }),
  Round: rounding('Round'),
  Rsqrt: ofReal((graph, x) => elementwise(graph, 'Reciprocal', [elementwise(graph, 'Sqrt', [x])])),
  Selu: named('Selu'),
  Sigmoid: named('Sigmoid'),
  Sign: ofReal(sign),
  Sin: named('Sin'),
  Sinh: named('Sinh'),
  Softplus: named('Softplus'),
  Sqrt: named('Sqrt'),
  Square: (graph, { x }) => ofTwo((inner, a, b) => elementwise(inner, 'Mul', [a, b]))(graph, { a: x!, b: x! }, {}),
  SquaredDifference: ofTwo((graph, a, b) => {
    const difference = elementwise(graph, 'Sub', [a, b]);
    return elementwise(graph, 'Mul', [difference, difference]);
  }),
  Step: ofReal(step),
  Sub: direct('Sub'),
  Tan: tan,
  Tanh: named('Tanh'),
};
