import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TensorflowPackage } from '../../src/engines/platform.ts';

/** The packages that this pretended machine has, and whether TensorFlow finds a GPU there. */
const machine = { packages: [] as TensorflowPackage[], hasGpu: false };

vi.mock('../../src/engines/platform.node.ts', async () => {
  const { tf } = await import('../../src/tf.ts');
  return {
    platform: {
      requestedEngine: () => undefined,
      installRemedy: () => 'Install it.',
      provideGpu: async () => ({ usable: false, reason: 'no WebGPU.', remedy: 'None.' }),
      async loadTensorflow(name: TensorflowPackage) {
        if (!machine.packages.includes(name)) return { usable: false, reason: `no ${name}.`, remedy: 'Install it.' };
        const isUsingGpuDevice = machine.hasGpu && name === '@tensorflow/tfjs-node-gpu';
        tf.registerBackend('tensorflow', () =>
          Object.assign(Object.create(tf.findBackend('cpu')), { isUsingGpuDevice }),
        );
        tf.findBackend('tensorflow');
        return { usable: true, version: '4.22.0' };
      },
    },
  };
});

// Which library a process holds is state of the module: every test takes a fresh copy.
beforeEach(() => vi.resetModules());
afterEach(async () => {
  const { tf } = await import('../../src/tf.ts');
  await tf.setBackend('cpu');
  if (tf.findBackend('tensorflow') !== null) tf.removeBackend('tensorflow');
});
const load = async (packages: TensorflowPackage[], hasGpu: boolean) => {
  Object.assign(machine, { packages, hasGpu });
  return import('../../src/engines/use-backend.ts');
};

describe('the engines cuda and native', () => {
  it('uses the GPU package where it finds a GPU', async () => {
    const { useBackend, diagnoseEngines } = await load(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'], true);
    expect(await useBackend('auto')).toEqual({
      name: 'cuda',
      tfjsBackend: 'tensorflow',
      version: '4.22.0',
      rejected: [],
    });
    await expect(useBackend('native')).rejects.toThrow(
      /tfjs-node-gpu is already loaded in this process.*Start a new process with MILESTONES_BACKEND=native\./,
    );
    expect((await diagnoseEngines()).find(({ automatic }) => automatic)?.name).toBe('cuda');
  });

  it('takes the GPU package without a GPU for the engine native', async () => {
    const { useBackend } = await load(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'], false);
    await expect(useBackend('cuda')).rejects.toThrow(
      /it finds no GPU that it can use\. Install an NVIDIA driver, CUDA 11\.2/,
    );
    expect(await useBackend('auto')).toMatchObject({
      name: 'native',
      rejected: [{ name: 'cuda' }, { name: 'webgpu' }],
    });
  });

  it('uses the package for the CPU, and then cannot load the other', async () => {
    const { useBackend } = await load(['@tensorflow/tfjs-node'], false);
    expect(await useBackend('native')).toMatchObject({ name: 'native', rejected: [] });
    expect((await useBackend('auto')).rejected[0]).toEqual({
      name: 'cuda',
      reason: expect.stringMatching(/^@tensorflow\/tfjs-node is already loaded in this process/),
    });
  });

  it('falls to onnx without either', async () => {
    const { useBackend } = await load([], false);
    expect(await useBackend('auto')).toMatchObject({ name: 'onnx' });
  });
});
