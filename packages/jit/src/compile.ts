/**
 * `compileStep`: an ordinary tfjs function becomes one that is traced once per signature of its arguments and then runs as
 * one graph of ONNX Runtime.
 */
import * as tf from '@tensorflow/tfjs';
import { CompiledGraph } from './compiled-graph.ts';
import type { OnnxEngine } from './engine/register.ts';
import { registeredEngine } from './engine/register.ts';
import { isTensorDtype } from './graph/tensor-array.ts';
import type { Value } from './graph/value.ts';
import { estimateMicroseconds } from './passes/estimate.ts';
import { hasCounterWords } from './runtime/counter-words.ts';
import { RuntimeLostError } from './runtime/errors.ts';
import type { HostTensor } from './runtime/runtime.ts';
import { traceStep, type StepResult, type Trace } from './trace/trace.ts';

/**
 * A step that is guessed to take less than this runs on the calling thread: to another thread and back takes a tenth of a
 * millisecond, and the guess is on the safe side.
 */
const INLINE_MICROSECONDS = 1000;

/** How many signatures of arguments a compiled step keeps. */
export const LARGEST_SIGNATURE_COUNT = 16;

/** Settings of {@link compileStep}. */
export interface CompileOptions {
  /** The engine to run on; by default the one that `registerOnnxBackend` made. */
  readonly engine?: OnnxEngine;
  /**
   * How many signatures (shapes and types of all arguments) are kept, {@link LARGEST_SIGNATURE_COUNT} by default. Each is a
   * session with memory of its own. A further one takes the place of that which was not used for longest; were its shapes
   * to come back, the step would be traced again.
   */
  readonly signatures?: number;
  /**
   * Where the step runs: in a thread of its own (`worker`), which leaves the event loop free, or on the calling thread
   * (`inline`). By default inline if it will surely take less than a millisecond. The numbers are the same.
   */
  readonly thread?: 'worker' | 'inline';
}

/** A step after {@link compileStep}. */
export interface CompiledStep<Arguments extends tf.Tensor[], Result extends StepResult> {
  (...args: Arguments): Promise<Result>;
  /** How many signatures are compiled at present. */
  readonly signatureCount: number;
  /** Frees the sessions; variables keep their values. A step that is no longer reachable is freed in the same way. */
  dispose(): Promise<void>;
}

/**
 * Compiles a step. The first call with arguments of given shapes and types records `step` as a graph; that call and later
 * ones run the graph, off the calling thread.
 *
 * The results and the variables are those of `step` itself. Variables that it assigns live in the session from then on;
 * eager code, other compiled steps and checkpoints still read them as ever and get the current values, and may assign them.
 * Values are copied only when they change hands: from one step to another that uses the same variables, or to eager code.
 * The arguments are read at the call and may be disposed of right after it. Calls run one after another in their order,
 * across all compiled steps.
 *
 * @param step a synchronous function of tensors that may read and assign variables; whatever else it reads (JavaScript
 *   numbers, flags such as a training mode, tensors that are no arguments) is recorded as it was in the first call
 * @returns the step as an asynchronous function; its results belong to the caller. What `step` throws, and a
 *   `TracingError` for what no graph can express, become rejections
 */
export function compileStep<Arguments extends tf.Tensor[], Result extends StepResult>(
  step: (...args: Arguments) => Result,
  options: CompileOptions = {},
): CompiledStep<Arguments, Result> {
  const signatures = new Signatures(step as never, options);
  const compiled = async (...args: Arguments): Promise<Result> => (await signatures.call(args)) as Result;
  Object.defineProperty(compiled, 'signatureCount', { get: () => signatures.count });
  Object.defineProperty(compiled, 'dispose', { value: async () => signatures.dispose() });
  unreachable.register(compiled, signatures);
  return compiled as CompiledStep<Arguments, Result>;
}

/** Sessions are not the garbage collector's: steps that a program forgot are freed here. */
const unreachable = new FinalizationRegistry<Signatures>((signatures) => {
  // The runtime may be gone by now; then there is nothing left to free.
  signatures.dispose().catch(() => {});
});

