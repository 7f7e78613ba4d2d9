/** Winograd's convolutions and their gradients against the plain ones, and the choice between them. */
import { describe, expect, it } from 'vitest';
import { convolve } from '../../src/build/convolve.ts';
import { convolveFilterGradient } from '../../src/build/filter-gradient.ts';
import { convolveInputGradient } from '../../src/build/input-gradient.ts';
import { materialize } from '../../src/build/layout.ts';
import type { Sliding } from '../../src/build/window.ts';
import { isWinogradFaster, winograd, winogradFilterGradient, winogradInputGradient } from '../../src/build/winograd.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, portableCpu, type Target } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { Generator } from '../kernels/against-cpu.ts';
import { allTargets } from '../kernels/targets.ts';
import { runGraph } from '../run-graph.ts';

const targets = await allTargets();

function slidingOf(
  images: number,
  [height, width]: readonly [number, number],
  [inner, outer]: readonly [number, number],
  before: readonly [number, number] = [1, 1],
  after: readonly [number, number] = [1, 1],
): Sliding {
  return {
    window: { size: [3, 3], strides: [1, 1], dilations: [1, 1], before, after },
    input: [images, height, width, inner],
    output: [images, height + before[0] + after[0] - 2, width + before[1] + after[1] - 2, outer],
  };
}

/** Number of nodes of a kind behind a value. */
function countNodes(value: Value, op: string, seen = new Set<Value>()): number {
  if (seen.has(value)) return 0;
  seen.add(value);
  const behind = (value.node?.inputs ?? []).reduce(
    (sum, input) => sum + (input === undefined ? 0 : countNodes(input, op, seen)),
    0,
  );
  return behind + Number(value.op === op);
}

describe.each(targets)('on $name with blocks of $block', (target) => {
  it('agrees with the plain convolution and its gradients on any image, pad and number of channels', async () => {
    const generator = new Generator(3);
    const graph = new Graph(target);
    const feeds: Record<string, Float32Array> = {};
    const outputs: Record<string, Value> = {};
    for (let count = 0; count < 12; count++) {
      const size = [generator.integer(1, 11), generator.integer(1, 11)] as const;
      const pads = [0, 1].map(() => size.map((length) => generator.integer(length < 3 ? 1 : 0, 2)));
      const channels = [generator.choose([1, 5, 16, 32]), generator.choose([1, 3, 16])] as const;
      const [before, after] = pads as [[number, number], [number, number]];
      const sliding = slidingOf(generator.integer(1, 3), size, channels, before, after);
      const input = (name: string, shape: readonly number[], bound: number): Value => {
        feeds[`${name}${count}`] = generator.operand(shape, 'float32', bound).data as Float32Array;
        return graph.input(`${name}${count}`, shape, 'float32');
      };
      const x = input('x', sliding.input, 3);
      const filter = input('filter', [3, 3, ...channels], 0.5);
      const dy = input('dy', sliding.output, 3);
      Object.assign(outputs, {
        [`expected convolution ${count}`]: convolve(graph, x, filter, sliding),
        [`found convolution ${count}`]: winograd(graph, x, filter, sliding),
        [`expected gradient of the image ${count}`]: convolveInputGradient(graph, dy, filter, sliding),
        [`found gradient of the image ${count}`]: winogradInputGradient(graph, dy, filter, sliding),
        [`expected gradient of the filter ${count}`]: convolveFilterGradient(graph, x, dy, sliding),
        [`found gradient of the filter ${count}`]: winogradFilterGradient(graph, x, dy, sliding),
      });
      // What is compared with is the other way.
      expect(isWinogradFaster(graph, sliding)).toBe(false);
    }
    const results = await runGraph(graph, outputs, feeds);
    for (const name of Object.keys(outputs).filter((each) => each.startsWith('found'))) {
      const found = results[name]!;
      const expected = results[name.replace('found', 'expected')]!;
      expect(found.shape).toEqual(expected.shape);
      const numbers = Array.from(expected.data as Float32Array);
      const largest = Math.max(1, ...numbers.map(Math.abs));
      const differences = numbers.map((number, index) => Math.abs(number - (found.data as Float32Array)[index]!));
      expect(Math.max(...differences) / largest, name).toBeLessThan(5e-6);
    }
  });
});

describe('the choice', () => {
  const graphFor = (target: Target): Graph => new Graph(target);
  const alexNet = slidingOf(128, [7, 7], [384, 256]);

  it('falls on it where channels are many, and on both gradients alike', () => {
    const graph = graphFor(plainCpu);
    expect(isWinogradFaster(graph, alexNet)).toBe(true);
    const x = graph.input('x', alexNet.input, 'float32');
    const filter = graph.input('filter', [3, 3, 384, 256], 'float32');
    const dy = graph.input('dy', alexNet.output, 'float32');
    for (const value of [
      convolve(graph, x, filter, alexNet),
      convolveInputGradient(graph, dy, filter, alexNet),
      convolveFilterGradient(graph, x, dy, alexNet),
    ]) {
      expect(countNodes(value, 'Conv')).toBe(0);
      expect(value.size).toBeGreaterThan(0);
    }
  });

  it('shares the transforms between a convolution and its gradients', () => {
    const graph = graphFor(plainCpu);
    const x = graph.input('x', alexNet.input, 'float32');
    const filter = graph.input('filter', [3, 3, 384, 256], 'float32');
    const dy = graph.input('dy', alexNet.output, 'float32');
    const seen = new Set<Value>();
    const products = (value: Value): number => countNodes(materialize(graph, value), 'MatMul', seen);
    expect(products(winograd(graph, x, filter, alexNet))).toBe(6); // 2 of x, 1 of the filter, the products, 2 back.
    expect(products(winogradInputGradient(graph, dy, filter, alexNet))).toBe(4); // 2 of dy, 2 back.
    expect(products(winogradFilterGradient(graph, x, dy, alexNet))).toBe(1); // Back.
  });

  it('does not fall on it otherwise', () => {
    const graph = graphFor(plainCpu);
    expect(isWinogradFaster(graph, slidingOf(128, [32, 32], [16, 16]))).toBe(false);
    expect(isWinogradFaster(graph, slidingOf(1, [7, 7], [384, 256]))).toBe(false);
    expect(isWinogradFaster(graph, slidingOf(4096, [14, 14], [256, 256]))).toBe(false); // 2 GB of transformed images.
    const { window } = alexNet;
    expect(isWinogradFaster(graph, { ...alexNet, window: { ...window, dilations: [2, 2] } })).toBe(false);
    expect(isWinogradFaster(graph, { ...alexNet, window: { ...window, size: [3, 1] } })).toBe(false);
    expect(isWinogradFaster(graphFor(portableCpu), alexNet)).toBe(false);
    expect(isWinogradFaster(graphFor({ ...plainCpu, without: ['fewer multiplications'] }), alexNet)).toBe(false);
    expect(isWinogradFaster(graphFor({ name: 'webgpu', block: 0 }), alexNet)).toBe(false);
  });
});
