/** Products of matrices, with what tfjs fuses behind them. Sums are formed in float32; whole numbers multiply exactly. */
import * as tf from '@tensorflow/tfjs';
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { matMul } from '../build/matmul.ts';
import { full } from '../build/shape.ts';
import { sharedProduct } from '../build/shared-product.ts';
import { sizeOf } from '../graph/value.ts';
import { activate } from './activation.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

const batchMatMul: Kernel = (graph, { a, b }, { transposeA, transposeB }) =>
  matMul(graph, a!, b!, transposeA === true, transposeB === true);

const fusedMatMul: Kernel = (graph, inputs, attributes) => {
  const { a, b, bias, preluActivationWeights } = inputs;
  const product = matMul(graph, a!, b!, attributes['transposeA'] === true, attributes['transposeB'] === true);
  const sum = bias === undefined ? product : elementwise(graph, 'Add', [product, bias]);
  return activate(graph, sum, attributes, preluActivationWeights);
};

/** tfjs's equations are ONNX's: letters for axes, a result after the arrow, no ellipsis. */
const einsum: Kernel = (graph, inputs, attributes) => {
  const equation = attributes['equation'] as string;
  const values = Object.values(inputs).map((value) => materialize(graph, value));
  // These two refuse what tfjs has no meaning for, and say why.
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, values.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, values as unknown as tf.Tensor[]);
  const [terms, result] = equation.replaceAll(' ', '').split('->') as [string, string];
  const sizes = new Map<string, number>();
  terms.split(',').forEach((term, position) => {
    [...term].forEach((letter, axis) => sizes.set(letter, values[position]!.shape[axis]!));
  });
  const shape = [...result].map((letter) => sizes.get(letter)!);
  const dtype = values[0]!.dtype;
  if (sizeOf([...sizes.values()]) === 0) return full(graph, shape, 0, dtype);
  return graph.op('Einsum', values, { equation: `${terms}->${result}` }, shape, dtype);
};

/** See the file's head. */
export const matmulKernels: KernelFamily = {
  BatchMatMul: batchMatMul,
  Einsum: einsum,
  MilestonesSharedProduct: (graph, { x, weight }, { transpose }) =>
    sharedProduct(graph, x!, weight!, transpose === true),
  _FusedMatMul: fusedMatMul,
};
