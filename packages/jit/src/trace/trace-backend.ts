/**
 * A tfjs backend that computes nothing: each kernel adds nodes to a graph. Data are values of that graph, counted by
 * references as tfjs expects, because `assign` and `clone` share them and `tidy` frees them.
 */
import * as tf from '@tensorflow/tfjs';
import { reshape } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { isTensorDtype, tensorArray, type TensorDtype } from '../graph/tensor-array.ts';
import { sameShape, sizeOf, type GraphArray, type Value } from '../graph/value.ts';
import { kernels } from '../kernels/index.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { randomnessError, randomOperation, TracingError, valueError } from './tracing-error.ts';

/** The backend's name in tfjs's registry. */
export const TRACE_BACKEND = 'milestones-trace';

/** Tensors from outside the step with at most this many values become constants of the graph, larger ones its inputs. */
const LARGEST_CAPTURED_CONSTANT = 1024;

/** Larger tensors than this, made from numbers inside the step, are most likely data that change from step to step. */
const LARGEST_WRITTEN_TENSOR = 1024;

/** A tensor from outside the step that is too large for a constant. */
export interface Captured {
  readonly input: Value;
  readonly values: GraphArray;
}

interface Entry {
  /** Asked for once it is needed: most variables of a program take no part in a step. */
  value: () => Value;
  references: number;
}

/** The parts of tfjs's engine that tracing works on; its own typings keep them private. */
export interface EngineInternals {
  backendName: string;
  backendInstance: tf.KernelBackend;
  state: {
    numTensors: number;
    numBytes: number;
    numDataBuffers: number;
    registeredVariables: Record<string, tf.Variable>;
    tensorInfo: WeakMap<object, { backend: tf.KernelBackend; dtype: string; shape: number[]; bytes: number }>;
    scopeStack: { name: string }[];
  };
  registry: Record<string, tf.KernelBackend>;
  trackTensor(tensor: tf.Tensor, backend: tf.KernelBackend): void;
  makeVariable(initialValue: tf.Tensor): tf.Variable;
  disposeTensor(tensor: tf.Tensor): void;
  disposeVariable(variable: tf.Variable): void;
}

/** tfjs's one engine. */
export function engineInternals(): EngineInternals {
  return tf.engine() as unknown as EngineInternals;
}

/** See the file's head. There is one; while no step is being traced it refuses everything. */
export class TraceBackend extends tf.KernelBackend {
  #graph: Graph | undefined;
  #entries = new Map<object, Entry>();
  #captured = new Map<object, Value>();
  #largeCaptured: Captured[] = [];
  #failure: TracingError | undefined;

  /** Starts over with an empty graph. */
  begin(graph: Graph): void {
    this.#graph = graph;
    this.#entries = new Map();
    this.#captured = new Map();
    this.#largeCaptured = [];
    this.#failure = undefined;
  }

  /** Forgets all data; what tensors are left are of no use. */
  end(): void {
    this.#graph = undefined;
    this.#entries.clear();
    this.#captured.clear();
  }

  /** The large tensors that were captured. */
  get captured(): readonly Captured[] {
    return this.#largeCaptured;
  }

  /** The first failure, also if the step's own code caught it: the graph is then not what the step means. */
  get failure(): TracingError | undefined {
    return this.#failure;
  }

  get graph(): Graph {
    if (this.#graph === undefined) {
      throw new Error(
        'compile: a tensor from inside a compiled step was used after the step had been traced; return it from the step.',
      );
    }
    return this.#graph;
  }

  /** A new data id that stands for `value`. */
  hold(value: Value | (() => Value)): object {
    const dataId = {};
    this.#entries.set(dataId, { value: typeof value === 'function' ? value : () => value, references: 1 });
    return dataId;
  }

  /** A tensor's description whose data are `value`. */
  describe(value: Value): tf.TensorInfo {
    return { dataId: this.hold(value), shape: [...value.shape], dtype: value.dtype as tf.DataType };
  }

  /** The value that a tensor stands for; a tensor from outside the step is captured. */
  valueFor(tensor: tf.TensorInfo): Value {
    const entry = this.#entries.get(tensor.dataId);
    const value = entry === undefined ? this.#capture(tensor) : entry.value();
    // Tensors of one data id may have different shapes: on most engines a reshape shares its input's data.
    return sameShape(value.shape, tensor.shape) ? value : reshape(this.graph, value, tensor.shape);
  }

  /** Whether the step itself made these data. */
  owns(dataId: object): boolean {
    return this.#entries.has(dataId);
  }

  fail(error: TracingError): never {
    this.#failure ??= error;
    throw error;
  }

