/** Whole chains of operations between convolutions: the results are cpu's, and no tensor is reordered on the way. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { sizeOf, type Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { Generator } from '../kernels/against-cpu.ts';
import { allTargets } from '../kernels/targets.ts';
import { runGraph } from '../run-graph.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

const targets = await allTargets();

type InputName = 'x' | 'filter' | 'bias' | 'scale' | 'map' | 'other';

/** A program in terms of tfjs's kernels, which runs on cpu and as a graph. */
type Program = <Tensor>(
  run: (kernel: string, inputs: Record<string, Tensor>, attributes?: Record<string, unknown>) => Tensor,
  inputs: Readonly<Record<InputName, Tensor>>,
) => Tensor;

const convolution = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };

const programs: Record<string, { inputs: Record<string, number[]>; program: Program }> = {
  'a residual block with bias, ReLU, pooling and a mean': {
    inputs: { x: [2, 6, 6, 32], filter: [3, 3, 32, 32], bias: [32], scale: [1, 1, 1, 32], map: [6, 6, 1] },
    program: (run, { x, filter, bias, scale, map }) => {
      const h = run('Relu', { x: run('Add', { a: run('Conv2D', { x, filter }, convolution), b: bias }) });
      const doubled = run('Multiply', { a: run('Multiply', { a: h, b: scale }), b: map });
      const sum = run('Add', { a: run('Conv2D', { x: doubled, filter }, convolution), b: h });
      const pooled = run('MaxPool', { x: run('Relu', { x: sum }) }, { filterSize: 2, strides: 2, pad: 'valid' });
      return run('Mean', { x: pooled }, { axis: [1, 2], keepDims: false });
    },
  },
  'slices, pads, concatenations and casts': {
    inputs: { x: [2, 5, 4, 32], filter: [1, 1, 32, 32], other: [2, 5, 4, 32] },
    program: (run, { x, filter, other }) => {
      const h = run('Conv2D', { x, filter }, convolution);
      const joined = run('Concat', { 0: h, 1: other }, { axis: 3 });
      const part = run('Slice', { x: joined }, { begin: [0, 1, 0, 16], size: [2, 3, 4, 32] });
      const odd = run('Slice', { x: joined }, { begin: [0, 1, 0, 5], size: [2, 3, 4, 32] });
      const padded = run('PadV2', { x: part }, { paddings: [[0, 0], [1, 1], [0, 2], [0, 0]], constantValue: 3 }); // prettier-ignore
      const positive = run(
        'Cast',
        { x: run('Greater', { a: padded, b: run('Neg', { x: padded }) }) },
        { dtype: 'float32' },
      );
      const wide = run('PadV2', { x: odd }, { paddings: [[0, 0], [1, 1], [0, 2], [0, 0]], constantValue: 0 }); // prettier-ignore
      return run('Concat', { 0: run('Add', { a: positive, b: wide }), 1: padded }, { axis: 1 });
    },
  },
  'reductions over each axis': {
    inputs: { x: [2, 5, 4, 16], filter: [1, 1, 16, 32] },
    program: (run, { x, filter }) => {
      const h = run('Conv2D', { x, filter }, convolution);
      const sums = [[0], [1], [2], [3], [1, 2], [0, 1, 2], [0, 3], [0, 1, 2, 3]].flatMap((axis) => [
        run('Sum', { x: h }, { axis, keepDims: false }),
        run('Max', { x: h }, { reductionIndices: axis, axis, keepDims: true }),
        run('Mean', { x: h }, { axis, keepDims: false }),
      ]);
      const flat = sums.map((value) => run('Reshape', { x: value }, { shape: [-1] }));
      return run('Concat', Object.fromEntries(flat.entries()), { axis: 0 });
    },
  },
  'transposes and reshapes': {
    inputs: { x: [2, 5, 4, 16], filter: [1, 1, 16, 32] },
    program: (run, { x, filter }) => {
      const h = run('Conv2D', { x, filter }, convolution);
      const turned = run('Transpose', { x: h }, { perm: [0, 3, 1, 2] });
      return run(
        'Concat',
        { 0: run('Reshape', { x: turned }, { shape: [-1] }), 1: run('Reshape', { x: h }, { shape: [-1] }) },
        { axis: 0 },
      );
    },
  },
  'images with the channels first': {
    inputs: { x: [2, 16, 5, 4], filter: [3, 3, 16, 32] },
    program: (run, { x, filter }) => {
      const first = { ...convolution, dataFormat: 'NCHW' };
      return run('Relu', { x: run('Conv2D', { x, filter }, first) });
    },
  },
};

