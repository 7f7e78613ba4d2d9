/**
 * The side that calls ONNX Runtime, in a worker or on the main thread.
 *
 * `createHost` uses nothing from outside itself but JavaScript: its source text is what the worker runs. A worker file of
 * its own would have to be found by every bundler, and could not be TypeScript on every Node that we support.
 *
 * Facts of onnxruntime-node 1.30 that the code rests on (each has a test):
 * - `run` reads a feed from any object with `dims`, `type`, `location` and `data`, and writes into preallocated outputs.
 * - It then builds a result tensor for each output and copies the values once more. For the state of a training step this
 *   is slower than the ping-pong is fast. A tensor constructor that throws stops it after the first, when all is computed.
 * - Node 20 does not accept shared memory, so feeds and results wander between the threads by transfer: nothing is copied
 *   either. The state stays here. Sent back and forth with each run, the bytes that come and go make V8 believe that its
 *   heap has grown: it then collects garbage without end, on threads that the run needs (a GAN's step took 24 ms, not 10).
 */
import type { GraphDtype } from '../graph/value.ts';

/** A tensor's place in a buffer. */
export interface Place {
  readonly name: string;
  readonly dtype: GraphDtype;
  readonly shape: readonly number[];
  readonly offset: number;
}

/** A state's place: both in the set that is read and in the one that is written. */
export interface StatePlace extends Omit<Place, 'name'> {
  readonly input: string;
  readonly output: string | undefined;
  /** Whether its values change: then they are in the sets, else in `fixed`. */
  readonly moves: boolean;
}

/**
 * The memory of a run, which is lent to the host and comes back: the run reads `feeds` and writes `results`. Without
 * `results` the host returns the results itself.
 */
export interface RunBuffers {
  readonly feeds: ArrayBuffer;
  readonly results: ArrayBuffer | undefined;
}

/**
 * The memory of a session's state: a run reads `fixed` and `current` and writes `next`, which is then the current one. The
 * host keeps it from run to run, until it is taken.
 */
export interface StateBuffers {
  readonly fixed: ArrayBuffer;
  readonly current: ArrayBuffer;
  readonly next: ArrayBuffer;
  /** Inputs whose values were written since the host gave the state away; undefined: it never had it. */
  readonly written?: string[];
}

/** Where feeds and results are in {@link RunBuffers}. */
export interface RunPlaces {
  readonly feeds: readonly Place[];
  /** Names alone where a shape depends on the run. */
  readonly results: readonly (Place | string)[];
}

/** What a session needs from its model. An axis without a fixed size is a name. */
export interface ModelDescription {
  readonly inputs: readonly { name: string; dtype: GraphDtype; shape: (number | string)[] }[];
  readonly outputs: readonly { name: string; dtype: GraphDtype; shape: (number | string)[] }[];
}

/** A result whose shape the model does not tell. */
export interface FreeResult {
  readonly name: string;
  readonly dtype: GraphDtype;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** See the file's head. */
export interface Host {
  create(id: number, model: Uint8Array, options: object, state: readonly StatePlace[]): ModelDescription;
  /** `places` are left out where they are those of the run before, `state` where the host has it. */
  run(id: number, buffers: RunBuffers, places: RunPlaces | undefined, state: StateBuffers | undefined): FreeResult[];
  /** Hands the state over; the next run must bring it. */
  takeState(id: number): StateBuffers;
  runDirectly(id: number, feeds: Readonly<Record<string, object>>): Record<string, NativeTensor>;
  dispose(id: number): void;
}

/** What the binding reads and returns. */
export interface NativeTensor {
  type: string;
  dims: readonly number[];
  location: 'cpu';
  data: ArrayBufferView;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: object, fetches: object, options: object): Record<string, NativeTensor>;
  dispose(): void;
  readonly inputMetadata: readonly NativeMetadata[];
  readonly outputMetadata: readonly NativeMetadata[];
}

interface NativeMetadata {
  name: string;
  type: number;
  shape: number[];
  symbolicDimensions: string[];
}

type TensorConstructor = new (...values: unknown[]) => object;
type InitOrtOnce = (logLevel: number, tensor: TensorConstructor, isMainThread: boolean) => void;

/** `onnxruntime-node/dist/binding.js`. */
export interface BindingModule {
  binding: { InferenceSession: new () => NativeSession; initOrtOnce: InitOrtOnce };
  initOrt(): void;
}

