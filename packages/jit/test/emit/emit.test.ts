import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { reduce } from '../../src/build/reduce.ts';
import { concat, full, pad, slice, transpose } from '../../src/build/shape.ts';
import { emitModel } from '../../src/emit/emit.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, webgpu, type Target } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { runGraph } from '../run-graph.ts';

describe('emitModel', () => {
  it('writes a model that ONNX Runtime computes', async () => {
    const graph = new Graph(plainCpu);
    const x = graph.input('x', [2, 3], 'float32');
    const sum = elementwise(graph, 'Add', [x, graph.constant([10, 20, 30], [3], 'float32')]);
    const outputs = {
      sum,
      again: sum,
      same: x,
      product: matMul(graph, x, x, false, true),
      total: reduce(graph, 'ReduceSum', sum, [0, 1], false),
      leaky: elementwise(graph, 'LeakyRelu', [elementwise(graph, 'Neg', [x])], { alpha: { float: 0.5 } }),
      seam: slice(
        graph,
        concat(
          graph,
          [
            x,
            pad(graph, x, [
              [0, 0],
              [1, 0],
            ]),
          ],
          1,
        ),
        [0, 2],
        [2, 3],
      ),
      turned: transpose(graph, x, [1, 0]),
      sevens: full(graph, [20, 20], 7, 'int32'),
    };
    const results = await runGraph(graph, outputs, { x: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(Object.keys(results)).toEqual(Object.keys(outputs));
    expect([...results['sum']!.data]).toEqual([11, 22, 33, 14, 25, 36]);
    expect([...results['again']!.data]).toEqual([11, 22, 33, 14, 25, 36]);
    expect([...results['same']!.data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...results['product']!.data]).toEqual([14, 32, 32, 77]);
    expect(results['total']!.shape).toEqual([]);
    expect([...results['total']!.data]).toEqual([141]);
    expect([...results['leaky']!.data]).toEqual([-0.5, -1, -1.5, -2, -2.5, -3]);
    expect([...results['seam']!.data]).toEqual([3, 0, 1, 6, 0, 4]);
    expect([...results['turned']!.data]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(results['sevens']!.shape).toEqual([20, 20]);
    expect(new Set(results['sevens']!.data as Int32Array)).toEqual(new Set([7]));
  });

  it('leaves out what no output needs, and gives the same bytes for the same graph', () => {
    const build = (): ReturnType<typeof emitModel> => {
      const graph = new Graph(plainCpu);
      const x = graph.input('x', [4], 'float32');
      const unused = graph.input('unused', [4], 'float32');
      elementwise(graph, 'Exp', [unused]);
      return emitModel(graph, [{ name: 'y', value: elementwise(graph, 'Mul', [x, x]) }]);
    };
    const model = build();
    expect(model.inputs.map((input) => input.inputName)).toEqual(['x']);
    expect(model.nodeCount).toBe(1);
    expect(build().bytes).toEqual(model.bytes);
  });

  it('writes big constants of one number by their shape', () => {
    const graph = new Graph(plainCpu);
    const { bytes } = emitModel(graph, [{ name: 'y', value: full(graph, [1000, 1000], 0, 'float32') }]);
    expect(bytes.length).toBeLessThan(500);
  });

  it('names the nodes that compute random words for the processor, where a GPU would do the rest', async () => {
    const key = Int32Array.of(1, 2);
    const build = (target: Target): [Graph, Value] => {
      const graph = new Graph(target);
      const attributes = { stream: 3, shape: [10], distribution: 'uniform' };
      const inputs = { key: graph.input('key', [2], 'int32') };
      return [graph, kernels.get('MilestonesCounterRandom')!(graph, inputs, attributes) as Value];
    };
    const [graph, numbers] = build(webgpu);
    const { hostNodes } = emitModel(graph, [{ name: 'numbers', value: numbers }]);
    expect(hostNodes.length).toBeGreaterThan(20);
    expect(new Set(hostNodes).size).toBe(hostNodes.length);
    const [plainGraph, plainNumbers] = build(plainCpu);
    expect(emitModel(plainGraph, [{ name: 'numbers', value: plainNumbers }]).hostNodes).toEqual([]);
    const results = await runGraph(graph, { numbers }, { key });
    expect(results['numbers']!.data).toEqual(
      (await runGraph(plainGraph, { numbers: plainNumbers }, { key }))['numbers']!.data,
    );
  });

  it('refuses two outputs of one name', () => {
    const graph = new Graph(plainCpu);
    const x = graph.input('x', [4], 'float32');
    const output = { name: 'y', value: x };
    expect(() => emitModel(graph, [output, output])).toThrow('same name');
  });
});
