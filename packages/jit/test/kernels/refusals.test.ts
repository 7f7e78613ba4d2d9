import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import type { GraphDtype, Value } from '../../src/graph/value.ts';
import type { KernelAttributes } from '../../src/kernels/kernel.ts';
import { kernels } from '../../src/kernels/index.ts';
import { runGraph } from '../run-graph.ts';

/** Builds a kernel of inputs that have shapes only. */
function build(kernel: string, shapes: Record<string, [number[], GraphDtype?]>, attributes: KernelAttributes): unknown {
  const graph = new Graph(plainCpu);
  const inputs = Object.entries(shapes).map(([name, [shape, dtype]]) => [
    name,
    graph.input(name, shape, dtype ?? 'float32'),
  ]);
  return kernels.get(kernel)!(graph, Object.fromEntries(inputs) as Record<string, Value>, attributes);
}

describe('kernels refuse', () => {
  it('axes and slices out of range', () => {
    expect(() => build('ExpandDims', { input: [[2, 3]] }, { dim: -4 })).toThrow('[-3, 2]');
    expect(() => build('Slice', { x: [[2, 3]] }, { begin: [1, 0], size: [2, 3] })).toThrow('slice');
  });

  it('shapes and types that do not go together', () => {
    expect(() => build('Concat', { 0: [[2, 3]], 1: [[3, 0]] }, { axis: 1 })).toThrow('concat');
    expect(() => build('Pack', { 0: [[2]], 1: [[2], 'int32'] }, { axis: 0 })).toThrow('float32 and int32');
    expect(() => build('Cast', { x: [[2]] }, { dtype: 'complex64' })).toThrow('complex64');
    expect(() => build('DepthToSpace', { x: [[1, 4, 2, 2]] }, { blockSize: 2, dataFormat: 'NCHW' })).toThrow('NCHW');
  });

  it('equations that tfjs has no meaning for', () => {
    const matrix: [number[]] = [[2, 2]];
    expect(() => build('Einsum', { 0: matrix }, { equation: 'ii->' })).toThrow('duplicate');
    expect(() => build('Einsum', { 0: matrix }, { equation: 'ij->n' })).toThrow('label n');
    expect(() => build('Einsum', { 0: matrix, 1: [[3, 2]] }, { equation: 'ij,jk->ik' })).toThrow('dimension');
  });

  it('pooling windows that see only padding', () => {
    const attributes = {
      filterSize: [1, 1],
      strides: [2, 2],
      pad: [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    };
    expect(() => build('MaxPool', { x: [[1, 2, 2, 3]] }, attributes)).toThrow('pad by less than the window');
  });

  it('constant positions out of range at once, others when they come', async () => {
    const graph = new Graph(plainCpu);
    const x = graph.input('x', [2], 'float32');
    const gather = (indices: Value): Value => kernels.get('GatherV2')!(graph, { x, indices }, { axis: 0 }) as Value;
    expect(() => gather(graph.constant([0, 2], [2], 'int32'))).toThrow('index value 2 is not in [0, 1]');
    const late = gather(graph.input('indices', [1], 'int32'));
    const feeds = { x: Float32Array.of(5, 6) };
    const quiet = { logSeverityLevel: 4 } as const;
    await expect(runGraph(graph, { late }, { ...feeds, indices: Int32Array.of(-1) }, quiet)).rejects.toThrow(
      'out of data bounds',
    );
    const { late: found } = await runGraph(graph, { late }, { ...feeds, indices: Int32Array.of(1) });
    expect([...(found!.data as Float32Array)]).toEqual([6]);
  });
});