describe.each(targets)('on $name with blocks of $block', (target) => {
  it.each(Object.keys(programs))('%s', async (name) => {
    const { inputs, program } = programs[name]!;
    const generator = new Generator(11);
    const data = Object.fromEntries(
      Object.entries(inputs).map(([key, shape]) => [key, generator.operand(shape, 'float32', 1).data as Float32Array]),
    );
    const graph = new Graph(target);
    const values = Object.fromEntries(
      Object.entries(inputs).map(([key, shape]) => [key, graph.input(key, shape, 'float32')]),
    );
    const y = program<Value>(
      (kernel, operands, attributes = {}) => kernels.get(kernel)!(graph, operands, attributes) as Value,
      values as Record<InputName, Value>,
    );
    const found = (await runGraph(graph, { y }, data))['y']!;
    const wanted = tf.tidy(() => {
      const tensors = Object.fromEntries(
        Object.entries(inputs).map(([key, shape]) => [key, tf.tensor(data[key]!, shape)]),
      );
      return program<tf.Tensor>(
        (kernel, operands, attributes = {}) => {
          const isList = Object.keys(operands).every((key) => /^\d+$/.test(key));
          const given = isList ? (Object.values(operands) as unknown as tf.NamedTensorMap) : operands;
          // cpu has no convolution of images with the channels first.
          if (attributes['dataFormat'] === 'NCHW') {
            const last = tf.transpose(operands['x']!, [0, 2, 3, 1]) as tf.Tensor4D;
            return tf.transpose(tf.conv2d(last, operands['filter'] as tf.Tensor4D, 1, 'same'), [0, 3, 1, 2]);
          }
          return tf.engine().runKernel(kernel, given, attributes as tf.NamedAttrMap) as tf.Tensor;
        },
        tensors as Record<InputName, tf.Tensor>,
      ).dataSync();
    });
    expect(found.data.length).toBe(wanted.length);
    const worst = Math.max(...Array.from(wanted, (number, index) => Math.abs(number - Number(found.data[index]))));
    expect(worst).toBeLessThan(1e-4);
  });

  it('keeps a chain between two convolutions as it lies', () => {
    const graph = new Graph(target);
    const shape = [2, 6, 6, 32];
    const filter = graph.input('filter', [3, 3, 32, 32], 'float32');
    const run = (kernel: string, operands: Record<string, Value>, attributes = {}): Value =>
      kernels.get(kernel)!(graph, operands, attributes) as Value;
    const first = run('Conv2D', { x: graph.input('x', shape, 'float32'), filter }, convolution);
    const moved = run('Add', { a: run('Relu', { x: first }), b: graph.input('bias', [32], 'float32') });
    const squared = run('Multiply', { a: run('Sigmoid', { x: moved }), b: moved });
    const second = run('Conv2D', { x: run('Square', { x: squared }), filter }, convolution);
    const seen = new Set<Value>();
    const pending = [second];
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      if (seen.has(value) || sizeOf(value.shape) !== sizeOf(shape)) continue;
      seen.add(value);
      for (const input of value.node?.inputs ?? []) if (input !== undefined) pending.push(input);
    }
    const reordered = [...seen].filter(({ op }) => op === 'Transpose' || op?.includes('Reorder') === true);
    // The one way in.
    expect(reordered).toHaveLength(1);
  });
});
