/**
 * Images resized and mirrored, and local response normalization. Images are [B, H, W, C].
 * Krizhevsky et al. 2012, section 3.3 → localResponse().
 *
 * Which pixels a new pixel comes from is known beforehand, so that resizing fetches rows and columns with constant
 * numbers, and its gradient multiplies by the constant matrices of the weights.
 */
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { matMul } from '../build/matmul.ts';
import { cast, full, reshape, stridedSlice } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

interface ResizeAttributes {
  readonly alignCorners?: boolean;
  readonly halfPixelCenters?: boolean;
  readonly size: readonly [number, number];
}

type Image = readonly [number, number, number, number];

/** For each new position along an axis the two old ones next to it, and how far it is from the first to the second. */
interface Source {
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly fraction: readonly number[];
}

/** Where new positions lie among the old ones, as real numbers; `shift` is what half pixels move them by. */
function positions(before: number, after: number, attributes: ResizeAttributes, shift: number): number[] {
  const inner = attributes.alignCorners === true && after > 1 ? 1 : 0;
  const ratio = (before - inner) / (after - inner);
  return Array.from({ length: after }, (_, index) =>
    attributes.halfPixelCenters === true ? ratio * (index + 0.5) + shift : ratio * index,
  );
}

function between(before: number, after: number, attributes: ResizeAttributes): Source {
  const exact = positions(before, after, attributes, -0.5);
  const first = exact.map((position) => Math.max(0, Math.floor(position)));
  return {
    first,
    second: exact.map((position) => Math.max(0, Math.min(before - 1, Math.ceil(position)))),
    fraction: exact.map((position, index) => position - first[index]!),
  };
}

function nearest(before: number, after: number, attributes: ResizeAttributes): Source {
  const exact = positions(before, after, attributes, 0);
  const chosen = exact.map((position) => {
    const rounded = attributes.alignCorners === true ? Math.round(position) : Math.floor(position);
    return Math.max(0, Math.min(before - 1, rounded));
  });
  return { first: chosen, second: chosen, fraction: chosen.map(() => 0) };
}

type Rule = typeof between;

function fetch(graph: Graph, x: Value, axis: number, rows: readonly number[]): Value {
  const shape = x.shape.with(axis, rows.length);
  return graph.op('Gather', [materialize(graph, x), graph.integers(rows)], { axis }, shape, x.dtype);
}

function resizeAxis(graph: Graph, x: Value, axis: number, { first, second, fraction }: Source): Value {
  const left = fetch(graph, x, axis, first);
  if (fraction.every((part) => part === 0)) return left;
  const difference = elementwise(graph, 'Sub', [fetch(graph, x, axis, second), left]);
  const parts = graph.constant(fraction, axis === 2 ? [fraction.length, 1] : [fraction.length, 1, 1], 'float32');
  return elementwise(graph, 'Add', [left, elementwise(graph, 'Mul', [difference, parts])]);
}

const resize =
  (rule: Rule): Kernel =>
  (graph, { images }, attributes) => {
    const options = attributes as unknown as ResizeAttributes;
    const [batch, height, width, channels] = images!.shape as unknown as Image;
    const [newHeight, newWidth] = options.size;
    const x = rule === between ? cast(graph, images!, 'float32') : images!;
    const shape = [batch, newHeight, newWidth, channels];
    if (sizeOf(shape) === 0) return full(graph, shape, 0, x.dtype);
    const wide = resizeAxis(graph, x, 2, rule(width, newWidth, options));
    return resizeAxis(graph, wide, 1, rule(height, newHeight, options));
  };

/** The matrix [before, after] whose columns hold the weights of the old positions. */
function weights(graph: Graph, before: number, { first, second, fraction }: Source): Value {
  const after = first.length;
  const matrix = new Float32Array(before * after);
  for (let index = 0; index < after; index++) {
    matrix[first[index]! * after + index]! += 1 - fraction[index]!;
    matrix[second[index]! * after + index]! += fraction[index]!;
  }
  return graph.constant(matrix, [before, after], 'float32');
}

