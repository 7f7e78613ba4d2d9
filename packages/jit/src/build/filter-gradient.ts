/**
 * The gradient of a convolution with respect to its filter: for each tap (i, j) of the filter the product xᵀ dy over all
 * pixels, of x as the tap sees it. It is the costliest part of a convolution's step, and ONNX has no operation for it.
 *
 * With stride 1 it is enough to shift x along W by j and dy along H by i: of a 3 × 3 filter three copies of each instead
 * of nine of x. What multiplies them depends on the number of channels; the choices below are measured.
 */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { tap } from './convolve.ts';
import { elementwise } from './elementwise.ts';
import { imageShape, kindFor, materialize, physical, type ImageShape } from './layout.ts';
import { matMul } from './matmul.ts';
import { reduce } from './reduce.ts';
import { concat, full, reshape, transpose } from './shape.ts';
import type { Sliding } from './window.ts';

/**
 * The filter's gradient [kh, kw, I, O].
 * @param x [N, H, W, I]
 * @param dy [N, H', W', O]
 */
export function convolveFilterGradient(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  const [kh, kw] = sliding.window.size;
  const shape = [kh, kw, sliding.input[3], sliding.output[3]] as const;
  if (sizeOf(shape) === 0 || x.size === 0 || dy.size === 0) return full(graph, shape, 0, 'float32');
  const shifted = shiftedImages(graph, x, dy, sliding);
  if (shifted === undefined) return bySeenImages(graph, x, dy, sliding, shape);
  const blocked = kindFor(graph, shape[2]) === 'blocked' && kindFor(graph, shape[3]) === 'blocked';
  return blocked && shape[2] <= 32 && shape[3] <= 32
    ? byBlocks(graph, shifted, shape)
    : byOneProduct(graph, shifted, shape);
}

interface Shifted {
  /** x on the columns of dy, for each column of the filter: [N, H, W', I]. */
  readonly columns: readonly Value[];
  /** dy on the rows of x, for each row of the filter: [N, H, W', O]. */
  readonly rows: readonly Value[];
}

function shiftedImages(graph: Graph, x: Value, dy: Value, { window, input, output }: Sliding): Shifted | undefined {
  const [kh, kw] = window.size;
  const reach = (kh - 1) * window.dilations[0];
  const above = reach - window.before[0];
  const below = input[1] - output[1] + window.before[0];
  if (window.strides.some((stride) => stride > 1) || above < 0 || below < 0) return undefined;
  const [n, h] = input;
  const [, , w] = output;
  const alongWidth: Sliding = {
    window: {
      size: [1, kw],
      strides: [1, 1],
      dilations: [1, window.dilations[1]],
      before: [0, window.before[1]],
      after: [0, window.after[1]],
    },
    input,
    output: [n, h, w, input[3]],
  };
  const alongHeight: Sliding = {
    window: {
      size: [kh, 1],
      strides: [1, 1],
      dilations: [window.dilations[0], 1],
      before: [above, 0],
      after: [below, 0],
    },
    input: output,
    output: [n, h, w, output[3]],
  };
  return {
    columns: Array.from({ length: kw }, (_, column) => tap(graph, x, alongWidth, [0, column])),
    rows: Array.from({ length: kh }, (_, row) => tap(graph, dy, alongHeight, [kh - 1 - row, 0])),
  };
}

/** One product of all columns with all rows, summed over images and pixels. */
function byOneProduct(graph: Graph, { columns, rows }: Shifted, [kh, kw, inner, outer]: ImageShape): Value {
  const [n, h, w] = imageShape(columns[0]!.shape);
  const wide = columns.length * inner;
  const high = rows.length * outer;
  const plain = (values: readonly Value[]): Value =>
    concat(
      graph,
      values.map((value) => materialize(graph, value)),
      3,
    );
  const products = sumOfProducts(graph, plain(columns), plain(rows), [n, h * w, wide, high]);
  return reshape(graph, transpose(graph, reshape(graph, products, [kw, inner, kh, outer]), [2, 0, 1, 3]), [
    kh,
    kw,
    inner,
    outer,
  ]);
}

