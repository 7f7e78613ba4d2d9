import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { reshape } from '../../src/build/shape.ts';
import { Graph } from '../../src/graph/graph.ts';
import { portableCpu } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { isOnGpu, runGraph } from '../run-graph.ts';
import { Comparison, expectSameAsCpu, Generator, type Dtype } from './against-cpu.ts';
import { allTargets } from './targets.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

const tolerance = { absolute: 1e-5, relative: 1e-5 };

describe('products of matrices', () => {
  it("are cpu's, transposed or not, in batches", async () => {
    const random = new Generator(31);
    const comparison = new Comparison();
    for (let round = 0; round < 80; round++) {
      const [rows, inner, columns] = random.shape(3) as [number, number, number];
      const batch = random.shape(random.integer(0, 2), round % 5 === 0);
      const transposeA = random.uniform() < 0.5;
      const transposeB = random.uniform() < 0.5;
      const dtype: Dtype = random.uniform() < 0.2 ? 'int32' : 'float32';
      // One matrix for all of the other side's is what the cpu engine broadcasts rightly.
      const single = batch.map(() => 1);
      const which = batch.includes(0) ? 3 : random.integer(0, 3);
      const a = [...(which === 0 ? single : batch), ...(transposeA ? [inner, rows] : [rows, inner])];
      const b = [...(which === 1 ? single : batch), ...(transposeB ? [columns, inner] : [inner, columns])];
      const operands = { a: random.operand(a, dtype), b: random.operand(b, dtype) };
      comparison.add('BatchMatMul', operands, { transposeA, transposeB }, tolerance);
    }
    await expectSameAsCpu(comparison);
  });

  it('take a bias and an activation', async () => {
    const random = new Generator(32);
    const comparison = new Comparison();
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu']) {
      const operands = {
        a: random.operand([2, 3, 5]),
        b: random.operand([2, 5, 4]),
        bias: random.operand([4]),
        ...(activation === 'prelu' ? { preluActivationWeights: random.operand([1, 4]) } : {}),
      };
      const attributes = { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.1 };
      comparison.add('_FusedMatMul', operands, attributes, tolerance);
    }
    await expectSameAsCpu(comparison);
  });

  it('follow an equation', async () => {
    const random = new Generator(33);
    const comparison = new Comparison();
    const add = (equation: string, ...shapes: number[][]): void => {
      const operands = Object.fromEntries(shapes.map((shape, index) => [index, random.operand(shape)]));
      comparison.add('Einsum', operands, { equation }, tolerance);
    };
    add('ij,jk->ik', [2, 3], [3, 4]);
    add('bij,bjk->bki', [2, 3, 4], [2, 4, 5]);
    add('ij->j', [3, 4]);
    add('i,j->ij', [3], [4]);
    add('btnd, bsnd -> bnts', [2, 3, 2, 4], [2, 5, 2, 4]);
    await expectSameAsCpu(comparison);
  });

  it('keep the factors of their sides on every target, as the scale of attention', async () => {
    const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, (_, index) => Math.sin(index));
    const feeds = { queries: numbers(2 * 3 * 5 * 4), keys: numbers(2 * 3 * 6 * 4), weight: numbers(4 * 7) };
    const targets = [...(await allTargets()), ...(isOnGpu ? [] : [portableCpu])];
    for (const target of targets) {
      const graph = new Graph(target);
      const queries = graph.input('queries', [2, 3, 5, 4], 'float32');
      const keys = graph.input('keys', [2, 3, 6, 4], 'float32');
      const weight = graph.input('weight', [4, 7], 'float32');
      const scaled = (value: Value, factor: number): Value => elementwise(graph, 'Mul', [value, graph.scalar(factor)]);
      const outputs = {
        scores: matMul(graph, scaled(queries, 0.5), keys, false, true),
        bothSides: matMul(graph, scaled(queries, 0.5), scaled(keys, 3), false, true),
        turnedScores: matMul(graph, keys, scaled(queries, 0.5), false, true),
        rows: matMul(graph, reshape(graph, scaled(queries, 0.25), [30, 4]), weight),
        weighted: matMul(graph, queries, scaled(weight, -2)),
      };
      const factors = { scores: 0.5, bothSides: 1.5, turnedScores: 0.5, rows: 0.25, weighted: -2 };
      const plain = {
        scores: matMul(graph, queries, keys, false, true),
        bothSides: matMul(graph, queries, keys, false, true),
        turnedScores: matMul(graph, keys, queries, false, true),
        rows: matMul(graph, reshape(graph, queries, [30, 4]), weight),
        weighted: matMul(graph, queries, weight),
      };
      const [found, unscaled] = [await runGraph(graph, outputs, feeds), await runGraph(graph, plain, feeds)];
      for (const [name, factor] of Object.entries(factors)) {
        const values = Array.from(found[name]!.data as Float32Array);
        const expected = Array.from(unscaled[name]!.data as Float32Array, (value) => value * factor);
        const largest = Math.max(...values.map((value, index) => Math.abs(value - expected[index]!)));
        expect(largest, `${name} on ${target.name}${target.portable === true ? ', portable' : ''}`).toBeLessThan(1e-4);
      }
    }
  });
});
