import { emitModel } from '../../src/emit/emit.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import type { HostTensor } from '../../src/runtime/runtime.ts';

export const float32 = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

/** weights ← weights + 2 · x, and the sum of x. */
export function accumulator(size = 4): Uint8Array {
  const graph = new Graph(plainCpu);
  const weights = graph.input('weights', [size], 'float32');
  const x = graph.input('x', [size], 'float32');
  const doubled = graph.op('Mul', [x, graph.scalar(2)], {}, [size], 'float32');
  return emitModel(graph, [
    { name: 'sum', value: graph.op('ReduceSum', [x, graph.integers([0])], { keepdims: 0 }, [], 'float32') },
    { name: 'weights.next', value: graph.op('Add', [weights, doubled], {}, [size], 'float32') },
  ]).bytes;
}

/** A chain of products of square matrices: slow in proportion to its length. */
export function slowChain(size: number, length: number): Uint8Array {
  const graph = new Graph(plainCpu);
  const weights = graph.input('weights', [size, size], 'float32');
  let value = weights;
  for (let step = 0; step < length; step++) {
    value = graph.op('MatMul', [value, weights], {}, [size, size], 'float32');
  }
  return emitModel(graph, [{ name: 'product', value }]).bytes;
}
