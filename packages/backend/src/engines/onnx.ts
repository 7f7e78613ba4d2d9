/** The engine `onnx`: ONNX Runtime on the CPU, with training steps compiled to one graph. */
import type * as Jit from '@milestones/jit';
import { installEinsum } from '../repairs/einsum.ts';
import { tf } from '../tf.ts';
import { firstLine, type EngineDefinition } from './engine.ts';

const BACKEND = 'onnx';

let jit: typeof Jit | undefined;

export const onnx: EngineDefinition = {
  name: 'onnx',
  tfjsBackend: BACKEND,
  description: 'ONNX Runtime on the CPU, training steps compiled',
  async load() {
    try {
      jit = await import('@milestones/jit');
    } catch (error) {
      return {
        usable: false,
        reason: `the package @milestones/jit does not load: ${firstLine(error)}`,
        remedy: "Install this program's packages again.",
      };
    }
    const availability = jit.runtimeAvailability();
    if (!availability.usable) return availability;
    try {
      const { version } = await jit.registerOnnxBackend();
      return { usable: true, version };
    } catch (error) {
      if (!(error instanceof jit.RuntimeUnavailableError)) throw error;
      const { reason, remedy } = error;
      return { usable: false, reason, remedy };
    }
  },
  repair() {
    // A step that is being traced meets the same wrong kernel, and its backend has the same kernels.
    for (const backend of [BACKEND, jit!.TRACE_BACKEND]) installEinsum(backend);
  },
};

/** The compiler of the engine in use; nothing if it has none. */
export function stepCompiler(): typeof Jit.compileStep | undefined {
  return tf.engine().backendName === BACKEND ? jit?.compileStep : undefined;
}

/** The copier of the engine in use; nothing if it has none. */
export function valueCopier(): typeof Jit.copyValues | undefined {
  return tf.engine().backendName === BACKEND ? jit?.copyValues : undefined;
}
