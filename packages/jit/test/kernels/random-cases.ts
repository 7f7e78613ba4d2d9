/**
 * A random case of each kernel of the table: shapes, types, broadcasts, windows and axes as tfjs allows them, sizes of 1 and
 * 0 among them.
 *
 * What tfjs's cpu engine does not do, or does wrongly, is left out here and nowhere else; each place says so.
 */
import * as tf from '@tensorflow/tfjs';
import { poolingSliding } from '../../src/build/window.ts';
import type { KernelAttributes } from '../../src/kernels/kernel.ts';
import { operand, type Dtype, type Generator, type Operand, type Tolerance } from './against-cpu.ts';

/** See the file's head. */
export interface RandomCase {
  readonly operands: Readonly<Record<string, Operand>>;
  readonly attributes?: KernelAttributes;
  readonly tolerance?: Tolerance;
}

/** Makes a case; nothing if the numbers that were drawn fit no case. `block` is that of the target's layout, or 0. */
export type MakeCase = (random: Generator, block: number) => RandomCase | undefined;

const close: Tolerance = { absolute: 2e-5, relative: 1e-5 };
/** Sums of many products. */
const summed: Tolerance = { ...close, ofLargest: 1e-5 };

const anyType: readonly Dtype[] = ['float32', 'float32', 'float32', 'int32', 'bool'];
const numeric: readonly Dtype[] = ['float32', 'float32', 'float32', 'int32'];
const real: readonly Dtype[] = ['float32'];

const maybe = (random: Generator, probability = 0.5): boolean => random.uniform() < probability;

/** A tensor of any rank up to 5. */
const some = (random: Generator, types: readonly Dtype[], lowest = 0, highest = 5): Operand =>
  random.operand(random.shape(random.integer(lowest, highest)), random.choose(types));

const shapeOf = (random: Generator, lowest: number, highest: number, mayBeEmpty = true): number[] =>
  random.shape(random.integer(lowest, highest), mayBeEmpty);

/** The same shape, real numbers above a bound. */
const above = (random: Generator, shape: readonly number[], lowest: number): Operand => {
  const { data } = random.operand(shape);
  return operand(
    Array.from(data, (number) => lowest + Math.abs(number)),
    shape,
  );
};

/** Whole numbers from `lowest` to below `limit`. */
const positions = (random: Generator, shape: readonly number[], limit: number, lowest = 0): Operand =>
  operand(
    Array.from({ length: shape.reduce((product, length) => product * length, 1) }, () =>
      random.integer(lowest, limit - 1),
    ),
    shape,
    'int32',
  );

function permutation(random: Generator, length: number): number[] {
  const order = Array.from({ length }, (_, position) => position);
  for (let position = length - 1; position > 0; position--) {
    const other = random.integer(0, position);
    [order[position], order[other]] = [order[other]!, order[position]!];
  }
  return order;
}

const unary =
  (types: readonly Dtype[] = numeric, attributes: KernelAttributes = {}): MakeCase =>
  (random) => ({ operands: { x: some(random, types) }, attributes, tolerance: close });

/** A function of numbers above a bound. */
const ofNumbersAbove =
  (lowest: number): MakeCase =>
  (random) => ({ operands: { x: above(random, shapeOf(random, 0, 5), lowest) }, tolerance: close });

/** A function of numbers between two bounds. */
const between =
  (lowest: number, highest: number): MakeCase =>
  (random) => {
    const shape = shapeOf(random, 0, 5);
    const numbers = Array.from(random.operand(shape, 'float32', 1).data, (number) => (number + 1) / 2);
    return {
      operands: {
        x: operand(
          numbers.map((number) => lowest + number * (highest - lowest)),
          shape,
        ),
      },
      tolerance: close,
    };
  };

/** Two shapes that broadcast to each other. */
function pair(random: Generator): [number[], number[]] {
  const shape = shapeOf(random, 0, 5);
  const shapes: [number[], number[]] = [
    random.broadcastable(shape),
    maybe(random) ? shape : random.broadcastable(shape),
  ];
  return maybe(random) ? shapes : [shapes[1], shapes[0]];
}

const binary =
  (types: readonly Dtype[] = numeric): MakeCase =>
  (random) => {
    const [left, right] = pair(random);
    const dtype = random.choose(types);
    return { operands: { a: random.operand(left, dtype), b: random.operand(right, dtype) }, tolerance: close };
  };

/** With a divisor that is not near 0. */
const quotient: MakeCase = (random) => {
  const [left, right] = pair(random);
  const dtype = random.choose(numeric);
  const divisor = Array.from(random.operand(right, dtype).data, (number) =>
    dtype === 'int32' ? number || 2 : number + 0.2 * Math.sign(number),
  );
  return { operands: { a: random.operand(left, dtype), b: operand(divisor, right, dtype) }, tolerance: close };
};

const power: MakeCase = (random) => {
  const [left, right] = pair(random);
  if (maybe(random, 0.8)) {
    return { operands: { a: above(random, left, 0.1), b: random.operand(right) }, tolerance: summed };
  }
  const exponents = positions(random, right, 5);
  return { operands: { a: random.operand(left, 'int32'), b: exponents } };
};

