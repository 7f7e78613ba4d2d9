/** Convolutions and their gradients. */
import { convolve, convolveDepthwise } from '../build/convolve.ts';
import { elementwise } from '../build/elementwise.ts';
import { convolveDepthwiseFilterGradient, convolveFilterGradient } from '../build/filter-gradient.ts';
import { convolveDepthwiseInputGradient, convolveInputGradient } from '../build/input-gradient.ts';
import { asLayout, physical } from '../build/layout.ts';
import { reshape, slice, transpose } from '../build/shape.ts';
import { convolutionSliding, type Sliding } from '../build/window.ts';
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { activate } from './activation.ts';
import type { Kernel, KernelAttributes, KernelFamily } from './kernel.ts';

const isChannelsFirst = (attributes: KernelAttributes): boolean => attributes['dataFormat'] === 'NCHW';

/** An image that tfjs gives as the data format says, as [N, H, W, C]. */
function incoming(graph: Graph, x: Value, attributes: KernelAttributes): Value {
  if (!isChannelsFirst(attributes)) return x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return asLayout(graph, x, 'nchw', [n, h, w, c]);
}

/** An image [N, H, W, C] as the data format says. */
function outgoing(graph: Graph, y: Value, attributes: KernelAttributes): Value {
  if (!isChannelsFirst(attributes)) return y;
  const [n, h, w, c] = y.shape as [number, number, number, number];
  return reshape(graph, physical(graph, y, 'nchw'), [n, c, h, w]);
}

const slidingOf = (x: Value, filter: Value, attributes: KernelAttributes): Sliding =>
  convolutionSliding(x.shape, filter.shape, attributes);

const Conv2D: Kernel = (graph, { x, filter }, attributes) => {
  const image = incoming(graph, x!, attributes);
  const y = convolve(graph, image, filter!, slidingOf(x!, filter!, attributes));
  return outgoing(graph, y, attributes);
};

const FusedConv2D: Kernel = (graph, { x, filter, bias, preluActivationWeights }, attributes) => {
  const image = incoming(graph, x!, attributes);
  const y = convolve(graph, image, filter!, slidingOf(x!, filter!, attributes));
  return outgoing(graph, finish(graph, y, bias, attributes, preluActivationWeights), attributes);
};

/** Bias and activation of a fused convolution. */
function finish(
  graph: Graph,
  y: Value,
  bias: Value | undefined,
  attributes: KernelAttributes,
  slopes: Value | undefined,
): Value {
  const isVector = bias !== undefined && bias.size === bias.shape[0];
  // Of images with the channels first, a bias [C] still belongs to the channels, [C, 1, 1] too.
  const aligned = isVector && isChannelsFirst(attributes) ? reshape(graph, bias, [bias.size]) : bias;
  const sum = aligned === undefined ? y : elementwise(graph, 'Add', [y, aligned]);
  const isImage = slopes !== undefined && slopes.shape.length === 3 && isChannelsFirst(attributes);
  return activate(graph, sum, attributes, isImage ? transpose(graph, slopes, [1, 2, 0]) : slopes);
}

const Conv2DBackpropInput: Kernel = (graph, { dy, filter }, attributes) => {
  const sliding = convolutionSliding(attributes['inputShape'], filter!.shape, attributes);
  // tfjs lets a transposed convolution name a smaller result than its input makes, and leaves out what lies beyond.
  const gradient = slice(graph, incoming(graph, dy!, attributes), [0, 0, 0, 0], sliding.output);
  return outgoing(graph, convolveInputGradient(graph, gradient, filter!, sliding), attributes);
};

const Conv2DBackpropFilter: Kernel = (graph, { x, dy }, attributes) => {
  const sliding = convolutionSliding(x!.shape, attributes['filterShape'], attributes);
  const image = incoming(graph, x!, attributes);
  return convolveFilterGradient(graph, image, incoming(graph, dy!, attributes), sliding);
};

const DepthwiseConv2dNative: Kernel = (graph, { x, filter }, attributes) =>
  convolveDepthwise(graph, x!, filter!, convolutionSliding(x!.shape, filter!.shape, attributes, true));

const FusedDepthwiseConv2D: Kernel = (graph, { x, filter, bias, preluActivationWeights }, attributes) => {
  const sliding = convolutionSliding(x!.shape, filter!.shape, attributes, true);
  return finish(graph, convolveDepthwise(graph, x!, filter!, sliding), bias, attributes, preluActivationWeights);
};

const DepthwiseConv2dNativeBackpropInput: Kernel = (graph, { dy, filter }, attributes) => {
  const sliding = convolutionSliding(attributes['inputShape'], filter!.shape, attributes, true);
  return convolveDepthwiseInputGradient(graph, dy!, filter!, sliding);
};

const DepthwiseConv2dNativeBackpropFilter: Kernel = (graph, { x, dy }, attributes) => {
  const sliding = convolutionSliding(x!.shape, attributes['filterShape'], attributes, true);
  return convolveDepthwiseFilterGradient(graph, x!, dy!, sliding);
};

export const convolutionKernels: KernelFamily = {
  Conv2D,
  FusedConv2D,
  Conv2DBackpropInput,
  Conv2DBackpropFilter,
  DepthwiseConv2dNative,
  FusedDepthwiseConv2D,
  DepthwiseConv2dNativeBackpropInput,
  DepthwiseConv2dNativeBackpropFilter,
};
