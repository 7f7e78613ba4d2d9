/** One traced step for one signature of arguments: its session, and the variables whose values live in it. */
import * as tf from '@tensorflow/tfjs';
import { emitModel } from './emit/emit.ts';
import type { OnnxBackend } from './engine/onnx-backend.ts';
import type { Residence, TensorData } from './engine/tensor-data.ts';
import type { TensorDtype } from './graph/tensor-array.ts';
import { sizeOf, type GraphArray, type Value } from './graph/value.ts';
import { packState } from './passes/packed-state.ts';
import { fillCounterWords } from './runtime/counter-words.ts';
import { RuntimeLostError } from './runtime/errors.ts';
import type { Feed, GraphSession, HostTensor, Runtime, StateSlot } from './runtime/runtime.ts';
import { engineInternals } from './trace/trace-backend.ts';
import type { StepResult, Trace } from './trace/trace.ts';

/** A variable's place in the session. */
class VariableSlot implements Residence {
  readonly variable: tf.Variable;
  readonly input: string;
  /** Whether the step assigns the variable. */
  readonly assigned: boolean;
  /** Whose values the session holds, and in which version; undefined if it is not known. */
  data: TensorData | undefined;
  version = -1;
  session: GraphSession | undefined;

  constructor(variable: tf.Variable, input: string, assigned: boolean) {
    this.variable = variable;
    this.input = input;
    this.assigned = assigned;
  }

  read(into?: GraphArray): GraphArray {
    return this.session!.readState(this.input, into);
  }
}

/** What a graph returns, by output name. */
interface ResultOutput {
  readonly output: string;
  readonly name: string | undefined;
}

/** Random numbers that are fed, from the key in an argument. */
interface Draw {
  readonly input: Value;
  readonly argument: number;
  readonly stream: number;
}

/** Runtimes whose worker has ended; nothing that was in their sessions can be had any more. */
const lostRuntimes = new WeakSet<Runtime>();

/** See the file's head. */
export class CompiledGraph {
  readonly #runtime: Runtime;
  readonly #session: GraphSession;
  readonly #backend: OnnxBackend;
  readonly #slots: readonly VariableSlot[];
  readonly #results: readonly ResultOutput[];
  readonly #argumentNames: readonly (string | undefined)[];
  readonly #draws: readonly Draw[];

  private constructor(
    runtime: Runtime,
    session: GraphSession,
    backend: OnnxBackend,
    slots: readonly VariableSlot[],
    results: readonly ResultOutput[],
    argumentNames: readonly (string | undefined)[],
    draws: readonly Draw[],
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#backend = backend;
    this.#slots = slots;
    this.#results = results;
    this.#argumentNames = argumentNames;
    this.#draws = draws;
  }

  /** Emits the model and creates its session, with the variables' present values. */
  static async create(trace: Trace, runtime: Runtime, backend: OnnxBackend): Promise<CompiledGraph> {
    const results = trace.results.map(({ name }, index) => ({ output: `result${index}`, name }));
    const outputs = trace.results.map(({ value }, index) => ({ name: `result${index}`, value }));
    const isPacked = trace.graph.target.without?.includes('packed state') !== true;
    const returned = trace.results.map(({ value }) => value);
    const groups = isPacked ? packState(trace.graph, trace.variables, returned) : [];
    /** Variables that are parts of a packed state. */
    const inside = new Map<number, { input: string; offset: number }>();
    for (const { input, after, offsets } of groups) {
      outputs.push({ name: `next ${input}`, value: after });
      for (const [index, offset] of offsets) inside.set(index, { input, offset });
    }
    for (const [index, { after }] of trace.variables.entries()) {
      if (after !== undefined && !inside.has(index)) outputs.push({ name: `next${index}`, value: after });
    }
    const model = emitModel(trace.graph, outputs);
    const live = new Set(model.inputs.map(({ inputName }) => inputName!));

    const slots: VariableSlot[] = [];
    const state: StateSlot[] = groups.map(({ input, after: { shape, dtype } }) => {
      // Its parts bring the values.
      const initial: HostTensor = { dtype, shape, data: new Float32Array(sizeOf(shape)) };
      return { input, output: `next ${input}`, initial };
    });
    for (const [index, { variable, before, after }] of trace.variables.entries()) {
      const read = before !== undefined && live.has(before.inputName!);
      if (!read && after === undefined) continue;
      const slot = new VariableSlot(variable, before?.inputName ?? `unread${index}`, after !== undefined);
      const data = backend.dataOf(variable.dataId);
      slot.data = data;
      slot.version = data.version;
      slots.push(slot);
      const { shape } = variable;
      const dtype = variable.dtype as TensorDtype;
      const initial = { dtype, shape, data: data.array(dtype) };
      const part = inside.get(index);
      if (part !== undefined) state.push({ input: slot.input, initial, inside: part });
      else state.push({ input: slot.input, initial, ...(after !== undefined && { output: `next${index}` }) });
    }
    for (const { input, values } of trace.captured) {
      const { shape, dtype, inputName } = input;
      if (live.has(inputName!)) state.push({ input: inputName!, initial: { dtype, shape, data: values } });
    }

    // What is short enough for the calling thread is over before a second one has woken up.
    const threads = runtime.thread === 'inline' ? { threads: 1 } : {};
    // A pattern of the memory that a run needs is a block of its own, beside what the first run took piece by piece. With
    // convolutions that is a third of all memory, and gains no time; steps of small products are faster with it.
    const memory = model.convolves ? { sessionOptions: { enableMemPattern: false } } : {};
    const options = { state, hostNodes: model.hostNodes, ...threads, ...memory };
    const session = await runtime.createSession(model.bytes, options);
    for (const slot of slots) slot.session = session;
    const argumentNames = trace.inputs.map(({ inputName }) => (live.has(inputName!) ? inputName! : undefined));
    const draws = trace.graph.drawn
      .filter(({ input }) => live.has(input.inputName!))
      .map(({ input, key, stream }) => ({ input, argument: trace.inputs.indexOf(key), stream }));
    return new CompiledGraph(runtime, session, backend, slots, results, argumentNames, draws);
  }