/** Some axes in some order, at times counted from the end. */
function someAxes(random: Generator, rank: number): number[] {
  const axes = permutation(random, rank).filter(() => maybe(random));
  return axes.map((axis) => (maybe(random, 0.3) ? axis - rank : axis));
}

const reduction =
  (types: readonly Dtype[], name = 'axis', mayBeEmpty = true): MakeCase =>
  (random) => {
    const x = random.operand(shapeOf(random, 0, 5, mayBeEmpty), random.choose(types));
    const attributes = { [name]: someAxes(random, x.shape.length), keepDims: maybe(random) };
    return { operands: { x }, attributes, tolerance: summed };
  };

const argument: MakeCase = (random) => {
  const shape = shapeOf(random, 1, 4);
  // Few different numbers: ties.
  const x = random.operand(shape, random.choose(anyType), 2);
  return { operands: { x }, attributes: { axis: random.integer(0, shape.length - 1) } };
};

const running: MakeCase = (random) => {
  const x = some(random, numeric, 1, 4);
  const flags = { exclusive: maybe(random), reverse: maybe(random) };
  return { operands: { x }, attributes: { axis: random.integer(0, x.shape.length - 1), ...flags }, tolerance: summed };
};

const dataFormat = 'NHWC';

/** An image, a window that fits it with its padding, and what comes out. */
function sliding(random: Generator, block: number, options: { mayDilate?: boolean; mayBeEmpty?: boolean } = {}) {
  const channels = (): number =>
    block === 0 || maybe(random, 0.3) ? random.integer(1, 5) : block * random.integer(1, 2);
  const size: [number, number] = [random.integer(1, 4), random.integer(1, 4)];
  const isDilated = options.mayDilate === true && maybe(random, 0.3);
  const dilations: [number, number] = isDilated ? [random.integer(1, 2), random.integer(1, 3)] : [1, 1];
  const strides: [number, number] = isDilated ? [1, 1] : [random.integer(1, 3), random.integer(1, 3)];
  const around = (length: number): [number, number] => [random.integer(0, length - 1), random.integer(0, length - 1)];
  const explicit = [[0, 0], around(size[0]), around(size[1]), [0, 0]];
  const pad = random.choose(['same', 'valid', explicit] as const);
  const dimRoundingMode = Array.isArray(pad) ? random.choose(['floor', 'floor', 'round', 'ceil'] as const) : undefined;
  const batch = options.mayBeEmpty === true ? random.choose([0, 1, 1, 2, 3]) : random.integer(1, 3);
  const image: [number, number, number, number] = [batch, random.integer(1, 8), random.integer(1, 8), channels()];
  const attributes = { strides, pad, dilations, dimRoundingMode };
  return { size, image, attributes, channels };
}

type Windows = ReturnType<typeof sliding>;

/** The shape of the result; nothing where no window fits. */
function resultOf(
  { image, attributes }: Windows,
  filter: readonly number[],
  isDepthwise = false,
): number[] | undefined {
  const { strides, dilations, pad, dimRoundingMode } = attributes;
  try {
    const { outShape } = tf.backend_util.computeConv2DInfo(
      image,
      [...filter] as [number, number, number, number],
      strides,
      dilations,
      pad as 'same',
      dimRoundingMode,
      isDepthwise,
    );
    return outShape.some((length, axis) => axis > 0 && length < 1) ? undefined : outShape;
  } catch {
    return undefined; // tfjs refuses to round some numbers of windows.
  }
}

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;

function activation(random: Generator, channels: number) {
  const kind = random.choose(activations);
  return {
    attributes: { activation: kind, leakyreluAlpha: 0.1 },
    operands: {
      ...(maybe(random) && { bias: random.operand([channels]) }),
      ...(kind === 'prelu' && { preluActivationWeights: random.operand([1, 1, channels]) }),
    },
  };
}

const convolution =
  (part: 'value' | 'fused' | 'input' | 'filter', isDepthwise = false): MakeCase =>
  (random, block) => {
    // cpu's gradients know no dilation.
    const isForward = part === 'value' || part === 'fused';
    const windows = sliding(random, block, { mayDilate: isForward, mayBeEmpty: true });
    const { size, image, attributes, channels } = windows;
    const outer = isDepthwise ? random.choose([1, 1, 2]) : channels();
    const filter = [...size, image[3], outer];
    const output = resultOf(windows, filter, isDepthwise);
    if (output === undefined) return undefined;
    const w = random.operand(filter, 'float32', 0.5);
    const options = { ...attributes, ...(!isDepthwise && { dataFormat }) };
    if (part === 'input') {
      const inputs = { dy: random.operand(output), filter: w };
      return { operands: inputs, attributes: { ...options, inputShape: image }, tolerance: summed };
    }
    const x = random.operand(image);
    if (part === 'filter') {
      const inputs = { x, dy: random.operand(output) };
      return { operands: inputs, attributes: { ...options, filterShape: filter }, tolerance: summed };
    }
    const more = part === 'fused' ? activation(random, output[3]!) : { operands: {}, attributes: {} };
    return {
      operands: { x, filter: w, ...more.operands },
      attributes: { ...options, ...more.attributes },
      tolerance: summed,
    };
  };

