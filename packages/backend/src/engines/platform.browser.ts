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

  // A literal name: a bundler then puts the package into the bundle where it is installed.
  importWebgpuBackend: () => import('@tensorflow/tfjs-backend-webgpu'),

  installRemedy: (...packageNames) => `Add ${packageNames.join(' and ')} to the page's packages and bundle it again.`,
};
