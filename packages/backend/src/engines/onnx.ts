import type { EngineDefinition } from './engine.ts';

/** The engine `onnx`: training steps compiled to graphs of ONNX Runtime. Its place in the order is kept for it. */
export const onnx: EngineDefinition = {
  name: 'onnx',
  tfjsBackend: 'onnx',
  description: 'compiled training steps on ONNX Runtime',
  load: async () => ({
    usable: false,
    reason: 'this engine is not part of this version; it arrives in a later one.',
    remedy: "Choose another engine, for example 'wasm'.",
  }),
};
