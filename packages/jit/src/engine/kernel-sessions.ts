/**
 * Kernels one at a time: each kernel with its attributes and the shapes of its inputs is a small model of its own, built
 * on first use and kept.
 */
import type * as tf from '@tensorflow/tfjs';
import { materialize } from '../build/layout.ts';
import { emitModel } from '../emit/emit.ts';
import { Graph } from '../graph/graph.ts';
import type { Target } from '../graph/target.ts';
import { sizeOf, type GraphArray, type GraphDtype, type Value } from '../graph/value.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { HostTensor, SyncRuntime, SyncSession } from '../runtime/runtime.ts';

/** How many models are kept. The one that was not used for longest goes first. */
export const LARGEST_SESSION_COUNT = 256;

/** Kernels whose inputs have together at most this many values run on one thread. */
const LARGEST_SINGLE_THREADED_INPUT = 2 ** 15;

/** Constants up to this many values are kept with their model. */
const LARGEST_KEPT_CONSTANT = 4096;

/** One output of a kernel. */
export type KernelOutput = { shape: number[]; dtype: GraphDtype } & (
  | { /** The output is this input under another shape. */ input: string }
  | { data: GraphArray }
);

interface Plan {
  readonly isList: boolean;
  readonly outputs: readonly { name: string; shape: number[]; dtype: GraphDtype; source: Source }[];
  /** The inputs that the model has: their names in the model and in the kernel. */
  readonly feeds: readonly { name: string; input: string }[];
  readonly session: SyncSession | undefined;
}

type Source = { kind: 'model' } | { kind: 'input'; input: string } | { kind: 'constant'; data: GraphArray };

/** Thrown by {@link KernelSessions.run} where a kernel cannot be built for these inputs; another engine must take it. */
export class KernelNotBuilt extends Error {}

/** See the file's head. */
export class KernelSessions {
  readonly #runtime: SyncRuntime;
  readonly #target: Target;
  readonly #limit: number;
  readonly #plans = new Map<string, Plan | KernelNotBuilt>();

  constructor(runtime: SyncRuntime, target: Target, limit = LARGEST_SESSION_COUNT) {
    this.#runtime = runtime;
    this.#target = target;
    this.#limit = limit;
  }

  /** How many kernels are kept at present. */
  get size(): number {
    return this.#plans.size;
  }

  /**
   * Computes a kernel.
   *
   * @param read gives the values of an input
   * @returns one output, or a list where the kernel has one
   * @throws KernelNotBuilt if there is no graph for these inputs and attributes
   */
  run(
    name: string,
    kernel: Kernel,
    inputs: Readonly<Record<string, tf.TensorInfo>>,
    attributes: Readonly<Record<string, unknown>>,
    read: (tensor: tf.TensorInfo) => GraphArray,
  ): KernelOutput | KernelOutput[] {
    const key = keyOf(name, inputs, attributes);
    const plan = this.#plans.get(key) ?? this.#build(kernel, inputs, attributes);
    this.#keep(key, plan);
    if (plan instanceof KernelNotBuilt) throw plan;
    const feeds: Record<string, HostTensor> = {};
    for (const { name: feed, input } of plan.feeds) {
      const tensor = inputs[input]!;
      feeds[feed] = { dtype: tensor.dtype as GraphDtype, shape: tensor.shape, data: read(tensor) };
    }
    const results = plan.session?.run(feeds) ?? {};
    const outputs = plan.outputs.map(({ name: result, shape, dtype, source }): KernelOutput => {
      const description = { shape: [...shape], dtype };
      if (source.kind === 'input') return { ...description, input: source.input };
      return { ...description, data: source.kind === 'constant' ? source.data : results[result]!.data };
    });
    return plan.isList ? outputs : outputs[0]!;
  }

  /** Frees every model. */
  dispose(): void {
    for (const plan of this.#plans.values()) if (!(plan instanceof KernelNotBuilt)) plan.session?.dispose();
    this.#plans.clear();
  }

  #keep(key: string, plan: Plan | KernelNotBuilt): void {
    this.#plans.delete(key); // So that it becomes the last in the map's order, which is the order of use.
    const large =
      !(plan instanceof KernelNotBuilt) &&
      plan.outputs.some(({ source }) => source.kind === 'constant' && source.data.length > LARGEST_KEPT_CONSTANT);
    if (large && (plan as Plan).session === undefined) return;
    this.#plans.set(key, plan);
    if (this.#plans.size <= this.#limit) return;
    const [oldest, evicted] = this.#plans.entries().next().value!;
    this.#plans.delete(oldest);
    if (!(evicted instanceof KernelNotBuilt)) evicted.session?.dispose();
  }

  #build(
    kernel: Kernel,
    inputs: Readonly<Record<string, tf.TensorInfo>>,
    attributes: Readonly<Record<string, unknown>>,
  ): Plan | KernelNotBuilt {
    const graph = new Graph(this.#target);
    const values: Record<string, Value> = {};
    for (const [input, { shape, dtype }] of Object.entries(inputs)) {
      values[input] = graph.input(input, shape, dtype as GraphDtype);
    }
    let made: Value | readonly Value[];
    try {
      made = kernel(graph, values, attributes);
    } catch (error) {
      return new KernelNotBuilt(error instanceof Error ? error.message : String(error));
    }
    const isList = Array.isArray(made);
    const results = (isList ? (made as readonly Value[]) : [made as Value]).map((value) => materialize(graph, value));
    const outputs = results.map((value, index) => ({
      name: `output${index}`,
      shape: [...value.shape],
      dtype: value.dtype,
      source: sourceOf(value),
      value,
    }));
    const computed = outputs.filter(({ source }) => source.kind === 'model');
    if (computed.length === 0) return { isList, outputs, feeds: [], session: undefined };
    const model = emitModel(graph, computed);
    return {
      isList,
      outputs: outputs.map(({ value: _value, ...output }) => output),
      feeds: model.inputs.map(({ inputName }) => ({ name: inputName!, input: inputName! })),
      session: this.#runtime.createSession(model.bytes, {
        // A session has threads of its own, and most kernels are too small to share out.
        ...(size(inputs) <= LARGEST_SINGLE_THREADED_INPUT && { threads: 1 }),
        optimization: 'basic',
      }),
    };
  }
}

/** An output that only renames an input needs no run. */
function sourceOf(value: Value): Source {
  if (value.data !== undefined) return { kind: 'constant', data: value.data };
  let origin = value;
  while (origin.op === 'Reshape') origin = origin.node!.inputs[0]!;
  return origin.inputName === undefined ? { kind: 'model' } : { kind: 'input', input: origin.inputName };
}

function size(inputs: Readonly<Record<string, tf.TensorInfo>>): number {
  return Object.values(inputs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function keyOf(
  name: string,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  attributes: Readonly<Record<string, unknown>>,
): string {
  let key = name + JSON.stringify(attributes, exactNumber);
  for (const [input, { dtype, shape }] of Object.entries(inputs)) key += `|${input}:${dtype}[${shape.join()}]`;
  return key;
}

/** JSON writes NaN and the infinities as null, and −0 as 0. */
function exactNumber(_name: string, value: unknown): unknown {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;
}
