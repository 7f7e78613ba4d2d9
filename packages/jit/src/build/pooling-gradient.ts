/** Gradients of pooling. */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { elementwise } from './elementwise.ts';
import { interleave } from './interleave.ts';
import { asLayout, blockedImage, kindFor, physical } from './layout.ts';
import { cast, full, pad, reshape, slice, stridedSlice } from './shape.ts';
import { windowAttributes, type Sliding, type Window } from './window.ts';

/** Pooling as two steps: along W, and along H of what that gives. */
function byAxis({ window, input, output }: Sliding): { alongWidth: Sliding; alongHeight: Sliding } {
  const rows = [input[0], input[1], output[2], output[3]] as const;
  return {
    alongWidth: { window: { ...window, ...only(window, 1) }, input, output: rows },
    alongHeight: { window: { ...window, ...only(window, 0) }, input: rows, output },
  };
}

/**
 * The largest value of each window, of a blocked tensor. In two steps, because the gradient needs the first one's result
 * too; together they cost little more than one.
 */
export function blockedMaxPool(graph: Graph, x: Value, sliding: Sliding): Value {
  const { alongWidth, alongHeight } = byAxis(sliding);
  return poolOnce(graph, poolOnce(graph, x, alongWidth), alongHeight);
}

/** The largest value of each window, without the positions, which the GPU cannot give. */
export function plainMaxPool(graph: Graph, x: Value, { window, output }: Sliding): Value {
  const shape = [output[0], output[3], output[1], output[2]];
  const result = graph.op('MaxPool', [physical(graph, x, 'nchw')], windowAttributes(window), shape, 'float32');
  return asLayout(graph, result, 'nchw', output);
}

function poolOnce(graph: Graph, x: Value, sliding: Sliding): Value {
  const { window, output } = sliding;
  if (window.size.every((size) => size === 1) && window.strides.every((stride) => stride === 1)) return x;
  if (graph.target.name === 'webgpu') return plainMaxPool(graph, x, sliding);
  const [n, h, w, channels] = output;
  const attributes = { ...windowAttributes(window), ceil_mode: 0, storage_order: 0 };
  const result = graph.op(
    'com.microsoft.nchwc:MaxPool',
    [blockedImage(graph, x)],
    attributes,
    [n, channels, h, w],
    'float32',
  );
  return asLayout(graph, result, 'blocked', output);
}

/**
 * The gradient of max pooling: each window gives its gradient to the first of its largest values, in the order of rows.
 * @param x [N, H, W, C]
 * @param dy [N, H', W', C]
 */
export function maxPoolGradient(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  if (x.size === 0 || dy.size === 0) return full(graph, sliding.input, 0, 'float32');
  return graph.target.name === 'webgpu' || kindFor(graph, sliding.input[3]) === 'blocked'
    ? byAxes(graph, x, dy, sliding)
    : byScattering(graph, x, dy, sliding);
}

/** With the positions that ONNX's MaxPool gives. */
function byScattering(graph: Graph, x: Value, dy: Value, { window, input, output }: Sliding): Value {
  const shape = [output[0], output[3], output[1], output[2]];
  const [, positions] = graph.node('MaxPool', [physical(graph, x, 'nchw')], windowAttributes(window), [
    { shape, dtype: 'float32' },
    { shape, dtype: 'int64' },
  ]) as readonly [Value, Value];
  const overlaps = window.size.some((size, axis) => size > window.strides[axis]!);
  const count = sizeOf(output);
  const scattered = graph.op(
    'ScatterElements',
    [
      full(graph, [sizeOf(input)], 0, 'float32'),
      reshape(graph, positions, [count]),
      reshape(graph, physical(graph, dy, 'nchw'), [count]),
    ],
    { axis: 0, reduction: overlaps ? 'add' : 'none' },
    [sizeOf(input)],
    'float32',
  );
  return asLayout(graph, reshape(graph, scattered, [input[0], input[3], input[1], input[2]]), 'nchw', input);
}

/**
 * The largest value of a window is the largest of its rows' largest values: pooling along W and then along H, whose
 * gradients need kh + kw comparisons instead of kh · kw. The first of several equal values is the same.
 */
function byAxes(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  const { alongWidth, alongHeight } = byAxis(sliding);
  const rows = poolOnce(graph, x, alongWidth);
  const largest = poolOnce(graph, rows, alongHeight);
  const rowGradient = gradientAlong(graph, 0, { x: rows, y: largest, dy }, alongHeight);
  return gradientAlong(graph, 1, { x, y: rows, dy: rowGradient }, alongWidth);
}

/** 1 where a window has its largest value at an offset, else 0, by the standard's operations. */
function equalsLargest(
  graph: Graph,
  axis: 0 | 1,
  { x, y }: Readonly<Record<'x' | 'y', Value>>,
  { window, output }: Sliding,
  offset: number,
): Value {
  const along = axis + 1;
  const before = window.before[axis];
  const stride = window.strides[axis];
  const end = offset + (output[along]! - 1) * stride + 1;
  const after = Math.max(0, end - before - x.shape[along]!);
  const alongAxis = <Item>(chosen: Item, other: Item): Item[] =>
    x.shape.map((_, position) => (position === along ? chosen : other));
  // Smaller than every pixel, and so beyond the edge never the largest.
  const wide = pad(graph, x, alongAxis([before, after] as const, [0, 0] as const), -3.4e38);
  const ends = wide.shape.with(along, end);
  const seen = stridedSlice(graph, wide, alongAxis(offset, 0), ends, alongAxis(stride, 1));
  return cast(graph, elementwise(graph, 'Equal', [seen, y]), 'float32');
}