/** The gradient of a resize: each old pixel takes from the new ones what it gave. Half pixels count, unlike in tfjs. */
const resizeGrad =
  (rule: Rule): Kernel =>
  (graph, { images, dy }, attributes) => {
    const [batch, height, width, channels] = images!.shape as unknown as Image;
    const [, newHeight, newWidth] = dy!.shape as unknown as Image;
    const options = attributes as unknown as ResizeAttributes;
    const rows = weights(graph, height, rule(height, newHeight, options));
    const columns = weights(graph, width, rule(width, newWidth, options));
    const tall = matMul(graph, rows, reshape(graph, dy!, [batch, newHeight, newWidth * channels]));
    const dx = matMul(graph, columns, reshape(graph, tall, [batch * height, newWidth, channels]));
    return reshape(graph, dx, images!.shape);
  };

const flipLeftRight: Kernel = (graph, { image }) => {
  const [batch, height, width, channels] = image!.shape as unknown as Image;
  return stridedSlice(graph, image!, [0, 0, width - 1, 0], [batch, height, -1, channels], [1, 1, -1, 1]);
};

interface ResponseAttributes {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** The sum over the channels no further than the radius: a product with a band of ones. */
function overNeighbours(graph: Graph, x: Value, radius: number): Value {
  const channels = x.shape.at(-1)!;
  const band = Float32Array.from({ length: channels * channels }, (_, index) =>
    Math.abs(Math.floor(index / channels) - (index % channels)) <= radius ? 1 : 0,
  );
  return matMul(graph, x, graph.constant(band, [channels, channels], 'float32'));
}

/** n = bias + α Σ x², and n^−β by way of the logarithm: ONNX Runtime's Pow takes ten times as long. */
function localResponse(graph: Graph, x: Value, { depthRadius, bias, alpha, beta }: ResponseAttributes): [Value, Value] {
  const squares = overNeighbours(graph, elementwise(graph, 'Mul', [x, x]), depthRadius);
  const norm = elementwise(graph, 'Add', [
    elementwise(graph, 'Mul', [squares, graph.scalar(alpha)]),
    graph.scalar(bias),
  ]);
  const exponent = elementwise(graph, 'Mul', [elementwise(graph, 'Log', [norm]), graph.scalar(-beta)]);
  return [norm, elementwise(graph, 'Exp', [exponent])];
}

/** y = x · n^−β. */
const lrn: Kernel = (graph, { x }, attributes) => {
  const [, scale] = localResponse(graph, x!, attributes as unknown as ResponseAttributes);
  return elementwise(graph, 'Mul', [x!, scale]);
};

/** dx = dy · n^−β − 2αβ · x · Σ dy · y / n, the sum over the neighbours that x has been divided into. */
const lrnGrad: Kernel = (graph, { x, y, dy }, attributes) => {
  const options = attributes as unknown as ResponseAttributes;
  const [norm, scale] = localResponse(graph, x!, options);
  const share = elementwise(graph, 'Div', [elementwise(graph, 'Mul', [dy!, y!]), norm]);
  const received = overNeighbours(graph, share, options.depthRadius);
  const factor = elementwise(graph, 'Mul', [x!, graph.scalar(-2 * options.alpha * options.beta)]);
  const direct = elementwise(graph, 'Mul', [dy!, scale]);
  return elementwise(graph, 'Add', [direct, elementwise(graph, 'Mul', [factor, received])]);
};

/** See the file's head. */
export const imageKernels: KernelFamily = {
  FlipLeftRight: flipLeftRight,
  LRN: lrn,
  LRNGrad: lrnGrad,
  ResizeBilinear: resize(between),
  ResizeBilinearGrad: resizeGrad(between),
  ResizeNearestNeighbor: resize(nearest),
  ResizeNearestNeighborGrad: resizeGrad(nearest),
};