/** Values with many ties, as after a ReLU. */
function withTies(random: Generator, shape: readonly number[]): Operand {
  return operand(
    Array.from(random.operand(shape).data, (number) => Math.max(0, Math.round(number))),
    shape,
  );
}

const pooling =
  (part: 'value' | 'maximum gradient' | 'mean gradient'): MakeCase =>
  (random, block) => {
    const windows = sliding(random, block);
    const { size, image, attributes } = windows;
    const { strides, pad } = attributes;
    // cpu's gradient of the mean knows no rounding.
    const dimRoundingMode = part === 'mean gradient' && Array.isArray(pad) ? 'floor' : attributes.dimRoundingMode;
    const rounded = { ...windows, attributes: { ...attributes, dimRoundingMode } };
    const output = resultOf(rounded, [...size, image[3], 1], true);
    if (output === undefined) return undefined;
    const options = { filterSize: size, strides, pad, dimRoundingMode };
    try {
      poolingSliding(image, options);
    } catch {
      return undefined; // A window that sees nothing but padding has no largest element, and no mean.
    }
    const input = withTies(random, image);
    if (part === 'value') return { operands: { x: input }, attributes: options, tolerance: close };
    const dy = random.operand(output);
    const result = part === 'maximum gradient' ? { output: random.operand(output) } : {};
    return { operands: { dy, input, ...result }, attributes: options, tolerance: summed };
  };

const matMul: MakeCase = (random) => {
  const [rows, inner, columns] = random.shape(3) as [number, number, number];
  const [left, right] = maybe(random, 0.3) ? pairOfBatches(random) : sameBatch(random);
  const transposeA = maybe(random);
  const transposeB = maybe(random);
  const dtype: Dtype = maybe(random, 0.2) ? 'int32' : 'float32';
  const a = random.operand([...left, ...(transposeA ? [inner, rows] : [rows, inner])], dtype);
  const b = random.operand([...right, ...(transposeB ? [columns, inner] : [inner, columns])], dtype);
  return { operands: { a, b }, attributes: { transposeA, transposeB }, tolerance: summed };
};

const sharedProduct: MakeCase = (random, block) => {
  const [rows, inner, columns] = random.shape(3) as [number, number, number];
  const transpose = maybe(random);
  // Half of them as the blocked form takes them: whole blocks, and not too few rows.
  const [height, depth, width] =
    block > 0 && maybe(random) ? [rows + 8, block * (inner + 1), block * (columns + 1)] : [rows, inner, columns];
  const x = random.operand([height, depth]);
  const weight = random.operand(transpose ? [width, depth] : [depth, width]);
  return { operands: { x, weight }, attributes: { transpose }, tolerance: summed };
};

function pairOfBatches(random: Generator): [number[], number[]] {
  const shape = shapeOf(random, 1, 3, false);
  const shrunk = (): number[] => shape.map((size) => (maybe(random, 0.4) ? 1 : size));
  return [shrunk(), shape];
}

function sameBatch(random: Generator): [number[], number[]] {
  const shape = shapeOf(random, 0, 3);
  return [shape, shape];
}

const fusedMatMul: MakeCase = (random) => {
  const [rows, inner, columns] = random.shape(3, false) as [number, number, number];
  const batch = shapeOf(random, 0, 1, false);
  const transposeA = maybe(random);
  const transposeB = maybe(random);
  const kind = random.choose(activations);
  return {
    operands: {
      a: random.operand([...batch, ...(transposeA ? [inner, rows] : [rows, inner])]),
      b: random.operand([...batch, ...(transposeB ? [columns, inner] : [inner, columns])]),
      ...(maybe(random) && { bias: random.operand([columns]) }),
      ...(kind === 'prelu' && { preluActivationWeights: random.operand([1, columns]) }),
    },
    attributes: { transposeA, transposeB, activation: kind, leakyreluAlpha: 0.1 },
    tolerance: summed,
  };
};

const equations = [
  'ij,jk->ik',
  'bij,bjk->bki',
  'ij->j',
  'ij->ji',
  'i,j->ij',
  'btnd, bsnd -> bnts',
  'bi,bi->b',
  'ijk->',
];

const einsum: MakeCase = (random) => {
  const equation = random.choose(equations);
  const sizes = new Map<string, number>();
  const terms = equation.replaceAll(' ', '').split('->')[0]!.split(',');
  const shapes = terms.map((term) =>
    [...term].map((letter) => {
      const size = sizes.get(letter) ?? random.integer(1, 4);
      sizes.set(letter, size);
      return size;
    }),
  );
  const operands = Object.fromEntries(shapes.map((shape, index) => [index, random.operand(shape)]));
  return { operands, attributes: { equation }, tolerance: summed };
};