  /**
   * False once a variable of the step was disposed of, since the step has other variables now, or once the runtime was
   * lost: the step must then be traced again.
   */
  get isCurrent(): boolean {
    return !lostRuntimes.has(this.#runtime) && this.#slots.every(({ variable }) => !variable.isDisposed);
  }

  /** Runs the step once. Up to the session's start nothing waits, so that it sees the variables as they are now. */
  async run(args: readonly HostTensor[]): Promise<StepResult> {
    const feeds: Record<string, Feed> = {};
    for (const [index, name] of this.#argumentNames.entries()) if (name !== undefined) feeds[name] = args[index]!;
    for (const { input, argument, stream } of this.#draws) {
      const { dtype, shape } = input;
      const key = args[argument]!.data as Int32Array;
      feeds[input.inputName!] = { dtype, shape, fill: (array) => fillCounterWords(array as never, key, stream) };
    }
    for (const slot of this.#slots) {
      this.#bring(slot);
      if (slot.assigned) this.#moveIn(slot);
    }
    const outputs = await this.#session.run(feeds).catch((error: unknown) => {
      if (error instanceof RuntimeLostError) lostRuntimes.add(this.#runtime);
      throw error;
    });
    return this.#tensors(outputs);
  }

  /** Ends the session. Values that are only in it go back to their variables first. */
  async dispose(): Promise<void> {
    if (lostRuntimes.has(this.#runtime)) return;
    for (const slot of this.#slots) if (slot.data?.isIn(slot) === true) slot.data.settle();
    await this.#session.dispose();
  }

  /** Copies a variable's value into the session if it was assigned elsewhere since the last run. */
  #bring(slot: VariableSlot): void {
    const { dataId, dtype } = slot.variable;
    const data = this.#backend.dataOf(dataId);
    if (slot.data === data && slot.version === data.version) return;
    // Steps of several signatures, such as one for each length of text, pass all weights to and fro: no array in between.
    this.#session.writeState(slot.input, (place) => data.copyTo(place, dtype as TensorDtype));
    slot.data = data;
    slot.version = data.version;
  }

  /**
   * Says that the variable's value is in the session. Before the run already: whoever reads it meanwhile waits for the end
   * of the run and gets the new value, as the program's order has it; and should the run fail, the session has the old one.
   */
  #moveIn(slot: VariableSlot): void {
    const { variable } = slot;
    let data = this.#backend.dataOf(variable.dataId);
    // A clone shares these data, and keeps the old values.
    if (data.refCount > 1) data = this.#giveOwnData(variable);
    data.moveTo(slot);
    slot.data = data;
    slot.version = data.version;
  }

  /** What `assign` does, without values. */
  #giveOwnData(variable: tf.Variable): TensorData {
    const engine = engineInternals();
    engine.disposeTensor(variable);
    const dataId = this.#backend.write(new Float32Array(0), variable.shape, variable.dtype);
    (variable as { dataId: object }).dataId = dataId;
    engine.trackTensor(variable, this.#backend);
    return this.#backend.dataOf(dataId);
  }

  #tensors(outputs: Record<string, HostTensor>): StepResult {
    const record: Record<string, tf.Tensor> = {};
    for (const { output, name } of this.#results) {
      const { data, shape, dtype } = outputs[output]!;
      const description = { shape: [...shape], dtype: dtype as tf.DataType };
      const dataId = this.#backend.write(data as tf.backend_util.TypedArray, description.shape, description.dtype);
      const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, ...description }, this.#backend);
      if (name === undefined) return tensor;
      record[name] = tensor;
    }
    return record;
  }
}
