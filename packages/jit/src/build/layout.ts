/**
 * Where the channels lie. tfjs's images are [N, H, W, C]; convolutions are fast on [N, C, H, W], and fastest on channels
 * in blocks, [N, C / block, H, W, block]; convolutions in few multiplications want the pixels first, [H, W, N, C]. The
 * pseudo-operation `Layout` stands for the way back to [N, H, W, C]: its input is the physical tensor, its shape the logical
 * one. Elementwise operations, reductions, concatenations and
 * slices of channels work on the physical tensor, so that the ways there and back between two convolutions cancel.
 * What knows nothing of layouts calls {@link materialize} first.
 */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { full, reshape, transpose } from './plain.ts';

/** How a physical tensor lies in memory. */
export type LayoutKind = 'nchw' | 'blocked' | 'pixels';

/** [N, H, W, C] of an image. */
export type ImageShape = readonly [number, number, number, number];

/** The shape as that of an image; shorter ones as they broadcast. */
export function imageShape(shape: readonly number[]): ImageShape {
  if (shape.length > 4) throw new Error(`layout: a shape of rank ${shape.length} arrived; images have rank 4.`);
  return [...Array.from({ length: 4 - shape.length }, () => 1), ...shape] as unknown as ImageShape;
}

/** How the tensor behind a `Layout` lies; undefined for any other value. */
export function layoutOf(value: Value): LayoutKind | undefined {
  return value.op === 'Layout' ? (value.node!.attributes['kind'] as LayoutKind) : undefined;
}

/** The layout that a tensor with this many channels should take. */
export function kindFor(graph: Graph, channels: number): 'nchw' | 'blocked' {
  const { name, block } = graph.target;
  return name === 'cpu-blocked' && channels % block === 0 ? 'blocked' : 'nchw';
}

/** Shape of the tensor that holds an image. */
export function physicalShape(graph: Graph, [n, h, w, c]: ImageShape, kind: LayoutKind): number[] {
  const { block } = graph.target;
  if (kind === 'pixels') return [h, w, n, c];
  return kind === 'nchw' ? [n, c, h, w] : [n, c / block, h, w, block];
}

/**
 * A plain value of shape [N, H, W, C] whose numbers lie in `tensor` as `kind` says. The tensor may have any shape of the
 * right size: ONNX Runtime's blocked operations call theirs [N, C, H, W].
 */
export function asLayout(graph: Graph, tensor: Value, kind: LayoutKind, shape: readonly number[]): Value {
  const image = imageShape(shape);
  // With one pixel an image all layouts are the same.
  if (tensor.size === 0 || (image[1] === 1 && image[2] === 1)) return reshape(graph, tensor, shape);
  return graph.op('Layout', [reshape(graph, tensor, physicalShape(graph, image, kind))], { kind }, shape, tensor.dtype);
}

/** The value as a plain tensor of its logical shape. */
export function materialize(graph: Graph, value: Value): Value {
  const kind = layoutOf(value);
  if (kind === undefined) return value;
  const tensor = value.node!.inputs[0]!;
  const [n, h, w, c] = imageShape(value.shape);
  if (kind === 'nchw') return reshape(graph, transpose(graph, tensor, [0, 2, 3, 1]), value.shape);
  if (kind === 'pixels') return reshape(graph, transpose(graph, tensor, [2, 0, 1, 3]), value.shape);
  if (value.dtype !== 'float32') return reshape(graph, transpose(graph, tensor, [0, 2, 3, 1, 4]), value.shape);
  const attributes = { channels: c, channels_last: 1 };
  const blocked = reshape(graph, tensor, [n, c, h, w]);
  const image = graph.op('com.microsoft.nchwc:ReorderOutput', [blocked], attributes, [n, h, w, c], value.dtype);
  return reshape(graph, image, value.shape);
}

/**
 * The value as a tensor that lies as `kind` says and broadcasts as the logical one does: [N, C, H, W],
 * [N, C / block, H, W, block] or [H, W, N, C], where each of N, H, W and C may be 1.
 */
export function physical(graph: Graph, value: Value, kind: LayoutKind): Value {
  const current = layoutOf(value);
  if (current === kind) return value.node!.inputs[0]!;
  if (value.shape.length === 0) return value;
  const image = imageShape(value.shape);
  const [n, h, w, c] = image;
  if (value.splat !== undefined && value.size > 1) {
    // Constants of one number need no order.
    return full(graph, c === 1 ? oneChannel(image, kind) : physicalShape(graph, image, kind), value.splat, value.dtype);
  }
  if (kind === 'pixels') return pixelsFirst(graph, value, current);
  if (c === 1) return reshape(graph, materialize(graph, value), oneChannel(image, kind));
  if (current === 'pixels') return fromPixels(graph, value, kind);
  if (kind === 'nchw') {
    if (current === 'blocked' && value.dtype === 'float32') {
      const blocked = reshape(graph, value.node!.inputs[0]!, [n, c, h, w]);
      return graph.op('com.microsoft.nchwc:ReorderOutput', [blocked], { channels: c }, [n, c, h, w], value.dtype);
    }
    return transpose(graph, reshape(graph, value, image), [0, 3, 1, 2]);
  }
  const shape = physicalShape(graph, image, kind);
  const { block } = graph.target;
  if (h === 1 && w === 1) return reshape(graph, value, shape);
  if (value.dtype !== 'float32') {
    return transpose(graph, reshape(graph, value, [n, h, w, c / block, block]), [0, 3, 1, 2, 4]);
  }
  const source = current === 'nchw' ? value.node!.inputs[0]! : reshape(graph, value, image);
  const attributes = { channels_last: current === 'nchw' ? 0 : 1 };
  const blocked = graph.op('com.microsoft.nchwc:ReorderInput', [source], attributes, [n, c, h, w], value.dtype);
  return reshape(graph, blocked, shape);
}

function pixelsFirst(graph: Graph, value: Value, current: LayoutKind | undefined): Value {
  const image = imageShape(value.shape);
  if (current === undefined) return transpose(graph, reshape(graph, value, image), [1, 2, 0, 3]);
  const tensor = value.node!.inputs[0]!;
  if (current === 'nchw') return transpose(graph, tensor, [2, 3, 0, 1]);
  return reshape(graph, transpose(graph, tensor, [2, 3, 0, 1, 4]), physicalShape(graph, image, 'pixels'));
}

function fromPixels(graph: Graph, value: Value, kind: 'nchw' | 'blocked'): Value {
  const [n, h, w, c] = imageShape(value.shape);
  const tensor = value.node!.inputs[0]!;
  if (kind === 'nchw') return transpose(graph, tensor, [2, 3, 0, 1]);
  const { block } = graph.target;
  return transpose(graph, reshape(graph, tensor, [h, w, n, c / block, block]), [2, 3, 0, 1, 4]);
}

function oneChannel([n, h, w]: ImageShape, kind: LayoutKind): number[] {
  if (kind === 'pixels') return [h, w, n, 1];
  return kind === 'nchw' ? [n, 1, h, w] : [n, 1, h, w, 1];
}

/**
 * The value as an operation of `com.microsoft.nchwc` takes it: blocked in memory, [N, C, H, W] by name.
 * The channels must be a multiple of the block.
 */
export function blockedImage(graph: Graph, value: Value): Value {
  const [n, h, w, c] = imageShape(value.shape);
  return reshape(graph, physical(graph, value, 'blocked'), [n, c, h, w]);
}