const concat: MakeCase = (random) => {
  const first = some(random, anyType, 1, 5);
  const axis = random.integer(0, first.shape.length - 1);
  const others = Array.from({ length: random.integer(0, 3) }, () =>
    random.operand(first.shape.with(axis, random.integer(0, 3)), first.dtype),
  );
  return { operands: Object.fromEntries([first, ...others].map((each, index) => [index, each])), attributes: { axis } };
};

const pack: MakeCase = (random) => {
  const first = some(random, anyType, 0, 4);
  const others = Array.from({ length: random.integer(0, 3) }, () => random.operand(first.shape, first.dtype));
  const operands = Object.fromEntries([first, ...others].map((each, index) => [index, each]));
  return { operands, attributes: { axis: random.integer(0, first.shape.length) } };
};

const stridedSlice: MakeCase = (random) => {
  const rank = random.integer(1, 4);
  const x = random.operand(random.shape(rank, maybe(random, 0.25)), random.choose(anyType));
  const strides = x.shape.map(() => random.choose([1, 1, 2, 3, -1, -2]));
  const mask = (): number => (maybe(random, 0.3) ? random.integer(0, 2 ** rank - 1) : 0);
  const begin = x.shape.map((size) => random.integer(-size, Math.max(0, size - 1)));
  const end = x.shape.map((size) => random.integer(-size - 1, size));
  // A shrunk axis takes the one index at its beginning, and its stride must be 1.
  const mayShrink = strides.every((stride) => stride === 1) && x.shape.every((size) => size > 0);
  const masks = { beginMask: mask(), endMask: mask(), ellipsisMask: 0, newAxisMask: 0 };
  const attributes = { begin, end, strides, ...masks, shrinkAxisMask: mayShrink ? mask() : 0 };
  const { beginMask, endMask, shrinkAxisMask } = attributes;
  const info = tf.slice_util.sliceInfo([...x.shape], begin, end, strides, beginMask, endMask, 0, 0, shrinkAxisMask);
  // cpu throws for an end before the beginning.
  if (info.isSimpleSlice && info.end.some((position, axis) => position < info.begin[axis]!)) return undefined;
  return { operands: { x }, attributes };
};

const mirrorPad: MakeCase = (random) => {
  const x = random.operand(shapeOf(random, 0, 4, false), random.choose<Dtype>(['float32', 'float32', 'int32']));
  const mode = random.choose(['reflect', 'symmetric'] as const);
  const most = (size: number): number => Math.min(2, mode === 'reflect' ? size - 1 : size);
  const paddings = x.shape.map((size) => [random.integer(0, most(size)), random.integer(0, most(size))]);
  return { operands: { x }, attributes: { mode, paddings }, tolerance: close };
};

const depthToSpace: MakeCase = (random) => {
  const block = random.integer(2, 3);
  const [batch, height, width, depth] = random.shape(4, false) as [number, number, number, number];
  const x = random.operand([batch, height, width, depth * block * block]);
  return { operands: { x }, attributes: { blockSize: block, dataFormat } };
};

const batchToSpace: MakeCase = (random) => {
  const blockShape = [random.integer(1, 3), random.integer(1, 2)];
  const [batch, height, width, depth] = random.shape(4, false) as [number, number, number, number];
  const x = random.operand([batch * blockShape[0]! * blockShape[1]!, height, width, depth]);
  const crops = [
    [0, random.integer(0, blockShape[0]! - 1)],
    [random.integer(0, blockShape[1]! - 1), 0],
  ];
  return { operands: { x }, attributes: { blockShape, crops } };
};

const spaceToBatch: MakeCase = (random) => {
  const blockShape = [random.integer(1, 3), random.integer(1, 2)];
  const shape = random.shape(4, false);
  const paddings = blockShape.map((block, axis) => {
    const before = random.integer(0, 2);
    return [before, (block - ((shape[axis + 1]! + before) % block)) % block];
  });
  return { operands: { x: random.operand(shape) }, attributes: { blockShape, paddings } };
};

const gather: MakeCase = (random) => {
  const rank = random.integer(1, 4);
  const shape = random.shape(rank, false);
  const x = random.operand(shape, random.choose(anyType));
  const axis = random.integer(0, rank - 1);
  // tfjs's gradient knows no batches.
  const batchDims = x.dtype === 'float32' ? 0 : random.integer(0, axis);
  const rows = batchDims === 0 ? shapeOf(random, 0, 2) : [...shape.slice(0, batchDims), random.integer(1, 4)];
  return { operands: { x, indices: positions(random, rows, shape[axis]!) }, attributes: { axis, batchDims } };
};

const gatherNd: MakeCase = (random) => {
  const rank = random.integer(1, 4);
  const shape = random.shape(rank, false);
  const depth = random.integer(1, rank);
  const smallest = Math.min(...shape.slice(0, depth));
  const indices = positions(random, [...shapeOf(random, 1, 2, false), depth], smallest);
  return { operands: { params: random.operand(shape, random.choose(numeric)), indices } };
};

