/**
 * The host of the WebGPU provider, without a GPU: the sessions here run on the processor, and their results stand for
 * tensors on a device. `scripts/webgpu-check.mjs` runs it on one.
 */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { createDeviceHost, deviceOptions } from '../../src/runtime/device-host.node.ts';
import type { BindingModule, RunBuffers, StateBuffers } from '../../src/runtime/host.node.ts';
import { bindingModule, findOnnxruntime } from '../../src/runtime/onnxruntime-package.node.ts';
import { placeState } from '../../src/runtime/places.node.ts';
import { accumulator, float32 } from './models.ts';

const real = createRequire(import.meta.url)(bindingModule(findOnnxruntime()!)) as BindingModule;

/** What was fed in memory, and how often a tensor was freed. */
const seen = { models: 0, providers: [] as unknown[], located: [] as unknown[] };

class Session extends real.binding.InferenceSession {
  override loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void {
    const { executionProviders, preferredOutputLocation, ...others } = options as Record<string, unknown>;
    seen.models++;
    seen.providers.push(executionProviders);
    seen.located.push(preferredOutputLocation);
    super.loadModel(buffer, offset, length, others);
  }
}

const standIn: BindingModule = {
  binding: { InferenceSession: Session, initOrtOnce: real.binding.initOrtOnce },
  initOrt: () => real.initOrt(),
};

const buffers = (x: readonly number[]): RunBuffers => ({
  feeds: Float32Array.from(x).buffer,
  results: new ArrayBuffer(4),
});

const stateOf = (values: readonly number[]): StateBuffers => ({
  fixed: new ArrayBuffer(0),
  current: Float32Array.from(values).buffer,
  next: new ArrayBuffer(0),
});

describe('the host of a GPU', () => {
  const host = createDeviceHost(standIn);
  const slots = placeState([{ input: 'weights', output: 'weights.next', initial: float32([0, 0, 0, 0]) }]);
  const places = {
    feeds: [{ name: 'x', dtype: 'float32', shape: [4], offset: 0 }],
    results: [{ name: 'sum', dtype: 'float32', shape: [], offset: 0 }],
  } as const;

  it('keeps the state between runs and gives it when it is taken', () => {
    const { inputs } = host.create(1, accumulator(), { ...deviceOptions([]), logSeverityLevel: 4 }, slots);
    expect(inputs.map(({ name }) => name).toSorted()).toEqual(['weights', 'x']);
    expect(seen.providers.at(-1)).toEqual([{ name: 'webgpu' }]);
    expect(seen.located.at(-1)).toEqual({ 'weights.next': 'gpu-buffer' });
    const first = buffers([1, 2, 3, 4]);
    host.run(1, first, places, stateOf([10, 10, 10, 10]));
    expect([...new Float32Array(first.results!)]).toEqual([10]);
    host.run(1, buffers([1, 1, 1, 1]), undefined, undefined);
    const taken = host.takeState(1);
    expect([...new Float32Array(taken.current)]).toEqual([14, 16, 18, 20]);
    expect(taken.written).toEqual([]);
  });

  it('takes back only the states that were written meanwhile', () => {
    const untouched = { ...stateOf([0, 0, 0, 0]), written: [] };
    host.run(1, buffers([0, 0, 0, 0]), undefined, untouched);
    expect([...new Float32Array(host.takeState(1).current)]).toEqual([14, 16, 18, 20]);
    const written = { ...stateOf([1, 2, 3, 4]), written: ['weights'] };
    host.run(1, buffers([0, 0, 0, 0]), undefined, written);
    expect([...new Float32Array(host.takeState(1).current)]).toEqual([1, 2, 3, 4]);
  });

  it('keeps the old state where a run fails', () => {
    expect(() => host.run(1, buffers([1, 1, 1, 1]), { ...places, feeds: [] }, undefined)).toThrow('x');
    expect([...new Float32Array(host.takeState(1).current)]).toEqual([1, 2, 3, 4]);
    host.dispose(1);
  });

  it('makes one model for each type and way of copying', () => {
    const before = seen.models;
    host.create(2, accumulator(), deviceOptions([]), slots);
    host.run(2, buffers([1, 1, 1, 1]), places, stateOf([0, 0, 0, 0]));
    host.takeState(2);
    expect(seen.models - before).toBe(1);
    host.dispose(2);
  });
});

describe('the options of a GPU', () => {
  it('name the nodes for the processor as far as the list may be', () => {
    expect(deviceOptions(['a', 'b'])).toEqual({
      executionProviders: [{ name: 'webgpu', forceCpuNodeNames: ['a', 'b'] }],
    });
    const [{ forceCpuNodeNames }] = (
      deviceOptions(Array.from({ length: 5000 }, (_, index) => String(index))) as {
        executionProviders: [{ forceCpuNodeNames: string[] }];
      }
    ).executionProviders;
    expect(forceCpuNodeNames.join(' ').length).toBeLessThan(8192);
    expect(forceCpuNodeNames.length).toBeGreaterThan(1000);
  });
});
