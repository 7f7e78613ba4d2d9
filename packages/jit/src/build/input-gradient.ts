/** Gradients of convolutions with respect to their images. Transposed convolutions are the same thing. */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { convolve, convolveDepthwise, plainConvolution } from './convolve.ts';
import { interleave } from './interleave.ts';
import { asLayout, imageShape, kindFor, physical } from './layout.ts';
import { full, pad, reshape, slice, stridedSlice, transpose } from './shape.ts';
import { windowAttributes, type Sliding } from './window.ts';
import { isWinogradFaster, winogradInputGradient } from './winograd.ts';

/**
 * The gradient of {@link convolve} with respect to the image.
 *
 * It is itself a convolution: of `dy`, with zeros between its pixels where the stride is larger than 1, with the filter
 * turned by 180° and its channels swapped.
 */
export function convolveInputGradient(graph: Graph, dy: Value, filter: Value, sliding: Sliding): Value {
  const { window, input } = sliding;
  if (sizeOf(input) === 0 || dy.size === 0 || filter.size === 0) return full(graph, input, 0, 'float32');
  if (isWinogradFaster(graph, sliding)) return winogradInputGradient(graph, dy, filter, sliding);
  const swapped = transpose(graph, filter, [0, 1, 3, 2]);
  const isStrided = window.strides.some((stride) => stride > 1);
  const isPoint = window.size.every((size) => size === 1);
  if (isPoint && isStrided && [...window.before, ...window.after].every((amount) => amount === 0)) {
    // One tap: convolve the few pixels first, then spread them.
    const [n, h, w] = imageShape(dy.shape);
    const products = convolve(graph, dy, swapped, {
      window: { ...window, strides: [1, 1] },
      input: imageShape(dy.shape),
      output: [n, h, w, input[3]],
    });
    return spread(graph, products, window.strides, [input[1], input[2]]);
  }
  const isBlocked = kindFor(graph, input[3]) === 'blocked' && kindFor(graph, dy.shape[3]!) === 'blocked';
  if (isStrided && window.dilations.every((dilation) => dilation === 1)) {
    return isBlocked
      ? inputGradientByPhases(graph, dy, swapped, sliding)
      : inputGradientByTransposition(graph, dy, filter, sliding);
  }
  const back = slidingBack(graph, dy, sliding);
  return convolve(graph, back.image, turned(graph, swapped), back.sliding);
}

/** ONNX's own operation: the fastest for strides where the layout is not blocked, the slowest in all other cases. */
function inputGradientByTransposition(
  graph: Graph,
  dy: Value,
  filter: Value,
  { window, input, output }: Sliding,
): Value {
  const [n, height, width, channels] = input;
  const missing = [0, 1].map(
    (axis) =>
      input[axis + 1]! -
      ((output[axis + 1]! - 1) * window.strides[axis]! +
        window.size[axis]! -
        window.before[axis]! -
        window.after[axis]!),
  );
  const weights = transpose(graph, filter, [3, 2, 0, 1]);
  const result = graph.op(
    'ConvTranspose',
    [physical(graph, dy, 'nchw'), weights],
    { ...windowAttributes(window), output_padding: missing },
    [n, channels, height, width],
    'float32',
  );
  return asLayout(graph, result, 'nchw', input);
}

/** The pixels of an image that a stride leaves at the same distance from the window's edge, along one axis. */
interface Phase {
  /** The window's taps that meet them: `first`, `first + stride`, …, `count` of them. */
  readonly first: number;
  readonly count: number;
  /** Pixels of the gradient to add before and after it; negative ones are cut off. */
  readonly before: number;
  readonly after: number;
}

/** The phases in the order in which their first pixels lie. */
function phasesAlong(axis: 0 | 1, { window, input, output }: Sliding): Phase[] {
  const stride = window.strides[axis];
  const pixels = Math.ceil(input[axis + 1]! / stride);
  return Array.from({ length: stride }, (_, start) => {
    const first = (start + window.before[axis]) % stride;
    const count = Math.max(0, Math.ceil((window.size[axis] - first) / stride));
    // The first pixel's last tap meets this pixel of the gradient.
    const met = (start + window.before[axis] - first) / stride;
    return { first, count, before: count - 1 - met, after: met + pixels - output[axis + 1]! };
  });
}

/**
 * The gradient of a strided convolution without the zeros: each of the `stride²` phases of the image meets its own taps,
 * so that it is a convolution with a part of the filter. Together they have the multiplications of the forward pass.
 */
