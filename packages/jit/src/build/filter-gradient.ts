/**
 * The gradient of a convolution with respect to its filter: for each tap (i, j) of the filter the sum of xᵀ dy over all
 * pixels, of x as the tap sees it. ONNX has no operation for it.
 *
 * With stride 1 it is enough to shift x along W and dy along H: for a 3 × 3 filter three copies of each instead of nine
 * of x. Of an image, the product is fastest with x as [I, pixels] and dy as [pixels, block of O], which is how a blocked
 * tensor lies: no operand is transposed. Measured against one product of all pixels in [N, H, W, C] it takes 0.55 to 0.8
 * of the time, but it has a result for each image, and these must fit.
 */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { tap } from './convolve.ts';
import { elementwise } from './elementwise.ts';
import { imageShape, kindFor, materialize, physical } from './layout.ts';
import { matMul } from './matmul.ts';
import { reduce } from './reduce.ts';
import { concat, full, reshape, transpose } from './shape.ts';
import type { Sliding } from './window.ts';
import { isWinogradFaster, winogradFilterGradient } from './winograd.ts';

/** From this many numbers on, the products of all images take too much memory. */
const MOST_PRODUCTS = 2 ** 23;

/** Rows of a product below which it is not worth its call. */
const FEWEST_ROWS = 256;

/**
 * The filter's gradient [kh, kw, I, O].
 * @param x [N, H, W, I]
 * @param dy [N, H', W', O]
 */
export function convolveFilterGradient(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  const [kh, kw] = sliding.window.size;
  const shape = [kh, kw, sliding.input[3], sliding.output[3]] as const;
  if (sizeOf(shape) === 0 || x.size === 0 || dy.size === 0) return full(graph, shape, 0, 'float32');
  if (isWinogradFaster(graph, sliding)) return winogradFilterGradient(graph, x, dy, sliding);
  const views = shiftedViews(graph, x, dy, sliding) ?? seenViews(graph, x, dy, sliding);
  const products = views.images.length * shape[2] * shape[3] * sliding.input[0];
  const gradient = products > MOST_PRODUCTS ? byPixels(graph, views) : byImages(graph, views);
  return reshape(graph, gradient, shape);
}

/**
 * Images whose products, all with all, are the taps' parts of the gradient: the tap of gradient g and image i is number
 * g · images + i, in the order of the filter's rows.
 */
interface Views {
  readonly images: readonly Value[];
  readonly gradients: readonly Value[];
}

/** x as each tap sees it. */
function seenViews(graph: Graph, x: Value, dy: Value, sliding: Sliding): Views {
  const [kh, kw] = sliding.window.size;
  const taps = Array.from({ length: kh * kw }, (_, number) => [Math.floor(number / kw), number % kw] as const);
  return { images: taps.map((at) => tap(graph, x, sliding, at)), gradients: [dy] };
}

/** x on the columns of dy for each column of the filter, and dy on the rows of x for each of its rows. */
function shiftedViews(graph: Graph, x: Value, dy: Value, { window, input, output }: Sliding): Views | undefined {
  const [kh, kw] = window.size;
  const above = (kh - 1) * window.dilations[0] - window.before[0];
  const below = input[1] - output[1] + window.before[0];
  if (window.strides.some((stride) => stride > 1) || above < 0 || below < 0) return undefined;
  // With few channels of x, more copies of x are less than copies of dy.
  if ((kh - 1) * kw * input[3] <= kh * output[3]) return undefined;
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
    images: Array.from({ length: kw }, (_, column) => tap(graph, x, alongWidth, [0, column])),
    gradients: Array.from({ length: kh }, (_, row) => tap(graph, dy, alongHeight, [kh - 1 - row, 0])),
  };
}

/** A product for each image, [I, pixels] with [pixels, O], and their sum. */
function byImages(graph: Graph, { images, gradients }: Views): Value {
  const [n, h, w, inner] = imageShape(images[0]!.shape);
  const outer = gradients[0]!.shape[3]!;
  const isBlocked = kindFor(graph, outer) === 'blocked';
  const block = isBlocked ? graph.target.block : outer;
  const channelsFirst = images.map((image) => reshape(graph, physical(graph, image, 'nchw'), [n, inner, h * w]));
  const left = reshape(graph, concat(graph, channelsFirst, 1), [n, 1, images.length * inner, h * w]);
  const products = gradients.map((gradient) => {
    const right = isBlocked
      ? reshape(graph, physical(graph, gradient, 'blocked'), [n, outer / block, h * w, block])
      : reshape(graph, physical(graph, gradient, 'nchw'), [n, 1, outer, h * w]);
    return reduce(graph, 'ReduceSum', matMul(graph, left, right, false, !isBlocked), [0], true);
  });
  const shape = [gradients.length, outer / block, images.length, inner, block];
  return transpose(graph, reshape(graph, concat(graph, products, 0), shape), [0, 2, 3, 1, 4]);
}

/** Products of all images' pixels, in groups large enough for a product and small enough for the cache. */
function byPixels(graph: Graph, { images, gradients }: Views): Value {
  const [n, h, w, inner] = imageShape(images[0]!.shape);
  const outer = gradients[0]!.shape[3]!;
  const columns = images.length * inner;
  const outputs = gradients.length * outer;
  const divisors = Array.from({ length: n }, (_, index) => index + 1).filter((count) => n % count === 0);
  const isLargeEnough = (count: number): boolean =>
    count * h * w >= FEWEST_ROWS && (n / count) * columns * outputs <= MOST_PRODUCTS;
  const groups = n / (divisors.find(isLargeEnough) ?? n);
  const grouped = (values: readonly Value[], width: number): Value =>
    reshape(
      graph,
      concat(
        graph,
        values.map((value) => materialize(graph, value)),
        3,
      ),
      [groups, (n / groups) * h * w, width],
    );
  const products = matMul(graph, grouped(images, columns), grouped(gradients, outputs), true);
  const sum = reduce(graph, 'ReduceSum', products, [0], false);
  return transpose(graph, reshape(graph, sum, [images.length, inner, gradients.length, outer]), [2, 0, 1, 3]);
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
