/**
 * What runs a model: ONNX Runtime, in a thread of its own. `createRuntime` comes from `#runtime`, which package.json maps to
 * Node's or to a browser's side; the types below are the same on both.
 */
import type { GraphArray, GraphDtype } from '../graph/value.ts';

/** A tensor in memory that JavaScript reads and writes. */
export interface HostTensor {
  readonly dtype: GraphDtype;
  readonly shape: readonly number[];
  readonly data: GraphArray;
}

/** A tensor that is written where the run will read it. */
export interface FilledTensor extends Omit<HostTensor, 'data'> {
  fill(array: GraphArray): void;
}

/** What a run is given: values to be copied, or a function that makes them. */
export type Feed = HostTensor | FilledTensor;

/** An input or an output of a model. An axis without a fixed size has a name instead. */
export interface TensorDescription {
  readonly name: string;
  readonly dtype: GraphDtype;
  readonly shape: readonly (number | string)[];
}

/** A tensor that stays in the session from run to run, as weights do. */
export interface StateSlot {
  /** The model's input that receives its value; the model may lack it if it never reads it. */
  readonly input: string;
  /** The model's output that is its next value. Left out: the model only reads it. */
  readonly output?: string;
  /**
   * Set for a state that is a part of another one, and changes with it: the other's input, and how many of the other's
   * values come before it. Part and whole have one element type; a part has no output of its own.
   */
  readonly inside?: { readonly input: string; readonly offset: number };
  readonly initial: HostTensor;
}

/** How ONNX Runtime runs the sessions of a runtime. */
export interface ExecutionOptions {
  /** Threads inside one operation; by default one for each physical core. */
  readonly threads?: number;
  /**
   * Whether idle threads spin while they wait for the next operation of a run. `run` (default): for some microseconds
   * while a run lasts, and not between runs, so that neither sessions side by side nor other programs lose the processor.
   * `always`: for as long as ONNX Runtime would, on a machine that does nothing else. `never`: threads sleep at once.
   */
  readonly spinning?: 'run' | 'always' | 'never';
  /** How far ONNX Runtime rewrites the graph; `all` by default. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /**
   * Options handed to ONNX Runtime as they are, over those above; for measurements. Beware of
   * `session.set_denormal_as_zero`: it holds for the thread that creates the first session of the process, and takes
   * its smallest numbers from JavaScript there; elsewhere for some threads of a session and not for others, so that
   * results differ from run to run.
   */
  readonly sessionOptions?: Readonly<Record<string, unknown>>;
}

/** What computes: the processor, or a GPU through WebGPU, where state stays from run to run. */
export type ExecutionProvider = 'cpu' | 'webgpu';

/** Options of `createRuntime`. */
export interface RuntimeOptions extends ExecutionOptions {
  /** `cpu` by default. `webgpu` throws a `RuntimeUnavailableError` where there is no adapter. */
  readonly provider?: ExecutionProvider;
  /**
   * `worker` (default): runs do not block the event loop; a run costs about 0.1 ms more. `inline`: on the calling thread,
   * for graphs that take less than a millisecond. The numbers are the same.
   */
  readonly thread?: 'worker' | 'inline';
}

/** Options of `createSession`. */
export interface SessionOptions extends ExecutionOptions {
  readonly state?: readonly StateSlot[];
  /** Nodes of the model that the processor runs though the GPU could, by name; see `emitModel`. */
  readonly hostNodes?: readonly string[];
}

/** A model that is ready to run. */
export interface GraphSession {
  /** What a run must be given: the model's inputs that are not state. */
  readonly feeds: readonly TensorDescription[];
  /** What a run returns: the model's outputs that are not state. */
  readonly results: readonly TensorDescription[];
  /**
   * Runs the model once and puts the new state in the place of the old. The feeds are copied before it returns. Runs of
   * one session follow each other in the order of the calls. After an error of a run the state is the one before it.
   */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, HostTensor>>;
  /** The same at once; only on a runtime with `thread: 'inline'`. */
  runSync?(feeds: Readonly<Record<string, Feed>>): Record<string, HostTensor>;
  /**
   * A copy of a state's current value, by its input's name. During a run it waits for the end of the run.
   *
   * @param into where to put it; by default a new array
   */
  readState(input: string, into?: GraphArray): GraphArray;
  /**
   * Replaces a state's current value. During a run it waits for the end of the run.
   *
   * @param value the values, or a function that writes all of them into the session's own array, which saves a copy
   */
  writeState(input: string, value: GraphArray | ((place: GraphArray) => void)): void;
  /** Waits for the runs that were asked for, and returns the memory. */
  dispose(): Promise<void>;
}

/**
 * ONNX Runtime, ready to create sessions.
 *
 * The worker does not keep the process alive, a run that has not ended does. An exception or an exit in the worker makes
 * pending and later runs reject with a {@link RuntimeLostError}; a native crash (`abort`, a segmentation fault) ends the
 * process as it would without a worker, because threads share it.
 */
export interface Runtime {
  /** Version of ONNX Runtime. */
  readonly version: string;
  readonly thread: 'worker' | 'inline';
  readonly provider: ExecutionProvider;
  createSession(model: Uint8Array, options?: SessionOptions): Promise<GraphSession>;
  /** Disposes of every session and ends the worker. */
  dispose(): Promise<void>;
}

/** A model that runs on the calling thread and keeps nothing between runs. */
export interface SyncSession {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Inputs are read where they are; the results are new arrays. */
  run(feeds: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>;
  dispose(): void;
}

/** ONNX Runtime on the calling thread, for operations that run one at a time. */
export interface SyncRuntime {
  readonly version: string;
  createSession(model: Uint8Array, options?: ExecutionOptions): SyncSession;
  /** Disposes of every session. */
  dispose(): void;
}

/** Whether ONNX Runtime can be used here, and if not, what to do. */
export type RuntimeAvailability =
  | { readonly usable: true; readonly version: string }
  | { readonly usable: false; readonly reason: string; readonly remedy: string };
