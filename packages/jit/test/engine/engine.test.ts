import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import { KernelNotBuilt, KernelSessions } from '../../src/engine/kernel-sessions.ts';
import type { OnnxEngine } from '../../src/engine/register.ts';
import { kernels } from '../../src/kernels/index.ts';
import { createSyncRuntime, registerOnnxBackend } from '../../src/index.ts';

tf.env().set('PROD', true);

const read = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

function seeded(shape: number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233)),
    shape,
  );
}

let engine: OnnxEngine;
beforeAll(async () => {
  engine = await registerOnnxBackend();
  await tf.setBackend('onnx');
});

let tensors: number;
let data: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
  data = engine.backend.numDataIds();
});
const expectNoLeak = (): void => {
  expect([tf.memory().numTensors, engine.backend.numDataIds()]).toEqual([tensors, data]);
};
afterEach(expectNoLeak);

/** Runs `f` on onnx and on cpu, on the same tensors, and expects the same numbers. */
async function expectAgreementWithCpu(f: () => tf.Tensor, tolerance = 1e-5): Promise<void> {
  const found = tf.tidy(() => {
    const result = f();
    return { shape: result.shape, dtype: result.dtype, values: read(result) };
  });
  await tf.setBackend('cpu');
  const expected = tf.tidy(() => {
    const result = f();
    return { shape: result.shape, dtype: result.dtype, values: read(result) };
  });
  await tf.setBackend('onnx');
  expect([found.shape, found.dtype]).toEqual([expected.shape, expected.dtype]);
  const worst = expected.values.reduce((most, value, i) => Math.max(most, Math.abs(value - found.values[i]!)), 0);
  expect(worst).toBeLessThan(tolerance);
}

describe('the engine onnx', () => {
  it('is registered once, and has every kernel that cpu has', async () => {
    expect(await registerOnnxBackend()).toBe(engine);
    expect(tf.backend()).toBe(engine.backend);
    expect(engine.version).toBe('1.30.0');
    const names = (backend: string) => tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
    expect(names('onnx')).toEqual(expect.arrayContaining([...names('cpu'), ...kernels.keys()]));
  });

  it('computes kernels of the table on ONNX Runtime, and small ones on cpu', async () => {
    const [a, b] = [seeded([40, 60], 1), seeded([60, 50], 2)];
    const before = engine.kernelSessions.size;
    await expectAgreementWithCpu(() => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D));
    await expectAgreementWithCpu(() => tf.softmax(tf.add(a, tf.sum(a, 1, true))));
    const afterwards = engine.kernelSessions.size;
    expect(afterwards).toBeGreaterThan(before + 2);
    const [small, other] = [seeded([3, 4], 3), seeded([4, 2], 4)];
    await expectAgreementWithCpu(() => tf.matMul(small as tf.Tensor2D, other as tf.Tensor2D));
    expect(engine.kernelSessions.size).toBe(afterwards);
    tf.dispose([a, b, small, other]);
  });

  it('computes gradients', async () => {
    const [x, w] = [seeded([30, 60], 5), seeded([60, 20], 6)];
    const loss = (input: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
      tf.mean(tf.square(tf.relu(tf.matMul(input as tf.Tensor2D, weight as tf.Tensor2D))));
    await expectAgreementWithCpu(() => tf.grads(loss)([x, w])[1]!);
    tf.dispose([x, w]);
  });

  it('shares data between a tensor and its views', () => {
    const x = seeded([50, 60], 7);
    const [reshaped, expanded, clone] = [tf.reshape(x, [60, 50]), tf.expandDims(x), x.clone()];
    for (const view of [reshaped, expanded, clone]) expect(view.dataId).toBe(x.dataId);
    x.dispose();
    expect(read(reshaped)).toEqual(read(clone));
    tf.dispose([reshaped, expanded, clone]);
  });

  it('runs what no graph can hold on the kernels of cpu: complex numbers, texts, shapes that depend on values', async () => {
    const x = seeded([40, 50], 8);
    await expectAgreementWithCpu(
      () => tf.real(tf.spectral.ifft(tf.spectral.fft(tf.complex(x, tf.zerosLike(x))))),
      1e-4,
    );
    await expectAgreementWithCpu(() => tf.unique(tf.cast(tf.mul(x, 3), 'int32').flatten()).values);
    const text = tf.tensor1d(['a', 'b', 'c']);
    expect(tf.tidy(() => Array.from(tf.concat([text, text]).dataSync()))).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    const indices = await tf.whereAsync(tf.tidy(() => tf.greater(x, 0.9)));
    expect(indices.shape[1]).toBe(2);
    tf.dispose([x, text, indices]);
    // The condition of whereAsync.
    tensors = tf.memory().numTensors;
    data = engine.backend.numDataIds();
  });

  it('takes an array that is not of the tensor’s type, as cpu leaves it', async () => {
    const whole = tf.tensor1d(
      Int32Array.from({ length: 2000 }, (_, i) => i),
      'int32',
    );
    await expectAgreementWithCpu(() => tf.mul(tf.cast(whole, 'float32'), 0.5));
    whole.dispose();
  });

  it('runs tfjs’s own optimizers and layers', async () => {
    const x = seeded([64, 20], 9);
    const y = tf.tidy(() => tf.sum(x, 1, true));
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 1, inputShape: [20], kernelInitializer: 'zeros' })],
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const history = await model.fit(x, y, { epochs: 15, batchSize: 32, shuffle: false, verbose: 0 });
    const losses = history.history['loss'] as number[];
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 100);
    tf.dispose([x, y]);
    model.dispose();
    tensors = tf.memory().numTensors;
    data = engine.backend.numDataIds();
  });
});