/** aᵀ b over n · p rows: with few columns one product an image, so that all cores have work, else a single one. */
function sumOfProducts(graph: Graph, a: Value, b: Value, [n, p, columns, outputs]: ImageShape): Value {
  if (columns < 16 * 3) {
    const each = matMul(graph, reshape(graph, a, [n, p, columns]), reshape(graph, b, [n, p, outputs]), true);
    return reduce(graph, 'ReduceSum', each, [0], false);
  }
  return matMul(graph, reshape(graph, a, [n * p, columns]), reshape(graph, b, [n * p, outputs]), true);
}

/** Products of blocks as they lie, without a way through [N, H, W, C]. */
function byBlocks(graph: Graph, { columns, rows }: Shifted, [kh, kw, inner, outer]: ImageShape): Value {
  const { block } = graph.target;
  const [n, h, w] = imageShape(columns[0]!.shape);
  const insides = inner / block;
  const outsides = outer / block;
  const left = (value: Value): Value =>
    reshape(graph, physical(graph, value, 'blocked'), [n, insides, 1, h * w, block]);
  const right = (value: Value): Value =>
    reshape(graph, physical(graph, value, 'blocked'), [n, 1, outsides, h * w, block]);
  const product = (a: Value, b: Value): Value => reduce(graph, 'ReduceSum', matMul(graph, a, b, true), [0], true);
  if (inner * outer <= 256) {
    const taps = rows.flatMap((row) => columns.map((column) => product(left(column), right(row))));
    const all = reshape(graph, concat(graph, taps, 0), [kh, kw, insides, outsides, block, block]);
    return reshape(graph, transpose(graph, all, [0, 1, 2, 4, 3, 5]), [kh, kw, inner, outer]);
  }
  const together = concat(graph, rows.map(right), 4);
  const products = concat(
    graph,
    columns.map((column) => product(left(column), together)),
    0,
  );
  const split = reshape(graph, products, [kw, insides, outsides, block, kh, block]);
  return reshape(graph, transpose(graph, split, [4, 0, 1, 3, 2, 5]), [kh, kw, inner, outer]);
}

/** With strides: x as each tap sees it, side by side. */
function bySeenImages(graph: Graph, x: Value, dy: Value, sliding: Sliding, shape: ImageShape): Value {
  const [kh, kw, inner, outer] = shape;
  const [n, h, w] = sliding.output;
  const seen: Value[] = [];
  for (let row = 0; row < kh; row++) {
    for (let column = 0; column < kw; column++) seen.push(materialize(graph, tap(graph, x, sliding, [row, column])));
  }
  const products = sumOfProducts(graph, concat(graph, seen, 3), materialize(graph, dy), [
    n,
    h * w,
    kh * kw * inner,
    outer,
  ]);
  return reshape(graph, products, [kh, kw, inner, outer]);
}

/** The gradient of a depthwise convolution with respect to its filter [kh, kw, C, M]. */
export function convolveDepthwiseFilterGradient(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  const [kh, kw] = sliding.window.size;
  const channels = sliding.input[3];
  const [n, h, w, outer] = sliding.output;
  const multiplier = outer / channels;
  const shape = [kh, kw, channels, multiplier];
  if (sizeOf(shape) === 0 || x.size === 0 || dy.size === 0) return full(graph, shape, 0, 'float32');
  const taps: Value[] = [];
  for (let row = 0; row < kh; row++) {
    for (let column = 0; column < kw; column++) {
      const seen = tap(graph, x, sliding, [row, column]);
      const products =
        multiplier === 1
          ? elementwise(graph, 'Mul', [seen, dy])
          : elementwise(graph, 'Mul', [
              reshape(graph, seen, [n, h, w, channels, 1]),
              reshape(graph, dy, [n, h, w, channels, multiplier]),
            ]);
      taps.push(reshape(graph, reduce(graph, 'ReduceSum', products, [0, 1, 2], false), [1, outer]));
    }
  }
  return reshape(graph, concat(graph, taps, 0), shape);
}
