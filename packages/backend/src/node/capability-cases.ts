/** The operations of the capability table, each as a small computation with inputs away from kinks and ties. */
import { tf } from '../tf.ts';

/** One row of the table. */
export interface CapabilityCase {
  name: string;
  /** Shapes of the float32 inputs, all of which a gradient is asked for. */
  shapes: number[][];
  compute: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** False where the result does not depend smoothly on the inputs: then only the forward pass is probed. */
  hasGradient: boolean;
  /** Inputs lie from 0.2 to 1 in size; with `signed` every second one is negative. */
  signed: boolean;
}

type Compute = CapabilityCase['compute'];

const cases: CapabilityCase[] = [];

function add(name: string, shapes: number[][], compute: Compute, options: Partial<CapabilityCase> = {}): void {
  cases.push({ name, shapes, compute, hasGradient: true, signed: true, ...options });
}

const positive = { signed: false };
const flat = { hasGradient: false };
const image = [2, 5, 4, 3];
const volume = [1, 3, 4, 3, 2];
const four = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;
const five = (x: tf.Tensor): tf.Tensor5D => x as tf.Tensor5D;
const rows = (): tf.Tensor2D =>
  tf.tensor2d(
    [
      [0, 2],
      [1, 1],
    ],
    [2, 2],
    'int32',
  );

for (const [name, operation] of Object.entries({
  abs: tf.abs,
  square: tf.square,
  exp: tf.exp,
  expm1: tf.expm1,
  sin: tf.sin,
  cos: tf.cos,
  tan: tf.tan,
  sinh: tf.sinh,
  cosh: tf.cosh,
  tanh: tf.tanh,
  atan: tf.atan,
  asinh: tf.asinh,
})) {
  add(name, [[3, 4]], (x) => operation(x));
}
for (const [name, operation] of Object.entries({
  relu: tf.relu,
  relu6: tf.relu6,
  elu: tf.elu,
  selu: tf.selu,
  leakyRelu: tf.leakyRelu,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  erf: tf.erf,
  neg: tf.neg,
  reciprocal: tf.reciprocal,
})) {
  add(name, [[3, 4]], (x) => operation(x));
}
for (const [name, operation] of Object.entries({ sqrt: tf.sqrt, rsqrt: tf.rsqrt, log: tf.log, log1p: tf.log1p }))
  add(name, [[3, 4]], (x) => operation(x), positive);
for (const [name, operation] of Object.entries({ asin: tf.asin, acos: tf.acos, atanh: tf.atanh }))
  add(name, [[3, 4]], (x) => operation(tf.mul(x, 0.5)));
for (const [name, operation] of Object.entries({
  floor: tf.floor,
  ceil: tf.ceil,
  round: tf.round,
  sign: tf.sign,
  step: tf.step,
}))
  add(name, [[3, 4]], (x) => operation(x), flat);
