/**
 * Batch norm over all axes but the last (Ioffe and Szegedy 2015, Algorithm 1), and its gradient.
 *
 * The variance is E[c²] − E[c]² of c = x − s, which takes one pass over memory less than E[(x − E[x])²]. With s = 0 it
 * loses all digits where the mean is large. Here s is the mean of the first image: the variance is then at least
 * (s − E[x])² / N, because that image is one of the N, so that of float32's digits at most a factor N is lost.
 */
import type { Graph } from '../graph/graph.ts';
import type { GraphNode, Value } from '../graph/value.ts';
import { blockedDepthwise } from './convolve.ts';
import { elementwise } from './elementwise.ts';
import { asLayout, imageShape, kindFor, layoutOf } from './layout.ts';
import { reduce } from './reduce.ts';
import { reshape, slice } from './shape.ts';
import { planeMeans } from './through-layout.ts';
import type { Window } from './window.ts';

const point: Window = { size: [1, 1], strides: [1, 1], dilations: [1, 1], before: [0, 0], after: [0, 0] };

/** From this batch size on, a convolution of the first image alone costs next to nothing. */
const LARGE_BATCH = 16;

const isBlocked = (graph: Graph, x: Value): boolean =>
  x.shape.length === 4 && kindFor(graph, x.shape[3]!) === 'blocked' && x.size > 0;

/** Mean over all axes but the last, [C]. */
export function channelMeans(graph: Graph, x: Value): Value {
  const leading = x.shape.slice(0, -1).map((_, axis) => axis);
  if (!isBlocked(graph, x)) return reduce(graph, 'ReduceMean', x, leading, false);
  return reduce(graph, 'ReduceMean', planeMeans(graph, x), [0], false);
}

/** x · factor + summand, with one factor [C] and one summand [C] a channel. */
export function scaleChannels(graph: Graph, x: Value, factor: Value, summand: Value, image?: Value): Value {
  if (isBlocked(graph, x)) {
    const channels = x.shape[3]!;
    return blockedDepthwise(graph, x, reshape(graph, factor, [channels, 1, 1, 1]), {
      window: point,
      output: imageShape(x.shape),
      bias: reshape(graph, summand, [channels]),
      image,
    });
  }
  const scaled = elementwise(graph, 'Add', [elementwise(graph, 'Mul', [x, factor]), summand]);
  return image === undefined ? scaled : elementwise(graph, 'Add', [scaled, image]);
}

/** x − s and s [C], where s is the mean of the first image. */
export function centred(graph: Graph, x: Value): { value: Value; shift: Value } {
  return centredConvolution(graph, x) ?? centredValue(graph, x);
}

function centredValue(graph: Graph, x: Value): { value: Value; shift: Value } {
  const first = slice(
    graph,
    x,
    x.shape.map(() => 0),
    [1, ...x.shape.slice(1)],
  );
  const shift = channelMeans(graph, first);
  const negative = elementwise(graph, 'Neg', [shift]);
  if (!isBlocked(graph, x)) return { value: elementwise(graph, 'Add', [x, negative]), shift };
  const ones = graph.constant(new Float32Array(x.shape[3]!).fill(1), [x.shape[3]!], 'float32');
  return { value: scaleChannels(graph, x, ones, negative), shift };
}

/**
 * A convolution adds −s as its bias, for nothing: s comes from a convolution of the first image alone. The gradient
 * builds the same nodes, which are then the same.
 */
function centredConvolution(graph: Graph, x: Value): { value: Value; shift: Value } | undefined {
  const kind = layoutOf(x);
  const node = kind === undefined ? undefined : convolutionBehind(x);
  if (kind === undefined || node === undefined || x.shape[0]! < LARGE_BATCH) return undefined;
  const [image, weights] = node.inputs as readonly [Value, Value];
  const first = slice(
    graph,
    image,
    image.shape.map(() => 0),
    [1, ...image.shape.slice(1)],
  );
  const [, ...rest] = node.outputs[0]!.shape;
  const sample = graph.op(node.op, [first, weights], node.attributes, [1, ...rest], 'float32');
  const shift = channelMeans(graph, asLayout(graph, sample, kind, [1, ...x.shape.slice(1)]));
  const inputs = [image, weights, elementwise(graph, 'Neg', [shift])];
  const value = graph.op(node.op, inputs, node.attributes, node.outputs[0]!.shape, 'float32');
  return { value: asLayout(graph, value, kind, x.shape), shift };
}

/** The convolution without bias or activation whose result lies behind a layout. */
function convolutionBehind(x: Value): GraphNode | undefined {
  const tensor = x.node!.inputs[0]!;
  const node = tensor.op === 'Reshape' ? tensor.node!.inputs[0]!.node : tensor.node;
  const isConvolution = node?.op === 'Conv' || node?.op === 'com.microsoft.nchwc:Conv';
  return isConvolution && node.inputs.length === 2 && node.attributes['activation'] === undefined ? node : undefined;
}

/** Means, variances (of the batch, biased) and 1 / √(variance + ε), each [C], and the normalised value. */
export function batchNorm(
  graph: Graph,
  { x, weight, bias }: Readonly<Record<'x' | 'weight' | 'bias', Value>>,
  epsilon: number,
): Readonly<Record<'y' | 'mean' | 'variance' | 'inverse', Value>> {
  const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
  const { value, shift } = centred(graph, x);
  const level = channelMeans(graph, value);
  const squares = channelMeans(graph, op('Mul', value, value));
  // Rounding can bring a variance of zero below zero.
  const variance = op('Max', op('Sub', squares, op('Mul', level, level)), graph.scalar(0));
  const inverse = op('Reciprocal', op('Sqrt', op('Add', variance, graph.scalar(epsilon))));
  const factor = op('Mul', weight, inverse);
  const y = scaleChannels(graph, value, factor, op('Sub', bias, op('Mul', level, factor)));
  return { y, mean: op('Add', shift, level), variance, inverse };
}

/**
 * With M values a channel, x̂ = (x − mean) · inverse and p = E[dy · x̂]:
 * dx = weight · inverse · (dy − E[dy] − x̂ · p), dweight = M p, dbias = M E[dy].
 */
export function batchNormGradient(
  graph: Graph,
  { dy, x, inverse, weight }: Readonly<Record<'dy' | 'x' | 'inverse' | 'weight', Value>>,
): Readonly<Record<'dx' | 'dweight' | 'dbias', Value>> {
  const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
  const count = graph.scalar(x.size / x.shape.at(-1)!);
  const { value } = centred(graph, x);
  const level = channelMeans(graph, value);
  const gradientLevel = channelMeans(graph, dy);
  const products = channelMeans(graph, op('Mul', dy, value));
  const along = op('Mul', inverse, op('Sub', products, op('Mul', level, gradientLevel)));
  // dx as a · dy + b · (x − s) + c: two passes over memory.
  const a = op('Mul', weight, inverse);
  const b = op('Neg', op('Mul', op('Mul', a, inverse), along));
  const c = op('Neg', op('Add', op('Mul', a, gradientLevel), op('Mul', b, level)));
  const zeros = graph.constant(new Float32Array(x.shape.at(-1)!), [x.shape.at(-1)!], 'float32');
  const dx = isBlocked(graph, x)
    ? scaleChannels(graph, dy, a, zeros, scaleChannels(graph, value, b, c))
    : op('Add', op('Mul', dy, a), scaleChannels(graph, value, b, c));
  return { dx, dweight: op('Mul', along, count), dbias: op('Mul', gradientLevel, count) };
}
