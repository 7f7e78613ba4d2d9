/** The engines on TensorFlow's C library: `cuda` (tfjs-node-gpu) and `native` (tfjs-node). */
import { platform } from '#engines-platform';
import { tf } from '../tf.ts';
import type { EngineAvailability, EngineDefinition } from './engine.ts';
import type { TensorflowPackage } from './platform.ts';

interface LoadedLibrary {
  packageName: TensorflowPackage;
  version: string;
  usesGpu: boolean;
}

/** The package that this process has loaded. Both register the same tfjs backend, so there can be only one. */
let loaded: LoadedLibrary | undefined;

async function load(packageName: TensorflowPackage): Promise<EngineAvailability | LoadedLibrary> {
  if (loaded !== undefined) return loaded;
  const result = await platform.loadTensorflow(packageName);
  if (!result.usable) return result;
  const backend = tf.findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
  loaded = { packageName, version: result.version, usesGpu: backend?.isUsingGpuDevice === true };
  return loaded;
}

function alreadyLoaded(packageName: TensorflowPackage, name: string): EngineAvailability {
  return {
    usable: false,
    reason: `${packageName} is already loaded in this process, and a process can hold only one TensorFlow library.`,
    remedy: `Start a new process with MILESTONES_BACKEND=${name}.`,
  };
}

export const cuda: EngineDefinition = {
  name: 'cuda',
  tfjsBackend: 'tensorflow',
  description: "TensorFlow's C library on an NVIDIA GPU",
  async load() {
    const result = await load('@tensorflow/tfjs-node-gpu');
    if ('usable' in result) return result;
    if (result.packageName !== '@tensorflow/tfjs-node-gpu') return alreadyLoaded(result.packageName, 'cuda');
    if (result.usesGpu) return { usable: true, version: result.version };
    return {
      usable: false,
      reason: 'TensorFlow loads, but it finds no GPU that it can use.',
      remedy: 'Install an NVIDIA driver, CUDA 11.2 and cuDNN 8.1, and put their libraries on the library path.',
    };
  },
};

export const native: EngineDefinition = {
  name: 'native',
  tfjsBackend: 'tensorflow',
  description: "TensorFlow's C library on the CPU",
  async load() {
    const result = await load('@tensorflow/tfjs-node');
    if ('usable' in result) return result;
    // The GPU package without a GPU is the same library: it runs on the CPU.
    if (result.usesGpu) return alreadyLoaded(result.packageName, 'native');
    return { usable: true, version: result.version };
  },
};
