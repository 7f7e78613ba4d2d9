/**
 * A blocked convolution can add a bias, add an image and apply a ReLU while its result is still in the cache. These
 * functions give a convolution's result a second form that does so; the first form is not computed if nothing else needs
 * it. Should something else need it, the convolution is computed twice: none of the usual networks does so.
 */
import type { Graph } from '../graph/graph.ts';
import { sameShape, type GraphNode, type Value } from '../graph/value.ts';
import { asLayout, layoutOf, physical } from './layout.ts';
import { reshape } from './shape.ts';

/** The blocked convolution behind a value, if it has no activation yet. */
function convolutionOf(value: Value): GraphNode | undefined {
  if (layoutOf(value) !== 'blocked') return undefined;
  const tensor = value.node!.inputs[0]!;
  const node = tensor.op === 'Reshape' ? tensor.node!.inputs[0]!.node : tensor.node;
  return node?.op === 'com.microsoft.nchwc:Conv' && node.attributes['activation'] === undefined ? node : undefined;
}

function rebuilt(
  graph: Graph,
  value: Value,
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
  attributes: GraphNode['attributes'],
): Value {
  const result = graph.op(node.op, inputs, attributes, node.outputs[0]!.shape, value.dtype);
  return asLayout(graph, result, 'blocked', value.shape);
}

/** The elementwise operation as part of the convolution that computes one of its operands; undefined if it cannot be. */
export function fuseIntoConvolution(graph: Graph, op: string, operands: readonly Value[]): Value | undefined {
  if (op === 'Relu') return fuseRelu(graph, operands[0]!);
  if (op !== 'Add') return undefined;
  const [left, right] = operands as readonly [Value, Value];
  return fuseSum(graph, left, right) ?? fuseSum(graph, right, left);
}

function fuseRelu(graph: Graph, x: Value): Value | undefined {
  const node = convolutionOf(x);
  if (node === undefined) return undefined;
  return rebuilt(graph, x, node, node.inputs, { ...node.attributes, activation: 'Relu' });
}

function fuseSum(graph: Graph, x: Value, summand: Value): Value | undefined {
  const node = convolutionOf(x);
  if (node === undefined) return undefined;
  const channels = x.shape.at(-1)!;
  const isBias = summand.size === channels && summand.shape.at(-1) === channels;
  if (isBias && node.inputs.length === 2) {
    return rebuilt(graph, x, node, [...node.inputs, reshape(graph, summand, [channels])], node.attributes);
  }
  if (node.inputs.length > 3 || !sameShape(summand.shape, x.shape) || layoutOf(summand) !== 'blocked') return undefined;
  const image = reshape(graph, physical(graph, summand, 'blocked'), node.outputs[0]!.shape);
  return rebuilt(graph, x, node, [node.inputs[0], node.inputs[1], node.inputs[2], image], node.attributes);
}