  override write(values: tf.backend_util.TypedArray, shape: number[], dtype: tf.DataType): object {
    const random = randomOperation(openOperations());
    if (random !== undefined) this.fail(randomnessError(`tf.${random}`));
    const value = this.graph.constant(values as GraphArray, shape, this.#dtypeOf(dtype));
    // What tfjs itself writes inside an operation (tf.eye, indices of a gradient) depends on shapes alone.
    if (value.splat === undefined && value.size > LARGEST_WRITTEN_TENSOR && !isInsideOperation()) {
      this.fail(
        new TracingError(
          'tf.tensor',
          `a tensor of shape [${shape.join(', ')}] was made from numbers inside the step, and would hold the same ` +
            'numbers in every step',
          'pass it as an argument if it changes from step to step, else create it once before the step',
        ),
      );
    }
    return this.hold(value);
  }

  override move(dataId: object, values: tf.backend_util.TypedArray, shape: number[], dtype: tf.DataType): void {
    const value = this.graph.constant(values as GraphArray, shape, this.#dtypeOf(dtype));
    this.#entries.set(dataId, { value: () => value, references: 1 });
  }

  override readSync(dataId: object): tf.backend_util.TypedArray {
    const value = this.#entries.get(dataId)?.value();
    // A constant is known before the graph runs, so code may look at it: the result cannot change from step to step.
    if (value?.data !== undefined) return value.data as tf.backend_util.TypedArray;
    if (this.#graph === undefined) return this.graph as never;
    const operation = openOperations().at(-1);
    return this.fail(valueError(operation === undefined ? undefined : `tf.${operation}`));
  }

  /**
   * Never settles for a value that is not known: a rejection would go unhandled, since a step cannot wait for it. The
   * failure is kept and reported when the step returns.
   */
  override async read(dataId: object): Promise<tf.backend_util.TypedArray> {
    try {
      return this.readSync(dataId);
    } catch {
      return new Promise(() => {});
    }
  }

  override refCount(dataId: object): number {
    return this.#entries.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: object): void {
    const entry = this.#entries.get(dataId);
    if (entry !== undefined) entry.references += 1;
    // A variable was assigned a tensor from outside: its data belong to another engine, which counts for itself.
    else engineInternals().state.tensorInfo.get(dataId)?.backend.incRef(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.#entries.get(dataId);
    if (entry === undefined) return true;
    entry.references -= 1;
    if (entry.references > 0 && !force) return false;
    this.#entries.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}

  /**
   * Takes a tensor from outside into the graph. Its values are read where they are: were they moved here, as tfjs moves
   * data between engines, the program would lose them.
   */
  #capture({ dataId, shape, dtype }: tf.TensorInfo): Value {
    const known = this.#captured.get(dataId);
    if (known !== undefined) return known;
    const type = this.#dtypeOf(dtype);
    const owner = engineInternals().state.tensorInfo.get(dataId)?.backend;
    if (owner === undefined) throw new Error('compile: the step uses a tensor that has been disposed; keep it alive.');
    const values = tensorArray(owner.readSync(dataId), type);
    let value: Value;
    if (sizeOf(shape) <= LARGEST_CAPTURED_CONSTANT) {
      value = this.graph.constant(values, shape, type);
    } else {
      value = this.graph.input(`captured${this.#largeCaptured.length}`, shape, type);
      this.#largeCaptured.push({ input: value, values });
    }
    this.#captured.set(dataId, value);
    return value;
  }

  #dtypeOf(dtype: tf.DataType): TensorDtype {
    if (isTensorDtype(dtype)) return dtype;
    return this.fail(
      new TracingError(
        `a tensor of type ${dtype}`,
        'only float32, int32 and bool can be compiled',
        'keep it out of the step, or run the step uncompiled (call the function itself, inside tf.tidy)',
      ),
    );
  }
}

/** How tfjs ends the name of a scope that an operation opens; also minified code has these names. */
const OPERATION_SCOPE = '__op';

/** The operations of tfjs that are under way, outermost first. */
function openOperations(): string[] {
  return engineInternals().state.scopeStack.flatMap(({ name }) =>
    name.endsWith(OPERATION_SCOPE) ? [name.slice(0, -OPERATION_SCOPE.length)] : [],
  );
}

/** Whether code of tfjs is running, not code of the step. */
function isInsideOperation(): boolean {
  return engineInternals().state.scopeStack.at(-1)?.name.endsWith(OPERATION_SCOPE) === true;
}

/** What `Math.random` does while a step is traced. tfjs's random operations draw their seeds from it. */
export function refuseMathRandom(backend: TraceBackend): never {
  const random = randomOperation(openOperations());
  return backend.fail(randomnessError(random === undefined ? 'Math.random' : `tf.${random}`));
}

let instance: TraceBackend | undefined;

/** The tracing backend; the first call registers it and its kernels. */
export function traceBackend(): TraceBackend {
  if (instance === undefined) {
    const created = new TraceBackend();
    instance = created;
    // There may be two copies of this package; the kernels of one serve both.
    if (tf.findBackendFactory(TRACE_BACKEND) === null) {
      // The lowest priority: tfjs must never choose it by itself.
      tf.registerBackend(TRACE_BACKEND, () => created, -1);
      for (const [name, kernel] of kernels) registerTraceKernel(name, kernel);
    }
  }
  // tf.engine().reset() empties the registry.
  engineInternals().registry[TRACE_BACKEND] ??= instance;
  return instance;
}

function registerTraceKernel(kernelName: string, kernel: Kernel): void {
  tf.registerKernel({
    kernelName,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend: current }) => {
      const backend = current as TraceBackend;
      const values: Record<string, Value> = {};
      for (const [name, tensor] of Object.entries(inputs)) {
        if (tensor !== undefined && tensor !== null) values[name] = backend.valueFor(tensor);
      }
      let made: Value | readonly Value[];
      try {
        made = kernel(backend.graph, values, attrs ?? {});
      } catch (error) {
        // What a kernel refuses is a plain Error; anything else is a mistake in it, and no advice to the user helps.
        if (!(error instanceof Error) || error.constructor !== Error) throw error;
        return backend.fail(
          new TracingError(
            kernelName,
            error.message.replace(/[.;]\s*$/, ''),
            'write the step with other operations, or run it uncompiled (call the function itself, inside tf.tidy)',
            error,
          ),
        );
      }
      return Array.isArray(made)
        ? (made as readonly Value[]).map((value) => backend.describe(value))
        : backend.describe(made as Value);
    },
  });
}
