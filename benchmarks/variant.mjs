/**
 * Ways of running a workload on the engine `onnx` with something left out.
 *
 * @typedef {object} Variant
 * @property {'cpu'} [target] standard operations only, in place of the blocked layout that the machine has
 * @property {string[]} [without] optimizations of the compiler to leave out (`Optimization` in `@milestones/jit`)
 * @property {boolean} [composed] operations that core asks for in one piece are composed of tfjs's
 * @property {'worker' | 'inline'} [thread] where the graph runs
 * @property {number} [threads] threads inside an operation
 * @property {'run' | 'always' | 'never'} [spinning] whether idle threads spin
 * @property {boolean} [eager] no graph: operations run one at a time
 */
import { compileStep, probeBlockedLayout, registerOnnxBackend, TRACE_BACKEND } from '../packages/jit/dist/index.js';
import { compile, tf } from './packages.mjs';

/** Registers the engine as the variant wants it; to be called before `useBackend`. @returns what takes the place of `compile` */
export async function compileVariant(/** @type {Variant} */ variant) {
  const { target, without, composed, eager } = variant;
  const runtime = Object.fromEntries(
    ['thread', 'threads', 'spinning']
      .filter((name) => variant[name] !== undefined)
      .map((name) => [name, variant[name]]),
  );
  if (target !== undefined || without !== undefined || Object.keys(runtime).length > 0) {
    const chosen = target === 'cpu' ? { name: 'cpu', block: 0 } : await probeBlockedLayout();
    await registerOnnxBackend({ target: { ...chosen, ...(without !== undefined && { without }) }, runtime });
  }
  if (eager === true) {
    return (step) =>
      async (...tensors) =>
        tf.tidy(() => step(...tensors));
  }
  if (composed !== true) return compile;
  return (step) => {
    const compiled = compile(step);
    let ready;
    return async (...tensors) => {
      await (ready ??= leaveOutFusedKernels());
      return compiled(...tensors);
    };
  };
}

async function leaveOutFusedKernels() {
  // The kernels for tracing are registered with the first trace.
  (await compileStep(() => tf.scalar(0))()).dispose();
  for (const backend of [TRACE_BACKEND, 'onnx']) {
    for (const { kernelName } of tf.getKernelsForBackend(backend)) {
      // Random numbers have no composed form.
      const isFused = kernelName.startsWith('Milestones') && kernelName !== 'MilestonesCounterRandom';
      if (isFused) tf.unregisterKernel(kernelName, backend);
    }
  }
}