export function createHost(onnxruntime: BindingModule): Host {
  const { binding } = onnxruntime;
  const arrays = {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    int64: BigInt64Array,
    uint32: Uint32Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  } as const;
  // ONNX's numbers of the element types.
  const dtypes: Record<number, GraphDtype> = {
    1: 'float32',
    2: 'uint8',
    6: 'int32',
    7: 'int64',
    9: 'bool',
    11: 'float64',
    12: 'uint32',
  };
  type ArrayConstructor = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;
  type Buffers = RunBuffers & Omit<StateBuffers, 'written'>;
  /** A tensor that looks into another buffer in each run, because the buffers wander or take turns. */
  interface Window {
    readonly tensor: NativeTensor;
    readonly array: ArrayConstructor;
    readonly buffer: keyof Buffers;
    readonly offset: number;
    readonly length: number;
    /** What the tensor saw in the run before the last one. */
    other: ArrayBufferView;
  }
  interface HostSession {
    readonly native: NativeSession;
    readonly state: readonly StatePlace[];
    readonly inputs: ReadonlySet<string>;
    readonly profiling: boolean;
    windows: Window[];
    feeds: Record<string, NativeTensor>;
    fetches: Record<string, NativeTensor | null>;
    /** Names of the results whose shapes depend on the run. */
    free: readonly string[];
    held: StateBuffers | undefined;
  }
  const sessions = new Map<number, HostSession>();

  // Everything that was asked for lies in the preallocated outputs: results need not be built.
  let placed = false;
  const allPlaced = new Error('outputs are in place');
  const initOrtOnce = binding.initOrtOnce;
  binding.initOrtOnce = (logLevel, Tensor, isMainThread) => {
    class PlacedTensor extends Tensor {
      constructor(...values: unknown[]) {
        if (placed) throw allPlaced;
        super(...values);
      }
    }
    // Other code on this thread that uses the package gets tensors by their usual name.
    Object.defineProperty(PlacedTensor, 'name', { value: 'Tensor' });
    initOrtOnce.call(binding, logLevel, PlacedTensor, isMainThread);
  };
  try {
    // Does nothing if other code on this thread has called it before: then results are built and dropped.
    onnxruntime.initOrt();
  } finally {
    binding.initOrtOnce = initOrtOnce;
  }

  const describe = ({ name, type, shape, symbolicDimensions }: NativeMetadata) => {
    const dtype = dtypes[type];
    if (dtype === undefined) throw new Error(`${name} has ONNX's element type ${type}, which no tensor here can hold.`);
    const named = shape.map((size, axis) => (size >= 0 ? size : symbolicDimensions[axis] || `axis ${axis}`));
    return { name, dtype, shape: named };
  };
  const lookInto = (session: HostSession, buffer: keyof Buffers, place: Omit<Place, 'name'>): NativeTensor => {
    const { dtype, shape, offset } = place;
    const length = shape.reduce((product, size) => product * size, 1);
    const array: ArrayConstructor = arrays[dtype];
    const nothing = new Uint8Array(0);
    const tensor: NativeTensor = { type: dtype, dims: shape, location: 'cpu', data: nothing };
    session.windows.push({ tensor, array, buffer, offset, length, other: nothing });
    return tensor;
  };
  /** What does not change from run to run is made once: a step may have hundreds of tensors. */
  const arrange = (session: HostSession, { feeds, results }: RunPlaces): void => {
    session.windows = [];
    session.feeds = {};
    session.fetches = {};
    session.free = [];
    for (const place of feeds) session.feeds[place.name] = lookInto(session, 'feeds', place);
    for (const slot of session.state) {
      const { input, output, moves } = slot;
      if (session.inputs.has(input)) session.feeds[input] = lookInto(session, moves ? 'current' : 'fixed', slot);
      if (output !== undefined) session.fetches[output] = lookInto(session, 'next', slot);
    }
    for (const result of results) {
      if (typeof result === 'string') session.fetches[result] = null;
      else session.fetches[result.name] = lookInto(session, 'results', result);
    }
    session.free = results.filter((result) => typeof result === 'string');
  };

  /** What was written is what the next run reads. */
  const turn = (session: HostSession): void => {
    const { fixed, current, next } = session.held!;
    session.held = { fixed, current: next, next: current };
  };

  return {
    create(id, model, options, state) {
      const native = new binding.InferenceSession();
      native.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
      const inputs = native.inputMetadata.map(describe);
      const outputs = native.outputMetadata.map(describe);
      const profiling = (options as { enableProfiling?: boolean }).enableProfiling === true;
      const names = new Set(inputs.map(({ name }) => name));
      const empty = { windows: [], feeds: {}, fetches: {}, free: [], held: undefined };
      sessions.set(id, { native, state, inputs: names, profiling, ...empty });
      return { inputs, outputs };
    },

    run(id, given, places, state) {
      const session = sessions.get(id)!;
      if (places !== undefined) arrange(session, places);
      if (state !== undefined) session.held = state;
      const buffers = { ...given, ...session.held! };
      for (const window of session.windows) {
        const { tensor, array, buffer, offset, length, other } = window;
        const memory = buffers[buffer]!;
        if (tensor.data.buffer === memory) continue;
        window.other = tensor.data;
        tensor.data = other.buffer === memory ? other : new array(memory, offset, length);
      }
      placed = session.free.length === 0;
      try {
        const computed = session.native.run(session.feeds, session.fetches, {});
        turn(session);
        return session.free.map((name) => {
          const { type, dims, data } = computed[name]!;
          return { name, dtype: type as GraphDtype, shape: dims, data };
        });
      } catch (error) {
        if (error !== allPlaced) throw error;
        turn(session);
        return [];
      } finally {
        placed = false;
      }
    },

    takeState(id) {
      const session = sessions.get(id)!;
      const held = session.held!;
      session.held = undefined;
      return held;
    },

    runDirectly(id, feeds) {
      const { native } = sessions.get(id)!;
      const wanted: Record<string, null> = {};
      for (const { name } of native.outputMetadata) wanted[name] = null;
      return native.run(feeds, wanted, {});
    },

    dispose(id) {
      const session = sessions.get(id);
      sessions.delete(id);
      if (session?.profiling) (session.native as unknown as { endProfiling(): void }).endProfiling();
      session?.native.dispose();
    },
  };
}
