/**
 * Records a step as a graph: the step runs once on the tracing backend, with symbolic arguments and variables, and
 * gradients come from tfjs's own tape. Whatever happens in between, tfjs is afterwards as it was before.
 */
import * as tf from '@tensorflow/tfjs';
import { Graph } from '../graph/graph.ts';
import type { Target } from '../graph/target.ts';
import { isTensorDtype } from '../graph/tensor-array.ts';
import type { GraphDtype, Value } from '../graph/value.ts';
import { withLongStacks } from './place.ts';
import {
  engineInternals,
  refuseMathRandom,
  TRACE_BACKEND,
  traceBackend,
  type Captured,
  type EngineInternals,
  type TraceBackend,
} from './trace-backend.ts';
import { missingKernelError, TracingError } from './tracing-error.ts';

/** What a step may return: one tensor, or tensors by name. */
export type StepResult = tf.Tensor | Record<string, tf.Tensor>;

/** An argument as far as tracing looks at it. */
export interface ArgumentSignature {
  readonly shape: readonly number[];
  readonly dtype: GraphDtype;
}

/** A variable that the step read or assigned. */
export interface TracedVariable {
  readonly variable: tf.Variable;
  /** Its value before the step; undefined if the step did not read it. */
  readonly before: Value | undefined;
  /** Its value after the step; undefined if the step did not assign it. */
  readonly after: Value | undefined;
}

/** A result of the step. */
export interface TracedResult {
  /** Undefined where the step returns a single tensor. */
  readonly name: string | undefined;
  readonly value: Value;
}

/** A step as a graph. */
export interface Trace {
  readonly graph: Graph;
  /** One input per argument, in order. */
  readonly inputs: readonly Value[];
  readonly variables: readonly TracedVariable[];
  readonly captured: readonly Captured[];
  readonly results: readonly TracedResult[];
}

/** Options of {@link traceStep}. */
export interface TraceOptions {
  /** Default false. */
  readonly draws?: boolean;
}

/**
 * Records `step`.
 *
 * @param step a synchronous function of tensors
 * @param signature shape and type of each argument
 * @param target what the graph will run on
 * @param options whether whoever runs the graph draws random numbers beside it (`graph.drawn`)
 * @throws TracingError for what no graph can express, and whatever `step` throws
 */
export function traceStep(
  step: (...args: never[]) => StepResult,
  signature: readonly ArgumentSignature[],
  target: Target,
  { draws = false }: TraceOptions = {},
): Trace {
  const backend = traceBackend();
  const engine = engineInternals();
  if (engine.backendName === TRACE_BACKEND) {
    throw new Error('compile: a compiled step was called inside another one; call the plain function there.');
  }
  const graph = new Graph(target);
  backend.begin(graph);
  const variables = new SwappedVariables(engine, backend, graph);
  const restore = enter(engine, backend);
  try {
    return withLongStacks(() => record(step, signature, { graph, backend, variables, draws }));
  } finally {
    variables.restore();
    restore();
    backend.end();
  }
}

interface Recording {
  draws: boolean;
  graph: Graph;
  backend: TraceBackend;
  variables: SwappedVariables;
}

function record(
  step: (...args: never[]) => StepResult,
  signature: readonly ArgumentSignature[],
  { graph, backend, variables, draws }: Recording,
): Trace {
  const inputs = signature.map(({ shape, dtype }, index) => graph.input(`argument${index}`, shape, dtype));
  if (draws) for (const input of inputs) graph.keys.add(input);
  const args = inputs.map((input) => tf.engine().makeTensorFromTensorInfo(backend.describe(input)));
  let result: unknown;
  try {
    result = step(...(args as never[]));
  } catch (error) {
    // The first failure is the cause of those that follow it.
    throw backend.failure ?? explain(error);
  }
  if (backend.failure !== undefined) throw backend.failure;
  const results = resultsOf(result).map(({ name, tensor }) => ({ name, value: backend.valueFor(tensor) }));
  return { graph, inputs, variables: variables.collect(), captured: backend.captured, results };
}

function resultsOf(result: unknown): { name: string | undefined; tensor: tf.Tensor }[] {
  if (result instanceof Promise) {
    result.catch(() => {}); // It is refused here; nobody will wait for it.
    throw new TypeError(
      'compile: the step returned a promise; make it a synchronous function, and read values after it has run.',
    );
  }
  if (result instanceof tf.Tensor) return [{ name: undefined, tensor: result }];
  const isRecord = typeof result === 'object' && result !== null && !Array.isArray(result);
  const named = isRecord ? Object.entries(result as Record<string, unknown>) : [];
  if (!isRecord || !named.every(([, tensor]) => tensor instanceof tf.Tensor)) {
    throw new TypeError(
      `compile: the step returned ${describe(result)}; return a tensor, or an object whose properties are all tensors.`,
    );
  }
  return named.map(([name, tensor]) => ({ name, tensor: tensor as tf.Tensor }));
}

