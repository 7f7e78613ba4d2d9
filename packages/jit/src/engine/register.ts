/**
 * The engine `onnx`: registers the tfjs backend and its kernels.
 *
 * A kernel of the table runs on ONNX Runtime, one at a time and on the calling thread; every other kernel that tfjs's cpu
 * engine has runs there, on the same arrays. Small inputs go to the cpu kernels as well: starting ONNX Runtime costs about
 * as much as a thousand additions in JavaScript, and a model for every shape that ever occurs would cost far more.
 */
import * as tf from '@tensorflow/tfjs';
import { createRuntime, createSyncRuntime, probeBlockedLayout, requestedProvider } from '#runtime';
import { plainCpu, webgpu, type Target } from '../graph/target.ts';
import { isTensorDtype, type TensorDtype } from '../graph/tensor-array.ts';
import { sizeOf } from '../graph/value.ts';
import { kernels } from '../kernels/index.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { ExecutionProvider, Runtime, RuntimeOptions } from '../runtime/runtime.ts';
import { KernelNotBuilt, KernelSessions, type KernelOutput } from './kernel-sessions.ts';
import { OnnxBackend } from './onnx-backend.ts';

/** The backend's name in tfjs's registry. */
export const ONNX_BACKEND = 'onnx';

/** Inputs of together at most this many values go to a cpu kernel where there is one. */
const LARGEST_CPU_INPUT = 1024;

/** Settings of {@link registerOnnxBackend}. */
export interface OnnxEngineOptions {
  /** What graphs are built for; by default what a probe finds to be fastest on this machine. */
  readonly target?: Target;
  /**
   * How compiled steps run. By default they run on the processor, in a worker, or on a GPU if the environment variable
   * `MILESTONES_ONNX_PROVIDER` is `webgpu`. Single operations always run on the processor.
   */
  readonly runtime?: RuntimeOptions;
  /** Kernels whose inputs have together at most this many values run on the cpu kernels. 1024 by default. */
  readonly largestCpuInput?: number;
}

/** The engine after it was registered. */
export interface OnnxEngine {
  /** The version of ONNX Runtime. */
  readonly version: string;
  /** What compiled steps run on. */
  readonly provider: ExecutionProvider;
  /** @hidden The tfjs backend: where the data of tensors are. */
  readonly backend: OnnxBackend;
  /** @hidden Runs kernels one at a time. */
  readonly kernelSessions: KernelSessions;
  /** What compiled steps are built for. */
  target(): Promise<Target>;
  /**
   * Runs compiled steps, in a thread of its own unless `inline` is asked for; started when it is first asked for.
   */
  runtime(thread?: 'worker' | 'inline'): Promise<Runtime>;
  /** Makes the next step start a new runtime, because the present one's thread has ended. */
  forgetRuntime(): void;
}

let registration: Promise<OnnxEngine> | undefined;
let registered: OnnxEngine | undefined;

/**
 * Registers the tfjs backend `onnx`; `tf.setBackend('onnx')` then switches to it. A second call returns the same engine.
 *
 * @throws RuntimeUnavailableError if ONNX Runtime is not installed, does not load, or finds no GPU where one was asked
 *   for, with the reason and the remedy
 */
export async function registerOnnxBackend(options: OnnxEngineOptions = {}): Promise<OnnxEngine> {
  registration ??= register(options).catch((error: unknown) => {
    registration = undefined; // What is missing may be there at the next try.
    throw error;
  });
  return registration;
}

/** The engine, for those who run only after it was registered. */
export function registeredEngine(): OnnxEngine {
  if (registered === undefined) {
    throw new Error(
      "compileStep: the engine is not there yet; await registerOnnxBackend() or useBackend('onnx') first.",
    );
  }
  return registered;
}

