/** The engine `wasm`: WebAssembly kernels, in Node and in every browser. */
import type * as WasmBackend from '@tensorflow/tfjs-backend-wasm';
import { installWasmRepairs } from '../repairs/index.ts';
import { tf } from '../tf.ts';
import { firstLine, type EngineDefinition } from './engine.ts';

export const wasm: EngineDefinition = {
  name: 'wasm',
  tfjsBackend: 'wasm',
  description: 'WebAssembly on one CPU core',
  async load({ wasmPaths }) {
    let backend: typeof WasmBackend;
    try {
      backend = await import('@tensorflow/tfjs-backend-wasm');
    } catch (error) {
      return {
        usable: false,
        reason: `the package @tensorflow/tfjs-backend-wasm does not load: ${firstLine(error)}`,
        remedy: "Install this program's packages again.",
      };
    }
    if (tf.engine().registry['wasm'] === undefined) {
      // On a cross-origin-isolated page the threaded build waits for ever if the bundle is minified.
      tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
      try {
        if (wasmPaths !== undefined) backend.setWasmPaths(wasmPaths);
      } catch {
        // tfjs takes addresses until its first attempt to start, also if that failed.
        return {
          usable: false,
          reason:
            'its files were looked for at other addresses before, and tfjs accepts new ones only before the first try.',
          remedy: 'Start the program again, in a browser reload the page, and pass the right wasmPaths at once.',
        };
      }
    }
    return { usable: true, version: backend.version_wasm };
  },
  repair: installWasmRepairs,
};