const scatterNd: MakeCase = (random) => {
  const rank = random.integer(1, 4);
  const shape = random.shape(rank, false);
  const depth = random.integer(1, rank);
  const indices = positions(random, [random.integer(1, 6), depth], Math.min(...shape.slice(0, depth)));
  const updates = random.operand([indices.shape[0]!, ...shape.slice(depth)], random.choose(numeric));
  return { operands: { indices, updates }, attributes: { shape }, tolerance: close };
};

/** Each place once: which of several writes is the last is for each engine to say. */
const scatterUpdate: MakeCase = (random) => {
  const rank = random.integer(1, 4);
  const shape = random.shape(rank, false);
  const depth = random.integer(1, rank);
  const rows = permutation(random, Math.min(...shape.slice(0, depth)));
  const indices = operand(
    rows.flatMap((row) => Array<number>(depth).fill(row)),
    [rows.length, depth],
    'int32',
  );
  const dtype = random.choose(numeric);
  const updates = random.operand([rows.length, ...shape.slice(depth)], dtype);
  return { operands: { tensor: random.operand(shape, dtype), indices, updates } };
};

const sparseToDense: MakeCase = (random) => {
  const shape = shapeOf(random, 1, 3, false);
  const places = permutation(random, Math.min(...shape)).slice(0, random.integer(1, 5));
  const isList = shape.length === 1 && maybe(random);
  const sparseIndices = operand(
    places.flatMap((place) => Array<number>(isList ? 1 : shape.length).fill(place)),
    isList ? [places.length] : [places.length, shape.length],
    'int32',
  );
  const dtype = random.choose(numeric);
  const sparseValues = random.operand(maybe(random) ? [] : [places.length], dtype);
  return {
    operands: { sparseIndices, sparseValues, defaultValue: random.operand([], dtype) },
    attributes: { outputShape: shape },
  };
};

const oneHot: MakeCase = (random) => ({
  operands: { indices: positions(random, shapeOf(random, 0, 3), 6, -1) },
  attributes: {
    depth: random.integer(1, 7),
    onValue: random.choose([1, 1, 2.5]),
    offValue: random.choose([0, 0, -1]),
    dtype: 'float32',
  },
});

const segmentSum: MakeCase = (random) => {
  const shape = shapeOf(random, 1, 4);
  const segmentIds = positions(random, [shape[0]!], 5, -1);
  const x = random.operand(shape, random.choose(numeric));
  return { operands: { x, segmentIds }, attributes: { numSegments: random.integer(1, 5) }, tolerance: close };
};

const topK: MakeCase = (random) => {
  const shape = shapeOf(random, 1, 3, false);
  // Whole numbers have ties; which of two equal real ones a gradient flows to is for each engine to say.
  const x = random.operand(shape, random.choose(numeric), 2);
  return { operands: { x }, attributes: { k: random.integer(0, shape.at(-1)!), sorted: true } };
};

const resize: MakeCase = (random) => {
  const [height, width, channels] = random.shape(3, false) as [number, number, number];
  const corners = random.choose(['align', 'half', 'neither']);
  return {
    operands: { images: random.operand([random.choose([0, 1, 2]), height, width, channels]) },
    attributes: {
      size: [random.integer(1, 7), random.integer(1, 7)],
      alignCorners: corners === 'align',
      halfPixelCenters: corners === 'half',
    },
    tolerance: close,
  };
};

/**
 * cpu's gradients know no half pixels; one returns height and width in the wrong order, so that the image must be square;
 * one is wrong from the second image on; and one never ends for a single aligned pixel.
 */
const resizeGradient: MakeCase = (random) => {
  const side = random.integer(2, 5);
  const size = [random.integer(1, 7), random.integer(1, 7)];
  const images = random.operand([1, side, side, random.integer(1, 3)]);
  const dy = random.operand([1, ...size, images.shape[3]!]);
  return { operands: { images, dy }, attributes: { alignCorners: maybe(random), size }, tolerance: summed };
};

const localResponse =
  (isGradient: boolean): MakeCase =>
  (random, block) => {
    const channels = block === 0 || maybe(random) ? random.integer(1, 9) : block;
    const shape = [random.choose([0, 1, 2]), random.integer(1, 3), random.integer(1, 3), channels];
    const x = random.operand(shape);
    return {
      operands: isGradient ? { x, y: random.operand(shape), dy: random.operand(shape) } : { x },
      attributes: { depthRadius: random.integer(0, 5), bias: 2, alpha: 0.3, beta: random.choose([0.5, 0.75, 1]) },
      tolerance: summed,
    };
  };

const batchNormGiven: MakeCase = (random, block) => {
  const channels = block === 0 || maybe(random) ? random.integer(1, 5) : block * random.integer(1, 2);
  // tf.batchNorm makes images of everything; the gradient knows nothing else.
  const shape = [...(maybe(random, 0.8) ? random.shape(3, maybe(random, 0.2)) : shapeOf(random, 1, 2)), channels];
  const vector = [channels];
  return {
    operands: {
      x: random.operand(shape),
      mean: random.operand(vector),
      variance: above(random, vector, 0.1),
      ...(maybe(random) && { offset: random.operand(vector) }),
      // tfjs's gradient wants it.
      ...(maybe(random, 0.9) && { scale: random.operand(vector) }),
    },
    attributes: { varianceEpsilon: 1e-3 },
    tolerance: summed,
  };
};

