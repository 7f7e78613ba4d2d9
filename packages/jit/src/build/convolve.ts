/** Convolutions whose filters are computed in the graph, as they are in training. */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { asLayout, blockedImage, imageShape, kindFor, physical } from './layout.ts';
import { full, pad, reshape, stridedSlice, transpose } from './shape.ts';
import { windowAttributes, type Sliding } from './window.ts';
import { isWinogradFaster, winograd } from './winograd.ts';

const CONV = 'com.microsoft.nchwc:Conv';

/**
 * A convolution of [N, H, W, I] with a filter [kh, kw, I, O].
 *
 * ONNX Runtime has blocked convolutions that its own optimizer uses only where the filter is a constant. They take
 * computed filters as well, if these are put in order by hand: [O / block, I / block, kh, kw, block of I, block of O],
 * or [O / block, I, kh, kw, block of O] where the image has fewer channels than a block and is not blocked itself.
 */
export function convolve(graph: Graph, x: Value, filter: Value, sliding: Sliding): Value {
  const { window, output } = sliding;
  const [kh, kw, inner, outer] = imageShape(filter.shape);
  if (sizeOf(output) === 0 || filter.size === 0) return full(graph, output, 0, 'float32');
  if (isWinogradFaster(graph, sliding)) return winograd(graph, x, filter, sliding);
  const attributes = { ...windowAttributes(window), group: 1 };
  const [n, h, w] = output;
  const shape = [n, outer, h, w];
  const { block } = graph.target;
  if (kindFor(graph, outer) === 'blocked' && (inner % block === 0 || inner < block)) {
    const split = [kh, kw, inner, outer / block, block];
    const ordered =
      inner < block
        ? transpose(graph, reshape(graph, filter, split), [3, 2, 0, 1, 4])
        : transpose(
            graph,
            reshape(graph, filter, [kh, kw, inner / block, block, outer / block, block]),
            [4, 2, 0, 1, 3, 5],
          );
    const image = inner < block ? physical(graph, x, 'nchw') : blockedImage(graph, x);
    const weights = reshape(graph, ordered, [outer, inner, kh, kw]);
    return asLayout(graph, graph.op(CONV, [image, weights], attributes, shape, 'float32'), 'blocked', output);
  }
  const weights = transpose(graph, filter, [3, 2, 0, 1]);
  return plainConvolution(graph, x, weights, { window, output }, 1);
}

/**
 * ONNX's own convolution.
 * @param weights [O, I / groups, kh, kw]
 */
export function plainConvolution(
  graph: Graph,
  x: Value,
  weights: Value,
  { window, output }: Pick<Sliding, 'window' | 'output'>,
  groups: number,
): Value {
  const [n, h, w, channels] = output;
  let image = x;
  let fitting = window;
  const { before, after } = window;
  if (graph.target.name === 'webgpu' && before.every((amount) => amount === 0)) {
    // Where the filter has one pixel or the size of the image, the GPU's convolution forgets padding at the end alone.
    image = pad(graph, x, [
      [0, 0],
      [0, after[0]],
      [0, after[1]],
      [0, 0],
    ]);
    fitting = { ...window, after: [0, 0] };
  }
  const attributes = { ...windowAttributes(fitting), group: groups };
  const result = graph.op(
    'Conv',
    [physical(graph, image, 'nchw'), weights],
    attributes,
    [n, channels, h, w],
    'float32',
  );
  return asLayout(graph, result, 'nchw', output);
}

/** A convolution of each channel of [N, H, W, C] with filters of its own, [kh, kw, C, M]: [N, H', W', C · M]. */
export function convolveDepthwise(graph: Graph, x: Value, filter: Value, { window, output }: Sliding): Value {
  const [kh, kw, channels, multiplier] = imageShape(filter.shape);
  if (sizeOf(output) === 0 || filter.size === 0) return full(graph, output, 0, 'float32');
  const outer = output[3];
  if (multiplier === 1 && kindFor(graph, channels) === 'blocked') {
    const { block } = graph.target;
    const ordered = transpose(graph, reshape(graph, filter, [kh, kw, channels / block, block]), [2, 0, 1, 3]);
    return blockedDepthwise(graph, x, reshape(graph, ordered, [channels, 1, kh, kw]), { window, output });
  }
  const weights = reshape(graph, transpose(graph, filter, [2, 3, 0, 1]), [outer, 1, kh, kw]);
  return plainConvolution(graph, x, weights, { window, output }, channels);
}

/**
 * A blocked convolution of each channel with one filter, which is in order already: [C, 1, kh, kw] by name,
 * [C / block, kh, kw, block] in memory. A bias [C] and an image of the result's shape are added.
 */
export function blockedDepthwise(
  graph: Graph,
  x: Value,
  weights: Value,
  {
    window,
    output,
    bias,
    image,
  }: Pick<Sliding, 'window' | 'output'> & { readonly bias?: Value; readonly image?: Value | undefined },
): Value {
  const [n, h, w, channels] = output;
  const attributes = { ...windowAttributes(window), group: channels };
  const inputs = [blockedImage(graph, x), weights, bias, image && blockedImage(graph, image)];
  while (inputs.at(-1) === undefined) inputs.pop();
  const result = graph.op(CONV, inputs, attributes, [n, channels, h, w], 'float32');
  return asLayout(graph, result, 'blocked', output);
}

/**
 * What one tap of a sliding window sees, on the grid of its output: [N, H', W', C].
 *
 * Of a blocked tensor it is a depthwise convolution with a filter that is 1 at the tap and 0 elsewhere: ONNX Runtime
 * computes these on all cores, while it pads, slices and concatenates on one. (An infinite pixel makes its neighbours
 * NaN, as 0 · ∞ is. In a gradient it would do so anyway.)
 */
export function tap(graph: Graph, x: Value, { window, input, output }: Sliding, at: readonly [number, number]): Value {
  const [n, , , channels] = input;
  const seen = [n, output[1], output[2], channels] as const;
  const start = [0, 1].map((axis) => at[axis]! * window.dilations[axis]! - window.before[axis]!);
  const isWhole = window.strides.every((stride) => stride === 1) && output[1] === input[1] && output[2] === input[2];
  if (isWhole && start.every((offset) => offset === 0)) return x;
  const [kh, kw] = window.size;
  if (kindFor(graph, channels) === 'blocked') {
    const { block } = graph.target;
    const chosen = at[0] * kw + at[1];
    const oneHot = Float32Array.from({ length: channels * kh * kw }, (_, index) =>
      Math.floor(index / block) % (kh * kw) === chosen ? 1 : 0,
    );
    const weights = graph.constant(oneHot, [channels, 1, kh, kw], 'float32');
    return blockedDepthwise(graph, x, weights, { window, output: seen });
  }
  const last = [0, 1].map((axis) => start[axis]! + (output[axis + 1]! - 1) * window.strides[axis]!);
  const pads = [0, 1].map(
    (axis) => [Math.max(0, -start[axis]!), Math.max(0, last[axis]! + 1 - input[axis + 1]!)] as const,
  );
  const padded = pad(graph, x, [[0, 0], pads[0]!, pads[1]!, [0, 0]]);
  const begin = [0, start[0]! + pads[0]![0], start[1]! + pads[1]![0], 0];
  const end = [n, last[0]! + pads[0]![0] + 1, last[1]! + pads[1]![0] + 1, channels];
  return stridedSlice(graph, padded, begin, end, [1, ...window.strides, 1]);
}