describe('KernelSessions', () => {
  const runtime = createSyncRuntime();
  const add = kernels.get('Add')!;
  const tensor = (shape: number[]): tf.TensorInfo => ({ dataId: {}, shape, dtype: 'float32' });
  const ones = ({ shape }: tf.TensorInfo): Float32Array => new Float32Array(tf.util.sizeFromShape(shape)).fill(1);

  it('keeps the kernels that were used last, and only so many', () => {
    const sessions = new KernelSessions(runtime, plainCpu, 3);
    const run = (size: number): void => {
      const output = sessions.run('Add', add, { a: tensor([size]), b: tensor([size]) }, {}, ones);
      expect(output).toEqual({ shape: [size], dtype: 'float32', data: new Float32Array(size).fill(2) });
    };
    for (const size of [2, 3, 4, 2, 5, 2, 3]) run(size);
    expect(sessions.size).toBe(3);
    sessions.dispose();
    expect(sessions.size).toBe(0);
  });

  it('tells attributes apart that JSON does not', () => {
    const sessions = new KernelSessions(runtime, plainCpu);
    const fill = (value: number): number => {
      const kernel = (graph: Graph, { x }: Record<string, never>) =>
        graph.op('Mul', [x, graph.scalar(value)], {}, [2], 'float32');
      const output = sessions.run('Scale', kernel as never, { x: tensor([2]) }, { value }, ones);
      return ('data' in (output as object) ? (output as { data: Float32Array }).data : [])[0] as number;
    };
    expect([0, -0, Infinity, -Infinity, NaN, 3].map(fill)).toEqual([0, -0, Infinity, -Infinity, NaN, 3]);
    sessions.dispose();
  });

  it('says that a kernel has no graph for these inputs, once and for all', () => {
    const sessions = new KernelSessions(runtime, plainCpu);
    let built = 0;
    const refuse = (): never => {
      built += 1;
      throw new Error('dilations above 1 have no gradient');
    };
    const run = () => sessions.run('Refused', refuse, { x: tensor([2]) }, {}, ones);
    expect(run).toThrow(KernelNotBuilt);
    expect(run).toThrow('dilations above 1 have no gradient');
    expect(built).toBe(1);
  });
});
