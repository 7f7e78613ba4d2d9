import { afterEach, describe, expect, it, vi } from 'vitest';
import { tf, useBackend } from '@milestones/backend';

/** What the pretended package @milestones/jit says about ONNX Runtime. */
const jit = vi.hoisted(() => ({
  availability: { usable: true, version: '1.0.0' } as object,
  register: async (): Promise<{ version: string }> => ({ version: '1.0.0' }),
}));

class RuntimeUnavailableError extends Error {
  readonly reason = 'the binary of onnxruntime-node does not load: libstdc++ is missing.';
  readonly remedy = "Choose another engine, for example 'wasm'.";
}

vi.mock('@milestones/jit', () => ({
  RuntimeUnavailableError,
  TRACE_BACKEND: 'milestones-trace',
  runtimeAvailability: () => jit.availability,
  registerOnnxBackend: async () => jit.register(),
}));

afterEach(async () => {
  await tf.setBackend('cpu');
});

describe('the engine onnx', () => {
  it('says how to install ONNX Runtime where it is missing, and auto goes on to wasm', async () => {
    jit.availability = { usable: false, reason: 'onnxruntime-node is not installed.', remedy: 'Install it.' };
    await expect(useBackend('onnx')).rejects.toThrow(
      "useBackend: the engine 'onnx' cannot be used here: onnxruntime-node is not installed. Install it.",
    );
    const engine = await useBackend('auto');
    expect(engine.name).toBe('wasm');
    expect(engine.rejected.at(-1)).toEqual({ name: 'onnx', reason: 'onnxruntime-node is not installed. Install it.' });
  });

  it('says what the dynamic loader lacks', async () => {
    jit.availability = { usable: true, version: '1.30.0' };
    jit.register = async () => {
      throw new RuntimeUnavailableError('…');
    };
    await expect(useBackend('onnx')).rejects.toThrow(/libstdc\+\+ is missing\. Choose another engine/);
  });

  it('passes on an error that it does not know', async () => {
    jit.register = async () => {
      throw new Error('the table of kernels is broken');
    };
    await expect(useBackend('onnx')).rejects.toThrow(/it does not start: the table of kernels is broken\./);
    expect(tf.getBackend()).toBe('cpu');
  });
});