function describe(result: unknown): string {
  if (Array.isArray(result)) return 'an array';
  if (typeof result !== 'object' || result === null) return String(result);
  const other = Object.entries(result).find(([, value]) => !(value instanceof tf.Tensor));
  return other === undefined ? 'an object' : `an object whose '${other[0]}' is no tensor`;
}

/** tfjs refuses a kernel that is not registered before it asks the backend; only its message says which. */
function explain(error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  const kernelName = /^(?:Kernel|Cannot find registered kernel) '(\w+)'.*'milestones-trace'/s.exec(message)?.[1];
  return kernelName === undefined ? error : missingKernelError(kernelName, error as Error);
}

/** Makes the tracing backend tfjs's current one. Returns what undoes everything. */
function enter(engine: EngineInternals, backend: TraceBackend): () => void {
  const { backendName, backendInstance } = engine;
  const { random } = Math;
  const made: tf.Tensor[] = [];
  const { trackTensor } = engine;
  // Also tensors that the step keeps (tf.keep) must not outlive the graph that their data belong to.
  engine.trackTensor = (tensor, owner) => {
    made.push(tensor);
    trackTensor.call(engine, tensor, owner);
  };
  engine.makeVariable = ({ shape }) =>
    backend.fail(
      new TracingError(
        'tf.variable',
        `a variable of shape [${shape.join(', ')}] was created inside the step`,
        'create variables, also the state of optimizers, before the step is first called',
      ),
    );
  engine.disposeVariable = ({ name }) =>
    backend.fail(
      new TracingError('dispose', `the variable '${name}' was disposed of inside the step`, 'do it outside of steps'),
    );
  // Not tf.setBackend, which sets up every kernel of the backend anew when it returns to it.
  engine.backendName = TRACE_BACKEND;
  engine.backendInstance = backend;
  Math.random = () => refuseMathRandom(backend);
  tf.engine().startScope('compiled step');
  return () => {
    tf.engine().endScope();
    for (const tensor of made) {
      if (!tensor.isDisposed && backend.owns(tensor.dataId)) tensor.dispose();
    }
    Math.random = random;
    // What was set on the engine hid the methods of its class.
    for (const method of ['trackTensor', 'makeVariable', 'disposeVariable']) Reflect.deleteProperty(engine, method);
    engine.backendName = backendName;
    engine.backendInstance = backendInstance;
  };
}

/** A variable whose data are symbolic while the step is being traced. */
interface Swap {
  readonly variable: tf.Variable;
  /** Its own data. */
  readonly dataId: object;
  /** The data that stand for its value before the step. */
  readonly placeholder: object;
  before: Value | undefined;
}

/**
 * All variables of the program with symbolic data in place of their own: `assign` frees what a variable held, and that
 * must not be its values.
 */
class SwappedVariables {
  readonly #engine: EngineInternals;
  readonly #backend: TraceBackend;
  readonly #swaps: Swap[] = [];

  constructor(engine: EngineInternals, backend: TraceBackend, graph: Graph) {
    this.#engine = engine;
    this.#backend = backend;
    for (const variable of Object.values(engine.state.registeredVariables)) {
      const { dtype, shape, dataId } = variable;
      if (!isTensorDtype(dtype)) continue;
      const index = this.#swaps.length;
      // Asked for when it is first used: a program may have thousands of variables that the step does not know.
      const value = (): Value => (swap.before ??= graph.input(`variable${index}`, shape, dtype));
      const swap: Swap = { variable, dataId, placeholder: backend.hold(value), before: undefined };
      this.#swaps.push(swap);
      engine.state.tensorInfo.set(swap.placeholder, { backend, dtype, shape, bytes: 0 });
      engine.state.numDataBuffers += 1;
      setDataId(variable, swap.placeholder);
    }
  }

  /** The variables that the step touched. */
  collect(): TracedVariable[] {
    return this.#swaps.flatMap((swap) => {
      const { variable, placeholder } = swap;
      const after = variable.dataId === placeholder ? undefined : this.#backend.valueFor(variable);
      if (after === undefined && swap.before === undefined) return [];
      return [{ variable, before: swap.before, after: after === swap.before ? undefined : after }];
    });
  }

  /** Gives the variables their own data back. */
  restore(): void {
    const { state } = this.#engine;
    for (const { variable, dataId } of this.#swaps) {
      // tfjs counts a variable's tensor whatever data it holds: take it out with the one, put it back with the other.
      this.#engine.disposeTensor(variable);
      setDataId(variable, dataId);
      state.numTensors += 1;
      state.numBytes += variable.size * tf.util.bytesPerElement(variable.dtype);
    }
  }
}

function setDataId(variable: tf.Variable, dataId: object): void {
  (variable as { dataId: object }).dataId = dataId;
}