add('acosh', [[3, 4]], (x) => tf.acosh(tf.add(x, 2)));
add('clipByValue', [[3, 4]], (x) => tf.clipByValue(x, -0.5, 0.55));
add('prelu', [[3, 4], [4]], (x, alpha) => tf.prelu(x, alpha));
for (const [name, operation] of Object.entries({
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  squaredDifference: tf.squaredDifference,
  maximum: tf.maximum,
  minimum: tf.minimum,
})) {
  add(`${name}, broadcast`, [[3, 4], [4]], (a, b) => operation(a, tf.mul(b, 2)));
}
add(
  'div, broadcast',
  [
    [3, 4],
    [3, 1],
  ],
  (a, b) => tf.div(a, b),
);
add('pow, broadcast', [[3, 4], [4]], (a, b) => tf.pow(a, b), positive);
add('atan2, broadcast', [[3, 4], [4]], (a, b) => tf.atan2(a, b), positive);
add('mod, broadcast', [[3, 4], [4]], (a, b) => tf.mod(tf.add(a, 7), tf.add(b, 2)), positive);
add(
  'floorDiv',
  [
    [3, 4],
    [3, 4],
  ],
  (a, b) => tf.cast(tf.floorDiv(tf.mul(a, 9), b), 'float32'),
  flat,
);
for (const [name, operation] of Object.entries({
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
  equal: tf.equal,
  notEqual: tf.notEqual,
})) {
  add(`${name} as a mask`, [[3, 4], [4]], (a, b) => tf.where(operation(a, tf.mul(b, 0.1)), tf.mul(a, 2), tf.square(a)));
}
add('logicalAnd, Or, Not, Xor', [[3, 4]], (x) => {
  const [up, small] = [tf.greater(x, 0), tf.less(tf.abs(x), 0.6)];
  const mask = tf.logicalXor(tf.logicalAnd(up, small), tf.logicalOr(tf.logicalNot(up), small));
  return tf.mul(x, tf.cast(mask, 'float32'));
});
add(
  'matMul',
  [
    [3, 4],
    [4, 5],
  ],
  (a, b) => tf.matMul(a, b),
);
add(
  'matMul, batch and transposes',
  [
    [2, 4, 3],
    [2, 5, 4],
  ],
  (a, b) => tf.matMul(a, b, true, true),
);
add(
  'matMul, broadcast batch',
  [
    [2, 3, 4],
    [4, 5],
  ],
  (a, b) => tf.matMul(a, b),
);
add(
  'matMul, both batches broadcast',
  [
    [2, 1, 3, 4],
    [3, 4, 2],
  ],
  (a, b) => tf.matMul(a, b),
);
add(
  'einsum bhij,bhkj->bhik',
  [
    [1, 2, 3, 2],
    [1, 2, 4, 2],
  ],
  (a, b) => tf.einsum('bhij,bhkj->bhik', a, b),
);
add('einsum bi,j->bj', [[2, 3], [4]], (a, b) => tf.einsum('bi,j->bj', a, b));
for (const [name, operation] of Object.entries({
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
})) {
  add(`${name}, leading axis`, [[3, 2, 4]], (x) => operation(x, 0));
  add(`${name}, inner axes`, [[3, 2, 4]], (x) => operation(x, [1, 2], true));
}
add('logSumExp', [[3, 4]], (x) => tf.logSumExp(x, 1));
add('argMax, argMin', [[3, 4]], (x) => tf.cast(tf.add(tf.argMax(x, 1), tf.argMin(x, 1)), 'float32'), flat);
add('cumsum', [[3, 4]], (x) => tf.cumsum(x, 1));
add('cumprod', [[3, 4]], (x) => tf.cumprod(x, 1));
add('softmax', [[3, 4]], (x) => tf.softmax(x));
add('logSoftmax', [[3, 4]], (x) => tf.logSoftmax(x));
add('batchNorm', [[3, 4], [4], [4]], (x, mean, scale) => tf.batchNorm(x, mean, tf.square(scale), scale, mean));
add('localResponseNormalization', [[1, 3, 3, 4]], (x) => tf.localResponseNormalization(four(x), 2, 1, 0.5, 0.75));
add('reshape, expandDims', [[3, 4]], (x) => tf.expandDims(tf.reshape(x, [2, 6]), 1));
add('transpose, rank 5', [[2, 3, 2, 1, 4]], (x) => tf.transpose(x, [4, 1, 0, 3, 2]));
add(
  'concat, stack',
  [
    [3, 4],
    [3, 4],
  ],
  (a, b) => tf.concat([tf.stack([a, b]), tf.stack([b, a])], 1),
);
add('split, unstack', [[3, 4]], (x) => tf.add(tf.split(x, 2, 1)[0]!, tf.expandDims(tf.unstack(x, 1)[3]!, 1)));
add('slice', [[3, 4, 2]], (x) => tf.slice(x, [1, 0, 1], [2, 3, 1]));
add('stridedSlice', [[5, 4]], (x) => tf.stridedSlice(x, [4, 0], [0, 4], [-2, 3]));
add('reverse', [[3, 4]], (x) => tf.reverse(x, 1));
add('pad', [[3, 4]], (x) =>
  tf.pad(
    x,
    [
      [1, 2],
      [0, 1],
    ],
    0.5,
  ),
);
add('mirrorPad', [[3, 4]], (x) =>
  tf.mirrorPad(
    x,
    [
      [1, 2],
      [0, 1],
    ],
    'reflect',
  ),
);
add('tile, rank 6', [[1, 2, 1, 2, 1, 2]], (x) => tf.tile(x, [2, 1, 2, 1, 3, 1]));
add('broadcastTo', [[3, 1]], (x) => tf.broadcastTo(x, [2, 3, 4]));
add('where, broadcast', [[3, 4], [4]], (a, b) => tf.where(tf.greater(a, 0), a, tf.broadcastTo(b, [3, 4])));
add('gather', [[4, 3]], (x) => tf.gather(x, tf.tensor1d([3, 0, 3], 'int32')));
add('gather, axis 1', [[4, 3]], (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32'), 1));
add('gatherND', [[2, 3]], (x) => tf.gatherND(x, rows()));
add('scatterND', [[2, 2]], (x) => tf.scatterND(tf.tensor2d([[1], [1]], [2, 1], 'int32'), x, [3, 2]));
add('unsortedSegmentSum', [[3, 4]], (x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1], 'int32'), 2));
add(
  'oneHot, float32',
  [[3]],
  (x) => tf.oneHot(tf.cast(tf.mul(tf.abs(x), 3), 'int32') as tf.Tensor1D, 4, 1, 0, 'float32'),
  flat,
);
add('topk', [[2, 5]], (x) => tf.topk(x, 3).values);
add('depthToSpace', [[1, 2, 2, 8]], (x) => tf.depthToSpace(four(x), 2));
add('spaceToBatchND', [[1, 4, 4, 1]], (x) =>
  tf.spaceToBatchND(
    x,
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ),
);
add('batchToSpaceND', [[4, 2, 2, 1]], (x) =>
  tf.batchToSpaceND(
    x,
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ),
);
add(
  'conv1d',
  [
    [2, 6, 3],
    [3, 3, 2],
  ],
  (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
);
add('conv2d', [image, [3, 3, 3, 2]], (x, w) => tf.conv2d(four(x), four(w), 1, 'same'));
add('conv2d, stride 2', [image, [3, 2, 3, 2]], (x, w) => tf.conv2d(four(x), four(w), 2, 'same'));
add('conv2d, dilation 2', [image, [2, 2, 3, 2]], (x, w) => tf.conv2d(four(x), four(w), 1, 'valid', 'NHWC', 2));
add(
  'conv2dTranspose',
  [
    [1, 3, 3, 2],
    [3, 3, 3, 2],
  ],
  (x, w) => tf.conv2dTranspose(four(x), four(w), [1, 6, 6, 3], 2, 'same'),
);
add('depthwiseConv2d', [image, [3, 3, 3, 2]], (x, w) => tf.depthwiseConv2d(four(x), four(w), 1, 'same'));
add('depthwiseConv2d, dilation 2', [image, [2, 2, 3, 1]], (x, w) =>
  tf.depthwiseConv2d(four(x), four(w), 1, 'same', 'NHWC', 2),
);
add('conv3d', [volume, [2, 2, 2, 2, 2]], (x, w) => tf.conv3d(five(x), five(w), 1, 'same'));
add('maxPool', [image], (x) => tf.maxPool(four(x), 2, 2, 'same'));
add('avgPool', [image], (x) => tf.avgPool(four(x), 3, 2, 'same'));
add('maxPool3d', [volume], (x) => tf.maxPool3d(five(x), 2, 1, 'valid'));
add('avgPool3d, padded', [volume], (x) => tf.avgPool3d(five(x), 3, 2, 'same'));
add('avgPool3d', [volume], (x) => tf.avgPool3d(five(x), 2, 1, 'valid'));
add(
  'dilation2d',
  [
    [1, 4, 4, 1],
    [2, 2, 1],
  ],
  (x, w) => tf.dilation2d(four(x), w as tf.Tensor3D, 1, 'valid'),
);
for (const [name, corners, centers] of [
  ['plain', false, false],
  ['aligned corners', true, false],
  ['half-pixel centres', false, true],
] as const) {
  add(`resizeBilinear, ${name}`, [[1, 3, 4, 2]], (x) => tf.image.resizeBilinear(four(x), [5, 6], corners, centers));
  add(`resizeNearestNeighbor, ${name}`, [[1, 3, 4, 2]], (x) =>
    tf.image.resizeNearestNeighbor(four(x), [6, 8], corners, centers),
  );
}
add('fft, real part', [[8]], (x) => tf.real(tf.fft(tf.complex(x, tf.zerosLike(x)))), flat);

/** All rows, in the order of the table. */
export const capabilityCases: readonly CapabilityCase[] = cases;