/** Images or rows, and the statistics of each channel (over all other axes) or of each row (over the channels). */
function statistics(random: Generator, shape: readonly number[], over: 'channels' | 'others') {
  const x = random.operand(shape);
  const channels = shape.at(-1)!;
  const rows = x.data.length / channels;
  const groups = over === 'channels' ? rows : channels;
  const at = (group: number, index: number): number =>
    x.data[over === 'channels' ? group * channels + index : index * channels + group]!;
  const count = over === 'channels' ? channels : rows;
  const mean: number[] = [];
  const inverse: number[] = [];
  for (let group = 0; group < groups; group++) {
    const numbers = Array.from({ length: count }, (_, index) => at(group, index));
    const middle = numbers.reduce((sum, number) => sum + number, 0) / count;
    const variance = numbers.reduce((sum, number) => sum + (number - middle) ** 2, 0) / count;
    mean.push(middle);
    inverse.push(1 / Math.sqrt(variance + EPSILON));
  }
  return { x, mean, inverse };
}

/** Large, so that a variance of 0, as of a single number, does not multiply rounding errors by its inverse root. */
const EPSILON = 0.1;

const layerNorm: MakeCase = (random) => {
  const shape = shapeOf(random, 2, 4, false);
  const vector = [shape.at(-1)!];
  const bias = maybe(random) ? { bias: random.operand(vector) } : {};
  return {
    operands: { x: random.operand(shape), weight: random.operand(vector), ...bias },
    attributes: { epsilon: EPSILON },
    tolerance: summed,
  };
};

const layerNormGradient: MakeCase = (random) => {
  const shape = shapeOf(random, 2, 4, false);
  const { x, mean, inverse } = statistics(random, shape, 'channels');
  const rows = [...shape.slice(0, -1), 1];
  return {
    operands: {
      dy: random.operand(shape),
      x,
      mean: operand(mean, rows),
      inverse: operand(inverse, rows),
      weight: random.operand([shape.at(-1)!]),
    },
    attributes: { epsilon: EPSILON },
    tolerance: summed,
  };
};

const normShape = (random: Generator, block: number): number[] => [
  ...shapeOf(random, 1, 3, false),
  block === 0 || maybe(random) ? random.integer(1, 5) : block * random.integer(1, 2),
];

const batchNorm: MakeCase = (random, block) => {
  const shape = normShape(random, block);
  const vector = [shape.at(-1)!];
  return {
    operands: { x: random.operand(shape), weight: random.operand(vector), bias: random.operand(vector) },
    attributes: { epsilon: EPSILON },
    tolerance: summed,
  };
};

const batchNormGradient: MakeCase = (random, block) => {
  const shape = normShape(random, block);
  const { x, inverse } = statistics(random, shape, 'others');
  const vector = [shape.at(-1)!];
  return {
    operands: { dy: random.operand(shape), x, inverse: operand(inverse, vector), weight: random.operand(vector) },
    attributes: { epsilon: EPSILON },
    tolerance: summed,
  };
};

const crossEntropy: MakeCase = (random) => {
  const [rows, classes] = [random.choose([0, 1, 2, 5]), random.integer(1, 7)];
  const logits = random.operand([rows, classes], 'float32', random.choose([1, 50]));
  return { operands: { logits, labels: positions(random, [rows], classes) }, tolerance: summed };
};

const crossEntropyGradient: MakeCase = (random) => {
  const [rows, classes] = [random.integer(1, 5), random.integer(1, 7)];
  const weights = Array.from(random.operand([rows, classes]).data, Math.exp);
  const sums = Array.from({ length: rows }, (_, row) =>
    weights.slice(row * classes, (row + 1) * classes).reduce((sum, weight) => sum + weight, 0),
  );
  const probabilities = operand(
    weights.map((weight, index) => weight / sums[Math.floor(index / classes)]!),
    [rows, classes],
  );
  const labels = positions(random, [rows], classes);
  return { operands: { dy: random.operand([rows]), probabilities, labels }, tolerance: summed };
};

const adam: MakeCase = (random) => {
  const operands: Record<string, Operand> = { size: above(random, [], 0.01), epsilon: above(random, [], 1e-4) };
  if (maybe(random)) operands['kept'] = random.operand([], 'float32', 1);
  const count = random.integer(1, 4);
  for (let index = 0; index < count; index++) {
    const shape = shapeOf(random, 0, 4, false);
    for (const name of ['value', 'gradient', 'first']) operands[`${name}${index}`] = random.operand(shape);
    operands[`second${index}`] = above(random, shape, 0.01);
  }
  const decay = random.choose([0, 0.1]);
  return { operands, attributes: { count, beta1: 0.9, beta2: 0.99, decay }, tolerance: close };
};

const counterRandom: MakeCase = (random) => ({
  operands: { key: random.operand([2], 'int32', 2 ** 30) },
  attributes: {
    stream: random.integer(0, 2 ** 32 - 1),
    shape: shapeOf(random, 0, 4),
    distribution: random.choose(['bits', 'uniform', 'normal']),
  },
});

