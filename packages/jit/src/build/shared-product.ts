/**
 * Products with a matrix that many products share, as each step of a recurrent network multiplies by the same weights.
 *
 * ONNX Runtime's Gemm puts a computed matrix in order for its inner loop in every product: with 64 rows that takes a third
 * of the time. A blocked convolution with one pixel per row takes it in an order that can be made once, in the graph, and it
 * adds what is to be added while it writes. Its result lies blocked, and so does everything computed from it by element.
 */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { asLayout, blockedImage } from './layout.ts';
import { matMul } from './matmul.ts';
import { reshape, transpose } from './shape.ts';

/** With fewer rows the product of a matrix and a vector or two is as fast. */
const SMALLEST_ROWS = 8;

/** x [rows, K] · weight [K, N], or weightᵀ where it lies as [N, K]. */
export function sharedProduct(graph: Graph, x: Value, weight: Value, transposed: boolean): Value {
  const { name, block } = graph.target;
  const [rows, inner] = x.shape as [number, number];
  const outer = weight.shape[transposed ? 0 : 1]!;
  const fits = inner > 0 && inner % block === 0 && outer > 0 && outer % block === 0;
  if (name !== 'cpu-blocked' || !fits || rows < SMALLEST_ROWS) return matMul(graph, x, weight, false, transposed);
  const [k, n] = [inner / block, outer / block];
  const ordered = transposed
    ? transpose(graph, reshape(graph, weight, [n, block, k, block]), [0, 2, 3, 1])
    : transpose(graph, reshape(graph, weight, [k, block, n, block]), [2, 0, 1, 3]); // [N / b, K / b, b of K, b of N]
  const attributes = { kernel_shape: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 1 };
  const inputs = [blockedImage(graph, x), reshape(graph, ordered, [outer, inner, 1, 1])];
  const image = graph.op('com.microsoft.nchwc:Conv', inputs, attributes, [1, outer, 1, rows], 'float32');
  return asLayout(graph, image, 'blocked', [rows, outer]);
}