async function register(options: OnnxEngineOptions): Promise<OnnxEngine> {
  const present = tf.findBackend(ONNX_BACKEND) as OnnxBackend | null;
  if (present?.engine !== undefined) return (registered = present.engine);
  const syncRuntime = createSyncRuntime();
  const { provider = requestedProvider() } = options.runtime ?? {};
  const target = options.target ?? (provider === 'webgpu' ? webgpu : undefined);
  const backend = new OnnxBackend();
  // Not the probed target, which takes some tenths of a second to find: single kernels cannot wait for it.
  const kernelSessions = new KernelSessions(syncRuntime, options.target ?? plainCpu);
  const runtimes: Partial<Record<'worker' | 'inline', Promise<Runtime>>> = {};
  const engine: OnnxEngine = {
    provider,
    version: syncRuntime.version,
    backend,
    kernelSessions,
    target: async () => target ?? probeBlockedLayout(),
    runtime: async (wanted = 'worker') => {
      // What waits for a GPU does not wait on the calling thread, unless a program insists.
      const thread = options.runtime?.thread ?? (provider === 'webgpu' ? 'worker' : wanted);
      runtimes[thread] ??= createRuntime({ ...options.runtime, thread, provider }).catch((error: unknown) => {
        delete runtimes[thread];
        throw error;
      });
      return runtimes[thread];
    },
    forgetRuntime: () => {
      delete runtimes.worker;
    },
  };
  // Whether there is a GPU shows only when it is asked for, and then the choice of an engine must know it.
  if (provider === 'webgpu') await engine.runtime();
  registered = engine;
  backend.engine = engine;
  tf.registerBackend(ONNX_BACKEND, () => backend, 0);
  registerKernels(backend, kernelSessions, options.largestCpuInput ?? LARGEST_CPU_INPUT);
  return registered;
}

function registerKernels(backend: OnnxBackend, sessions: KernelSessions, largestCpuInput: number): void {
  for (const [kernelName, kernel] of kernels) {
    tf.registerKernel({
      kernelName,
      backendName: ONNX_BACKEND,
      kernelFunc: ({ inputs, attrs }) => runKernel(kernelName, kernel, inputs, attrs ?? {}),
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (kernels.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: ONNX_BACKEND,
      // Looked up at each call: a kernel of the cpu engine may have been repaired since.
      kernelFunc: (parameters) => tf.getKernel(kernelName, 'cpu').kernelFunc(parameters),
    });
  }

  function runKernel(
    name: string,
    kernel: Kernel,
    inputs: tf.NamedTensorInfoMap,
    attrs: Record<string, unknown>,
  ): tf.TensorInfo | tf.TensorInfo[] {
    const given: Record<string, tf.TensorInfo> = {};
    let size = 0;
    let isNumeric = true;
    for (const [input, tensor] of Object.entries(inputs)) {
      if (tensor === undefined || tensor === null) continue;
      given[input] = tensor;
      size += sizeOf(tensor.shape);
      isNumeric &&= isTensorDtype(tensor.dtype);
    }
    const onCpu = tf.getKernel(name, 'cpu');
    const runOnCpu = (): tf.TensorInfo | tf.TensorInfo[] =>
      onCpu.kernelFunc({ inputs, attrs: attrs as tf.NamedAttrMap, backend });
    if (onCpu !== undefined && (!isNumeric || size <= largestCpuInput)) return runOnCpu();
    let outputs: KernelOutput | KernelOutput[];
    try {
      outputs = sessions.run(name, kernel, given, attrs, ({ dataId, dtype }) =>
        backend.dataOf(dataId).array(dtype as TensorDtype),
      );
    } catch (error) {
      // The cpu kernel says which index is out of range; ONNX Runtime says so in its own numbers.
      const isAboutIndex = error instanceof Error && /indices? .*(out of|bounds)/i.test(error.message);
      if ((error instanceof KernelNotBuilt || isAboutIndex) && onCpu !== undefined) return runOnCpu();
      throw error;
    }
    const toTensor = (output: KernelOutput): tf.TensorInfo => {
      const { shape, dtype } = output;
      return { dataId: dataIdOf(output, given), shape, dtype: dtype as tf.DataType };
    };
    return Array.isArray(outputs) ? outputs.map(toTensor) : toTensor(outputs);
  }

  function dataIdOf(output: KernelOutput, given: Record<string, tf.TensorInfo>): object {
    if ('data' in output) {
      return backend.write(output.data as tf.backend_util.TypedArray, output.shape, output.dtype as tf.DataType);
    }
    const { dataId } = given[output.input]!;
    backend.incRef(dataId);
    return dataId;
  }
}
