/** A file of its own: what is tested depends on who loads ONNX Runtime first in the process. */
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { createRuntime } from '../../src/index.ts';
import { accumulator, float32, product } from './models.ts';

it('runs where other code on this thread has loaded ONNX Runtime before', async () => {
  const theirs = await ort.InferenceSession.create(product());
  for (const thread of ['inline', 'worker'] as const) {
    const runtime = await createRuntime({ thread });
    const state = [{ input: 'weights', output: 'weights.next', initial: float32([0, 1]) }];
    const session = await runtime.createSession(accumulator(2), { state });
    for (let step = 0; step < 3; step++) await session.run({ x: float32([1, 1]) });
    expect(session.readState('weights')).toEqual(Float32Array.of(6, 7));
    await runtime.dispose();
  }
  await theirs.release();
});
