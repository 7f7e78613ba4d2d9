/** The engine `webgpu`: a GPU through the browser's interface, in Node through the package `webgpu` (Dawn). */
import { platform } from '#engines-platform';
import { tf } from '../tf.ts';
import { firstLine, type EngineDefinition } from './engine.ts';

export const webgpu: EngineDefinition = {
  name: 'webgpu',
  tfjsBackend: 'webgpu',
  description: 'a GPU through WebGPU',
  async load({ explicit }) {
    const gpu = await platform.provideGpu();
    if (!gpu.usable) return gpu;
    // Asked before tfjs is: with no adapter, tfjs fails to start its backend and yet keeps it as the current one.
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) {
      return {
        usable: false,
        reason: 'WebGPU finds no graphics adapter.',
        remedy: "Install the GPU's driver with Vulkan, Metal or Direct3D 12 support, or choose another engine.",
      };
    }
    const simulated = adapter.info?.isFallbackAdapter === true;
    if (simulated && !explicit) {
      return {
        usable: false,
        reason: 'the only graphics adapter is simulated by software, which is slower than the engine wasm.',
        remedy: "Install a GPU driver, or ask for the engine 'webgpu' by name to use the simulation.",
      };
    }
    let version: string = tf.version.tfjs;
    if (tf.engine().registryFactory['webgpu'] === undefined) {
      try {
        version = (await platform.importWebgpuBackend()).version_webgpu ?? version;
      } catch (error) {
        return {
          usable: false,
          reason: `the package @tensorflow/tfjs-backend-webgpu does not load: ${firstLine(error)}`,
          remedy: platform.installRemedy('@tensorflow/tfjs-backend-webgpu'),
        };
      }
    }
    if (!simulated) return { usable: true, version };
    return {
      usable: true,
      version,
      warning: 'the graphics adapter is simulated by software: results are right, but it is very slow.',
    };
  },
};