function inputGradientByPhases(graph: Graph, dy: Value, swapped: Value, sliding: Sliding): Value {
  const { window, input } = sliding;
  const [n, height, width, channels] = input;
  const size = [Math.ceil(height / window.strides[0]), Math.ceil(width / window.strides[1])] as const;
  const columns = phasesAlong(1, sliding);
  const rows = phasesAlong(0, sliding).map((row) => {
    const images = columns.map((column) => {
      const shape = [n, ...size, channels] as const;
      if (row.count === 0 || column.count === 0) return full(graph, shape, 0, 'float32');
      const taps = stridedSlice(
        graph,
        swapped,
        [row, column].map(({ first, count }, axis) => first + (count - 1) * window.strides[axis]!).concat(0, 0),
        [row.first - 1, column.first - 1, ...swapped.shape.slice(2)],
        [-window.strides[0], -window.strides[1], 1, 1],
      );
      const cut = (amount: number): number => Math.max(0, -amount);
      const extent = [
        n,
        dy.shape[1]! - cut(row.before) - cut(row.after),
        dy.shape[2]! - cut(column.before) - cut(column.after),
        dy.shape[3]!,
      ];
      // Pixels that lie beyond the last window meet none.
      if (extent.some((length) => length < 1)) return full(graph, shape, 0, 'float32');
      const seen = slice(graph, dy, [0, cut(row.before), cut(column.before), 0], extent);
      return convolve(graph, seen, taps, {
        window: {
          size: [row.count, column.count],
          strides: [1, 1],
          dilations: [1, 1],
          before: [Math.max(0, row.before), Math.max(0, column.before)],
          after: [Math.max(0, row.after), Math.max(0, column.after)],
        },
        input: imageShape(seen.shape),
        output: shape,
      });
    });
    return interleave(graph, 1, images, width);
  });
  return interleave(graph, 0, rows, height);
}

/** A filter [kh, kw, …] turned by 180°. */
function turned(graph: Graph, filter: Value): Value {
  const [kh, kw, ...channels] = filter.shape as [number, number, ...number[]];
  const begin = [kh - 1, kw - 1, ...channels.map(() => 0)];
  return stridedSlice(graph, filter, begin, [-1, -1, ...channels], [-1, -1, ...channels.map(() => 1)]);
}

/** The gradient of a sliding window's output, spread, and the window that slides over it to give the input's. */
function slidingBack(graph: Graph, dy: Value, { window, input }: Sliding): { image: Value; sliding: Sliding } {
  const [n, h, w, channels] = imageShape(dy.shape);
  const pair = (compute: (axis: 0 | 1) => number): [number, number] => [compute(0), compute(1)];
  const reach = pair((axis) => (window.size[axis] - 1) * window.dilations[axis]);
  // A pad larger than the filter's reach, which no sensible network has, cuts off pixels of the gradient.
  const before = pair((axis) => reach[axis]! - window.before[axis]);
  const length = pair((axis) => input[axis === 0 ? 1 : 2] + reach[axis]! - before[axis]!);
  // What lies beyond the spread gradient is zero, that is padding.
  const extent = pair((axis) => Math.min([h, w][axis]! * window.strides[axis], length[axis]!));
  const cut = pair((axis) => Math.max(0, -before[axis]!));
  const wide = spread(graph, dy, window.strides, extent);
  const size = [n, extent[0] - cut[0], extent[1] - cut[1], channels] as const;
  const image = slice(graph, wide, [0, cut[0], cut[1], 0], size);
  return {
    image,
    sliding: {
      window: {
        size: window.size,
        strides: [1, 1],
        dilations: window.dilations,
        before: pair((axis) => Math.max(0, before[axis]!)),
        after: pair((axis) => length[axis]! - extent[axis]!),
      },
      input: size,
      output: input,
    },
  };
}

/** An image with its pixels `strides` apart and zeros between them, cut or filled with zeros to an extent. */
function spread(graph: Graph, x: Value, strides: readonly [number, number], extent: readonly [number, number]): Value {
  const [n, h, w, c] = imageShape(x.shape);
  const [down, across] = strides;
  const kind = kindFor(graph, c);
  const inner = kind === 'blocked' ? graph.target.block : 1;
  let wide = x;
  if (down > 1 || across > 1) {
    const apart = reshape(graph, physical(graph, x, kind), [(n * c) / inner, h, 1, w, 1, inner]);
    const zeros = [0, 0, down - 1, 0, across - 1, 0].map((after) => [0, after] as const);
    wide = asLayout(graph, pad(graph, apart, zeros), kind, [n, h * down, w * across, c]);
  }
  const missing = [0, extent[0] - h * down, extent[1] - w * across, 0];
  const filled = pad(
    graph,
    wide,
    missing.map((amount) => [0, Math.max(0, amount)] as const),
  );
  return slice(graph, filled, [0, 0, 0, 0], [n, extent[0], extent[1], c]);
}

/** The gradient of {@link convolveDepthwise} with respect to the image. */
export function convolveDepthwiseInputGradient(graph: Graph, dy: Value, filter: Value, sliding: Sliding): Value {
  const { input } = sliding;
  const [kh, kw, channels, multiplier] = imageShape(filter.shape);
  if (sizeOf(input) === 0 || dy.size === 0 || filter.size === 0) return full(graph, input, 0, 'float32');
  const back = slidingBack(graph, dy, sliding);
  const weights = turned(graph, filter);
  if (multiplier === 1) return convolveDepthwise(graph, back.image, weights, back.sliding);
  const ordered = reshape(graph, transpose(graph, weights, [2, 3, 0, 1]), [channels, multiplier, kh, kw]);
  return plainConvolution(graph, back.image, ordered, { window: back.sliding.window, output: input }, channels);
}