/** By kernel, in the order of the alphabet. */
export const randomCases: Readonly<Record<string, MakeCase>> = {
  Abs: unary(),
  Acos: between(-0.95, 0.95),
  Acosh: ofNumbersAbove(1.05),
  Add: binary(anyType),
  AddN: (random) => {
    const first = some(random, numeric);
    const others = Array.from({ length: random.integer(0, 3) }, () => random.operand(first.shape, first.dtype));
    return { operands: Object.fromEntries([first, ...others].map((each, index) => [index, each])), tolerance: close };
  },
  All: reduction(['bool']),
  Any: reduction(['bool']),
  ArgMax: argument,
  ArgMin: argument,
  Asin: between(-0.95, 0.95),
  Asinh: unary(),
  Atan: unary(),
  Atan2: binary(),
  Atanh: between(-0.95, 0.95),
  AvgPool: pooling('value'),
  AvgPoolGrad: pooling('mean gradient'),
  BatchMatMul: matMul,
  BatchToSpaceND: batchToSpace,
  BitwiseAnd: binary(['int32']),
  // tf.broadcastTo tiles; the gradient of this kernel, which nothing calls, knows neither more axes nor sizes of 0.
  BroadcastTo: (random) => {
    const shape = shapeOf(random, 1, 5, false);
    const x = random.operand(
      shape.map((size) => (maybe(random) ? 1 : size)),
      random.choose(numeric),
    );
    return { operands: { x }, attributes: { shape, inputShape: x.shape }, tolerance: close };
  },
  Cast: (random) => ({
    operands: { x: some(random, anyType) },
    attributes: { dtype: random.choose(['float32', 'float32', 'int32', 'bool']) },
  }),
  Ceil: unary(),
  ClipByValue: (random) => ({
    operands: { x: some(random, numeric) },
    attributes: { clipValueMin: random.integer(-3, 0), clipValueMax: random.integer(0, 3) },
  }),
  Concat: concat,
  Conv2D: convolution('value'),
  Conv2DBackpropFilter: convolution('filter'),
  Conv2DBackpropInput: convolution('input'),
  Cos: unary(),
  Cosh: unary(),
  Cumprod: running,
  Cumsum: running,
  DepthToSpace: depthToSpace,
  DepthwiseConv2dNative: convolution('value', true),
  DepthwiseConv2dNativeBackpropFilter: convolution('filter', true),
  DepthwiseConv2dNativeBackpropInput: convolution('input', true),
  Diag: (random) => ({ operands: { x: some(random, anyType, 1, 3) } }),
  Einsum: einsum,
  Elu: unary(real),
  EluGrad: (random) => {
    const shape = shapeOf(random, 0, 5);
    return { operands: { dy: random.operand(shape), y: random.operand(shape) }, tolerance: close };
  },
  Equal: binary(anyType),
  Erf: unary(real),
  Exp: unary(),
  ExpandDims: (random) => {
    const input = some(random, anyType, 0, 4);
    const rank = input.shape.length;
    return { operands: { input }, attributes: { dim: random.integer(-rank - 1, rank) } };
  },
  Expm1: unary(),
  Fill: (random) => {
    const dtype = random.choose(anyType);
    const value = dtype === 'bool' ? random.integer(0, 1) : random.integer(-3, 3);
    return { operands: {}, attributes: { shape: shapeOf(random, 0, 4), value, dtype } };
  },
  FlipLeftRight: (random) => ({ operands: { image: random.operand(random.shape(4)) } }),
  Floor: unary(),
  FloorDiv: quotient,
  FusedBatchNorm: batchNormGiven,
  FusedConv2D: convolution('fused'),
  FusedDepthwiseConv2D: convolution('fused', true),
  GatherNd: gatherNd,
  GatherV2: gather,
  Greater: binary(anyType),
  GreaterEqual: binary(anyType),
  Identity: unary(anyType),
  IsFinite: unary(),
  IsInf: unary(),
  IsNan: unary(),
  LRN: localResponse(false),
  LRNGrad: localResponse(true),
  LeakyRelu: unary(numeric, { alpha: 0.2 }),
  Less: binary(anyType),
  LessEqual: binary(anyType),
  LinSpace: (random) => ({
    operands: {},
    attributes: { start: random.integer(-5, 5), stop: random.integer(-5, 5), num: random.integer(1, 9) },
  }),
  Log: ofNumbersAbove(0.05),
  Log1p: ofNumbersAbove(-0.9),
  LogicalAnd: binary(['bool']),
  LogicalNot: unary(['bool']),
  LogicalOr: binary(['bool']),
  Max: reduction(numeric, 'reductionIndices'),
  MaxPool: pooling('value'),
  MaxPoolGrad: pooling('maximum gradient'),
  Maximum: binary(),
  Mean: reduction(numeric),
  MilestonesAdam: adam,
  MilestonesBatchNorm: batchNorm,
  MilestonesBatchNormGradient: batchNormGradient,
  MilestonesCounterRandom: counterRandom,
  MilestonesGelu: unary(real),
  MilestonesGeluGradient: (random) => {
    const shape = shapeOf(random, 0, 4);
    return { operands: { dy: random.operand(shape), x: random.operand(shape) }, tolerance: close };
  },
  MilestonesLayerNorm: layerNorm,
  MilestonesLayerNormGradient: layerNormGradient,
  MilestonesSharedProduct: sharedProduct,
  MilestonesSoftmaxCrossEntropy: crossEntropy,
  MilestonesSoftmaxCrossEntropyGradient: crossEntropyGradient,
  Min: reduction(numeric),
  Minimum: binary(),
  MirrorPad: mirrorPad,
  Mod: quotient,
  Multiply: binary(anyType),
  Neg: unary(),
  NotEqual: binary(anyType),
  OneHot: oneHot,
  OnesLike: unary(anyType),
  Pack: pack,
  PadV2: (random) => {
    const x = some(random, anyType, 0, 4);
    const paddings = x.shape.map(() => [random.integer(0, 2), random.integer(0, 2)]);
    return { operands: { x }, attributes: { paddings, constantValue: random.integer(0, 1) } };
  },
  Pow: power,
  Prelu: (random) => {
    const shape = shapeOf(random, 0, 5);
    const operands = { x: random.operand(shape), alpha: random.operand(random.broadcastable(shape)) };
    return { operands, tolerance: summed };
  },
  Prod: reduction(numeric),
  Range: (random) => {
    const step = random.choose([0.3, 1, 2]);
    const [start, stop] = [random.integer(-5, 5), random.integer(-5, 5)];
    return { operands: {}, attributes: { start, stop, step: start > stop ? -step : step, dtype: 'float32' } };
  },
  RealDiv: quotient,
  Reciprocal: ofNumbersAbove(0.1),
  Relu: unary(),
  Relu6: unary(),
  Reshape: (random) => {
    const x = some(random, anyType);
    return { operands: { x }, attributes: { shape: permutation(random, x.shape.length).map((axis) => x.shape[axis]) } };
  },
  ResizeBilinear: resize,
  ResizeBilinearGrad: resizeGradient,
  ResizeNearestNeighbor: resize,
  ResizeNearestNeighborGrad: resizeGradient,
  Reverse: (random) => {
    const x = some(random, anyType, 1, 5);
    return { operands: { x }, attributes: { dims: permutation(random, x.shape.length).filter(() => maybe(random)) } };
  },
  Round: unary(),
  Rsqrt: ofNumbersAbove(0.1),
  ScatterNd: scatterNd,
  Select: (random) => {
    const shape = shapeOf(random, 0, 5);
    const dtype = random.choose(anyType);
    const condition = random.operand(shape, 'bool');
    return { operands: { condition, t: random.operand(shape, dtype), e: random.operand(shape, dtype) } };
  },
  Selu: unary(real),
  Sigmoid: unary(real),
  Sign: unary(),
  Sin: unary(),
  Sinh: unary(),
  Slice: (random) => {
    const x = some(random, anyType, 1, 5);
    const begin = x.shape.map((size) => random.integer(0, size));
    const size = x.shape.map((length, axis) => random.integer(0, length - begin[axis]!));
    return { operands: { x }, attributes: { begin, size } };
  },
  Softmax: (random) => {
    const logits = random.operand(shapeOf(random, 1, 5), 'float32', random.choose([1, 20]));
    return { operands: { logits }, attributes: { dim: logits.shape.length - 1 }, tolerance: summed };
  },
  Softplus: unary(real),
  SpaceToBatchND: spaceToBatch,
  SparseToDense: sparseToDense,
  SplitV: (random) => {
    const x = some(random, anyType, 1, 5);
    const axis = random.integer(0, x.shape.length - 1);
    const first = random.integer(0, x.shape[axis]!);
    return { operands: { x }, attributes: { numOrSizeSplits: [first, x.shape[axis]! - first], axis } };
  },
  Sqrt: ofNumbersAbove(0.05),
  Square: unary(),
  SquaredDifference: binary(),
  Step: unary(numeric, { alpha: 0.25 }),
  StridedSlice: stridedSlice,
  Sub: binary(),
  Sum: reduction(anyType),
  Tan: between(-1.4, 1.4),
  Tanh: unary(),
  TensorScatterUpdate: scatterUpdate,
  Tile: (random) => {
    const x = some(random, anyType, 1, 5);
    return { operands: { x }, attributes: { reps: x.shape.map(() => random.integer(1, 3)) }, tolerance: close };
  },
  TopK: topK,
  Transpose: (random) => {
    const x = some(random, anyType);
    return { operands: { x }, attributes: { perm: permutation(random, x.shape.length) } };
  },
  Unpack: (random) => {
    const value = some(random, anyType, 1, 5);
    return { operands: { value }, attributes: { axis: random.integer(0, value.shape.length - 1) } };
  },
  UnsortedSegmentSum: segmentSum,
  ZerosLike: unary(anyType),
  _FusedMatMul: fusedMatMul,
};
