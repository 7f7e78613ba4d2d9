/** Activations that tfjs fuses into products and convolutions. */
import { elementwise } from '../build/elementwise.ts';
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import type { KernelAttributes } from './kernel.ts';

/**
 * The activation that `attributes.activation` names.
 * @param slopes of `prelu`
 * @throws Error for a name that tfjs does not have either
 */
export function activate(graph: Graph, x: Value, attributes: KernelAttributes, slopes?: Value): Value {
  const activation: string = attributes['activation'] ?? 'linear';
  if (activation === 'prelu' && slopes !== undefined) return elementwise(graph, 'PRelu', [x, slopes]);
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return elementwise(graph, 'Relu', [x]);
    case 'relu6':
      return elementwise(graph, 'Clip', [x, graph.scalar(0), graph.scalar(6)]);
    case 'elu':
      return elementwise(graph, 'Elu', [x]);
    case 'sigmoid':
      return elementwise(graph, 'Sigmoid', [x]);
    case 'leakyrelu':
      return elementwise(graph, 'LeakyRelu', [x], { alpha: { float: attributes['leakyreluAlpha'] ?? 0.2 } });
    default:
      throw new Error(`activation: ${activation} is not known here; apply it as an operation of its own.`);
  }
}
