/** Runs one computation on the reference engine and on the repaired WASM engine, and compares. */
import '@tensorflow/tfjs-backend-wasm';
import { expect } from 'vitest';
import { tf } from '../../src/tf.ts';
import { installGradientRepairs, installWasmRepairs } from '../../src/repairs/index.ts';

tf.env().set('PROD', true);

/** Makes both engines usable, with all repairs in place. */
export async function prepareEngines(): Promise<void> {
  if (!(await tf.setBackend('wasm'))) throw new Error('wasm: the backend did not start');
  installWasmRepairs();
  installGradientRepairs();
  await tf.setBackend('cpu');
}

/** A tensor as plain data: independent of any engine. */
export interface Plain {
  shape: number[];
  dtype: tf.DataType;
  values: number[];
}

export function plain(tensor: tf.Tensor): Plain {
  return { shape: tensor.shape, dtype: tensor.dtype, values: Array.from(tensor.dataSync() as Float32Array) };
}

/** Runs `compute` on an engine and reads its results; nothing stays behind. */
export function runOn(engine: 'cpu' | 'wasm', compute: () => tf.Tensor | tf.Tensor[]): Plain[] {
  const before = tf.getBackend();
  // Both engines are initialized: the switch takes effect at once.
  void tf.setBackend(engine);
  expect(tf.getBackend()).toBe(engine);
  try {
    const tensors = tf.memory().numTensors;
    // Data that no tensor holds any more: what a kernel made on its way and forgot.
    const data = tf.backend().numDataIds();
    const results: Plain[] = [];
    tf.tidy(() => {
      const made = compute();
      results.push(...(Array.isArray(made) ? made : [made]).map(plain));
    });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.backend().numDataIds()).toBe(data);
    return results;
  } finally {
    void tf.setBackend(before);
  }
}

/**
 * Largest difference in units of the largest value of the reference: float32 sums of n terms differ between engines by
 * about √n · 6e-8 of their scale, so 1e-5 leaves room for a few thousand terms and still shows any wrong index.
 */
export function expectClose(actual: Plain, wanted: Plain, tolerance = 1e-5, label = ''): void {
  expect({ label, shape: actual.shape }).toEqual({ label, shape: wanted.shape });
  expect(`${label} ${actual.dtype}`).toBe(`${label} ${wanted.dtype}`);
  const scale = Math.max(1, ...wanted.values.filter(Number.isFinite).map(Math.abs));
  for (const [i, value] of wanted.values.entries()) {
    const got = actual.values[i]!;
    if (Object.is(got, value) || got === value) continue;
    if (!(Math.abs(got - value) <= tolerance * scale)) {
      expect.fail(`${label} element ${i} of [${wanted.shape.join(', ')}]: ${got} instead of ${value}`);
    }
  }
}

/** Same shape, type and values on both engines. */
export function expectAgreement(compute: () => tf.Tensor | tf.Tensor[], tolerance = 1e-5, label = ''): void {
  const reference = runOn('cpu', compute);
  const repaired = runOn('wasm', compute);
  expect(repaired.length).toBe(reference.length);
  for (const [i, result] of repaired.entries()) expectClose(result, reference[i]!, tolerance, `${label} output ${i}`);
}

let state = 12345;
/** The same numbers on every run: a small linear congruential generator is enough for test data. */
export function nextUniform(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** A whole number from low to high, both included. */
export function between(low: number, high: number): number {
  return low + Math.floor(nextUniform() * (high - low + 1));
}

/** Values for a tensor, made once and used on both engines. */
export function numbers(shape: number[], low = -1, high = 1): () => tf.Tensor {
  const values = Array.from({ length: tf.util.sizeFromShape(shape) }, () => low + (high - low) * nextUniform());
  return () => tf.tensor(values, shape);
}

/** Whole numbers from low to high as an int32 tensor. */
export function integers(shape: number[], low: number, high: number): () => tf.Tensor {
  const values = Array.from({ length: tf.util.sizeFromShape(shape) }, () => between(low, high));
  return () => tf.tensor(values, shape, 'int32');
}

/** Gradients of Σ w ∘ f(inputs) with fixed pseudo-random weights w, so that no output element is weighted alike. */
export function gradientsOf(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  return tf.grads((...given: tf.Tensor[]) => weighted(f(...given)))(inputs);
}

/** Σᵢ wᵢ yᵢ with wᵢ = sin(1 + i · 1.7). */
export function weighted(y: tf.Tensor): tf.Scalar {
  const weights = tf.tensor(
    Array.from({ length: y.size }, (_, i) => Math.sin(1 + 1.7 * i)),
    y.shape,
  );
  return tf.sum(tf.mul(y, weights));
}

/**
 * Central differences of the same weighted sum. With float32 forward passes and step 1e-2 the error is about 1e-5 / 1e-2
 * from rounding and 1e-4 from curvature; 5e-3 of the largest entry tells right from wrong.
 */
export function expectGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: (() => tf.Tensor)[],
  { step = 1e-2, tolerance = 5e-3, label = '' } = {},
): void {
  const gradients = runOn('cpu', () =>
    gradientsOf(
      f,
      inputs.map((make) => make()),
    ),
  );
  const values = runOn('cpu', () => inputs.map((make) => make()));
  const evaluate = (points: Plain[]): number =>
    runOn('cpu', () => weighted(f(...points.map(({ values: v, shape, dtype }) => tf.tensor(v, shape, dtype)))))[0]!
      .values[0]!;
  for (const [i, point] of values.entries()) {
    const wanted = point.values.map((value, at) => {
      const moved = (delta: number): Plain[] =>
        values.map((other, j) => (j === i ? { ...other, values: other.values.with(at, value + delta) } : other));
      return (evaluate(moved(step)) - evaluate(moved(-step))) / (2 * step);
    });
    expectClose(gradients[i]!, { ...point, values: wanted }, tolerance, `${label} gradient of input ${i}`);
  }
  expectAgreement(
    () =>
      gradientsOf(
        f,
        inputs.map((make) => make()),
      ),
    2e-5,
    `${label} gradient`,
  );
}