/** The window along one axis alone. */
function only({ size, strides, before, after }: Window, axis: 0 | 1): Omit<Window, 'dilations'> {
  const alone = (pair: readonly [number, number], other: number): [number, number] =>
    axis === 0 ? [pair[0], other] : [other, pair[1]];
  return { size: alone(size, 1), strides: alone(strides, 1), before: alone(before, 0), after: alone(after, 0) };
}

/** The gradient of pooling along one axis. */
function gradientAlong(
  graph: Graph,
  axis: 0 | 1,
  { x, y, dy }: Readonly<Record<'x' | 'y' | 'dy', Value>>,
  { window, input, output }: Sliding,
): Value {
  const size = window.size[axis];
  const stride = window.strides[axis];
  const before = window.before[axis];
  const length = input[axis + 1]!;
  const count = output[axis + 1]!;
  const isOnGpu = graph.target.name === 'webgpu';
  const shares: Value[] = [];
  let left = dy;
  for (let offset = 0; offset < size; offset++) {
    if (offset === size - 1) {
      // The largest value is one of the window's: what no other took is the last one's.
      shares.push(left);
      continue;
    }
    const places = Array.from({ length: count }, (_, index) => index * stride + offset - before);
    const isInside = places.map((place) => place >= 0 && place < length);
    const sliding = { window, input, output };
    let hit = isOnGpu
      ? equalsLargest(graph, axis, { x, y }, sliding, offset)
      : isLargest(graph, axis, { x, y }, sliding, offset);
    if (!isOnGpu && isInside.includes(false)) {
      // Beyond the edge the comparison sees zeros.
      const inside = graph.constant(isInside.map(Number), axis === 0 ? [1, count, 1, 1] : [1, 1, count, 1], 'float32');
      hit = elementwise(graph, 'Mul', [hit, inside]);
    }
    const share = elementwise(graph, 'Mul', [hit, left]);
    shares.push(share);
    left = elementwise(graph, 'Sub', [left, share]);
  }
  return interleaved(graph, axis, shares, { window, input, output });
}

/** 1 where a window has its largest value at an offset, else 0. */
function isLargest(
  graph: Graph,
  axis: 0 | 1,
  { x, y }: Readonly<Record<'x' | 'y', Value>>,
  { window, output }: Sliding,
  offset: number,
): Value {
  const [n, h, w, channels] = output;
  const { block } = graph.target;
  // y − x at the offset, by a depthwise convolution that has −1 there, and adds y. It is 0 or larger, and
  // min(1, max(0, 1 − 10³⁸ (y − x))) is 1 or 0. Infinite
  // pixels are not supported: their difference is NaN.
  // The filter reaches just so far that as many windows fit as the pooling has.
  const before = window.before[axis];
  const length = x.shape[axis + 1]!;
  const count = output[axis + 1]!;
  const taps = Math.max(offset + 1, length + before - count * window.strides[axis] + 1);
  const filter = Float32Array.from({ length: channels * taps }, (_, index) =>
    Math.floor(index / block) % taps === offset ? -1 : 0,
  );
  const size = axis === 0 ? [taps, 1] : [1, taps];
  const weights = graph.constant(filter, [channels, 1, ...size], 'float32');
  const after = Math.max(0, (count - 1) * window.strides[axis] + taps - before - length);
  const attributes = {
    kernel_shape: size,
    strides: [...window.strides],
    dilations: [1, 1],
    pads: axis === 0 ? [before, 0, after, 0] : [0, before, 0, after],
    group: channels,
    activation: 'HardSigmoid',
    activation_params: { floats: [-1e38, 1] },
  };
  const inputs = [blockedImage(graph, x), weights, undefined, blockedImage(graph, y)];
  const result = graph.op('com.microsoft.nchwc:Conv', inputs, attributes, [n, channels, h, w], 'float32');
  return asLayout(graph, result, 'blocked', output);
}

/** The sum of all shares at the places that they belong to: share `offset` of window `i` at `i · stride + offset − before`. */
function interleaved(graph: Graph, axis: 0 | 1, shares: readonly Value[], { window, input }: Sliding): Value {
  const stride = window.strides[axis];
  const length = input[axis + 1]!;
  const phaseLength = Math.ceil(length / stride);
  const phases = Array.from({ length: stride }, (_, phase) => {
    const parts = shares.flatMap((share, offset) => {
      const place = offset - window.before[axis];
      if ((((place - phase) % stride) + stride) % stride !== 0) return [];
      return [shifted(graph, axis, share, (place - phase) / stride, phaseLength)];
    });
    if (parts.length === 0) {
      const shape = input.map((size, position) => (position === axis + 1 ? phaseLength : size));
      return full(graph, shape, 0, 'float32');
    }
    return parts.reduce((sum, part) => elementwise(graph, 'Add', [sum, part]));
  });
  return interleave(graph, axis, phases, length);
}

/** An image moved along an axis, cut and filled with zeros to a length. */
function shifted(graph: Graph, axis: 0 | 1, x: Value, distance: number, length: number): Value {
  const size = x.shape[axis + 1]!;
  const first = Math.max(0, -distance);
  const last = Math.min(size, length - distance);
  const shape = x.shape.map((total, position) => (position === axis + 1 ? length : total));
  if (last <= first) return full(graph, shape, 0, 'float32');
  const begin = [0, 0, 0, 0];
  begin[axis + 1] = first;
  const kept = slice(
    graph,
    x,
    begin,
    x.shape.map((total, position) => (position === axis + 1 ? last - first : total)),
  );
  const start = Math.max(0, distance);
  const pads = x.shape.map((_, position) =>
    position === axis + 1 ? ([start, length - start - (last - first)] as const) : ([0, 0] as const),
  );
  return pad(graph, kept, pads);
}
