/** Pooling over windows of pixels, and its gradients. */
import { convolveDepthwiseInputGradient } from '../build/input-gradient.ts';
import { asLayout, blockedImage, kindFor, physical } from '../build/layout.ts';
import { blockedMaxPool, maxPoolGradient, plainMaxPool } from '../build/pooling-gradient.ts';
import { full } from '../build/shape.ts';
import { poolingSliding, windowAttributes } from '../build/window.ts';
import { sizeOf } from '../graph/value.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

const MaxPool: Kernel = (graph, { x }, attributes) => {
  const sliding = poolingSliding(x!.shape, attributes);
  const { window, output } = sliding;
  if (sizeOf(output) === 0) return full(graph, output, 0, 'float32');
  if (kindFor(graph, output[3]) === 'blocked') return blockedMaxPool(graph, x!, sliding);
  if (graph.target.name === 'webgpu') return plainMaxPool(graph, x!, sliding);
  const shape = [output[0], output[3], output[1], output[2]];
  // The gradient asks for the positions too: with both outputs it is the same node.
  const [y] = graph.node('MaxPool', [physical(graph, x!, 'nchw')], windowAttributes(window), [
    { shape, dtype: 'float32' },
    { shape, dtype: 'int64' },
  ]);
  return asLayout(graph, y!, 'nchw', output);
};

const MaxPoolGrad: Kernel = (graph, { dy, input }, attributes) =>
  maxPoolGradient(graph, input!, dy!, poolingSliding(input!.shape, attributes));

const AvgPool: Kernel = (graph, { x }, attributes) => {
  const { window, output } = poolingSliding(x!.shape, attributes);
  if (sizeOf(output) === 0) return full(graph, output, 0, 'float32');
  const kind = kindFor(graph, output[3]);
  const shape = [output[0], output[3], output[1], output[2]];
  // Windows that reach beyond the edge are means of what they see, as in tfjs.
  const options = { ...windowAttributes(window), count_include_pad: 0 };
  const y =
    kind === 'blocked'
      ? graph.op('com.microsoft.nchwc:AveragePool', [blockedImage(graph, x!)], options, shape, 'float32')
      : graph.op('AveragePool', [physical(graph, x!, 'nchw')], options, shape, 'float32');
  return asLayout(graph, y, kind, output);
};

/**
 * As tfjs's kernel defines it, which divides by the window's full size even at the edge. (The gradient that the backend
 * package registers allows for that before it calls the kernel.)
 */
const AvgPoolGrad: Kernel = (graph, { dy, input }, attributes) => {
  const sliding = poolingSliding(input!.shape, attributes);
  const [kh, kw] = sliding.window.size;
  const share = full(graph, [kh, kw, sliding.input[3], 1], 1 / (kh * kw), 'float32');
  return convolveDepthwiseInputGradient(graph, dy!, share, sliding);
};

export const poolingKernels: KernelFamily = { MaxPool, MaxPoolGrad, AvgPool, AvgPoolGrad };
