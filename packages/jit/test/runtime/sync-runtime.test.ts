import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { createRuntime, createSyncRuntime } from '../../src/index.ts';
import { accumulator, enormous, float32, negateRows, product, unknownOperation } from './models.ts';

describe('createSyncRuntime', () => {
  const runtime = createSyncRuntime({ threads: 1 });
  afterAll(() => runtime.dispose());

  it('runs on the calling thread', () => {
    const session = runtime.createSession(product(2), { optimization: 'basic' });
    expect(session.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(session.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: [2] }]);
    const first = session.run({ a: float32([2, 3]), b: float32([5, 7]) });
    session.run({ a: float32([0, 0]), b: float32([5, 7]) });
    expect(first).toEqual({ y: float32([10, 21]) });
    session.dispose();
    session.dispose();
    expect(() => session.run({ a: float32([2, 3]), b: float32([5, 7]) })).toThrow('run: this session was disposed');
  });

  it('returns what was fed where an operation changes nothing', () => {
    const session = runtime.createSession(negateRows());
    expect(session.run({ x: float32([], [0, 3]) })).toEqual({ y: float32([], [0, 3]) });
    expect(session.run({ x: float32([1, 2, 3], [1, 3]) })['y']!.shape).toEqual([1, 3]);
    session.dispose();
  });

  it('explains what fails', () => {
    const session = runtime.createSession(product());
    expect(() => session.run({ a: float32([1]) })).toThrow(
      'run: the feed b is missing; give float32 of the shape [1].',
    );
    expect(() => runtime.createSession(unknownOperation())).toThrow('has no operation Levitate');
    const large = runtime.createSession(enormous());
    expect(() => large.run({ x: float32([1], [1, 1]) })).toThrow('run: out of memory');
  });

  it('disposes of its sessions', () => {
    const other = createSyncRuntime();
    other.createSession(product());
    other.dispose();
    expect(() => other.createSession(product())).toThrow('createSession: this runtime was disposed');
  });
});

describe('other code on the same thread that uses onnxruntime-node', () => {
  it('gets its own tensors before, between and after our runs', async () => {
    const theirs = await ort.InferenceSession.create(product());
    const ones = () => ({ a: new ort.Tensor(Float32Array.of(2)), b: new ort.Tensor(Float32Array.of(4)) });
    const runtime = await createRuntime({ thread: 'inline' });
    const state = [{ input: 'weights', output: 'weights.next', initial: float32([0]) }];
    const ours = await runtime.createSession(accumulator(1), { state });
    for (let step = 0; step < 3; step++) {
      const { y } = await theirs.run(ones());
      expect(y).toBeInstanceOf(ort.Tensor);
      expect(y!.constructor.name).toBe('Tensor');
      expect(y!.data).toEqual(Float32Array.of(8));
      ours.runSync!({ x: float32([1]) });
    }
    expect(ours.readState('weights')).toEqual(Float32Array.of(6));
    await runtime.dispose();
    await theirs.release();
  });
});