/** Lets one action run at a time; one that finds none before it starts at once, without a turn of the event loop. */
class Turns {
  #last: Promise<unknown> | undefined;

  async take<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.#last === undefined ? action() : this.#last.then(action);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#last = settled;
    void settled.then(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    return result;
  }
}

/** Across all steps: two that share variables must not run at the same time. */
const turns = new Turns();

/** The graphs of one step, by signature. */
class Signatures {
  readonly #step: (...args: never[]) => StepResult;
  readonly #options: CompileOptions;
  /** In the order of use, the latest last. */
  readonly #graphs = new Map<string, CompiledGraph>();
  #disposed = false;

  constructor(step: (...args: never[]) => StepResult, options: CompileOptions) {
    this.#step = step;
    this.#options = options;
  }

  get count(): number {
    return this.#graphs.size;
  }

  async call(args: readonly tf.Tensor[]): Promise<StepResult> {
    if (this.#disposed) throw new Error('compile: this compiled step was disposed; compile the step again.');
    const engine = this.#options.engine ?? registeredEngine();
    const feeds = args.map((tensor, index) => readArgument(engine, tensor, index));
    return turns.take(async () => {
      const key = feeds.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join();
      // Awaited only where there is something to wait for: a known step must see the variables as they are at the call.
      const known = this.#known(key);
      try {
        return await (known ?? (await this.#compile(key, feeds, engine))).run(feeds);
      } catch (error) {
        if (error instanceof RuntimeLostError) engine.forgetRuntime();
        throw error;
      }
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    return turns.take(async () => {
      const graphs = [...this.#graphs.values()];
      this.#graphs.clear();
      for (const graph of graphs) await graph.dispose();
    });
  }

  #known(key: string): CompiledGraph | undefined {
    const graph = this.#graphs.get(key);
    if (graph?.isCurrent !== true) return undefined;
    this.#graphs.delete(key);
    this.#graphs.set(key, graph);
    return graph;
  }

  async #compile(key: string, feeds: readonly HostTensor[], engine: OnnxEngine): Promise<CompiledGraph> {
    const target = await engine.target();
    const draws = target.name !== 'webgpu' && target.without?.includes('drawn numbers') !== true && hasCounterWords();
    const trace = traceStep(this.#step, feeds, target, { draws });
    const isShort = estimateMicroseconds(outputsOf(trace)) < INLINE_MICROSECONDS;
    const runtime = await engine.runtime(this.#options.thread ?? (isShort ? 'inline' : 'worker'));
    const graph = await CompiledGraph.create(trace, runtime, engine.backend);
    const outdated = this.#graphs.get(key);
    this.#graphs.delete(key);
    this.#graphs.set(key, graph);
    await outdated?.dispose();
    const limit = this.#options.signatures ?? LARGEST_SIGNATURE_COUNT;
    while (this.#graphs.size > limit) {
      const [oldest, evicted] = this.#graphs.entries().next().value!;
      this.#graphs.delete(oldest);
      await evicted.dispose();
    }
    return graph;
  }
}

/** All that a run of the step computes. */
function outputsOf({ results, variables }: Trace): Value[] {
  return [...results.map(({ value }) => value), ...variables.flatMap(({ after }) => after ?? [])];
}

function readArgument(engine: OnnxEngine, tensor: tf.Tensor, index: number): HostTensor {
  if (!(tensor instanceof tf.Tensor)) {
    throw new TypeError(
      `compile: argument ${index} of the step is ${tensor === null ? 'null' : `a ${typeof tensor}`}; ` +
        'pass a tensor, for example tf.scalar(0.1).',
    );
  }
  const { dtype, shape } = tensor;
  if (!isTensorDtype(dtype)) {
    throw new TypeError(
      `compile: argument ${index} of the step is a tensor of type ${dtype}; pass float32, int32 or bool.`,
    );
  }
  if (tensor.isDisposed) throw new Error(`compile: argument ${index} of the step is disposed; pass it before that.`);
  return { dtype, shape, data: engine.backend.dataOf(tensor.dataId).array(dtype) };
}
