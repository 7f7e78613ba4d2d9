import { firstLine } from './engine.ts';
import type { EnginesPlatform } from './platform.ts';

/** In a browser: no environment variables, no TensorFlow library, and a GPU only if the browser offers one. */
export const platform: EnginesPlatform = {
  requestedEngine: () => undefined,

  loadTensorflow: async (packageName) => ({
    usable: false,
    reason: `${packageName} runs in Node only, and this is a browser.`,
    remedy: "Choose 'webgpu', 'wasm' or 'cpu'.",
  }),

  provideGpu: async () =>
    globalThis.navigator?.gpu
      ? { usable: true }
      : {
          usable: false,
          reason: 'this browser offers no WebGPU (navigator.gpu is missing).',
          remedy: "Use a browser with WebGPU, over https or on localhost, or choose 'wasm'.",
        },

  // A literal name: a bundler then puts the package into the bundle where it is installed. Inside `try`, because esbuild
  // and webpack refuse to bundle a page without the package otherwise.
  async importWebgpuBackend() {
    try {
      return await import('@tensorflow/tfjs-backend-webgpu');
    } catch (error) {
      throw new Error(`the package @tensorflow/tfjs-backend-webgpu is not in this page: ${firstLine(error)}`, {
        cause: error,
      });
    }
  },

  installRemedy: (...packageNames) => `Add ${packageNames.join(' and ')} to the page's packages and bundle it again.`,
};
