/**
 * Compares kernels of the table with tfjs's cpu engine. Cases are collected and become one model, since a session costs more
 * than hundreds of small nodes. Every case is built twice, with inputs and with constants, so that folding is tested too.
 */
import * as tf from '@tensorflow/tfjs';
import { Graph } from '../../src/graph/graph.ts';
import type { Target } from '../../src/graph/target.ts';
import { sizeOf, type GraphArray, type Value } from '../../src/graph/value.ts';
import type { KernelAttributes } from '../../src/kernels/kernel.ts';
import { kernels } from '../../src/kernels/index.ts';
import { traceStep } from '../../src/trace/trace.ts';
import { runGraph, usualTarget, type GraphResult } from '../run-graph.ts';

/** A type that tfjs's tensors have. */
export type Dtype = 'float32' | 'int32' | 'bool';

/** Values of one input of a case. */
export interface Operand {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** How far a real number may be from cpu's; whole numbers may not. */
export interface Tolerance {
  readonly absolute?: number;
  readonly relative?: number;
  /** Relative to the largest number of the result, for sums in which large terms cancel. */
  readonly ofLargest?: number;
}

interface Case {
  readonly kernel: string;
  readonly operands: Readonly<Record<string, Operand>>;
  readonly attributes: KernelAttributes;
  readonly tolerance: Tolerance;
  readonly reference: Reference | undefined;
}

/** What cpu has for a kernel that tfjs does not have: the same formulas in its operations. */
export type Reference = (inputs: Readonly<Record<string, tf.Tensor>>, attributes: KernelAttributes) => tf.Tensor[];

/** Random numbers that are the same in every run (Marsaglia's xorshift). */
export class Generator {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761) | 1;
  }

  /** In [0, 1). */
  uniform(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }

  /** A whole number from `lowest` to `highest`. */
  integer(lowest: number, highest: number): number {
    return lowest + Math.floor(this.uniform() * (highest - lowest + 1));
  }

  /** One of some things. */
  choose<Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length - 1)]!;
  }

  /** A shape with sizes that are often 1 and at times 0. */
  shape(rank: number, mayBeEmpty = true): number[] {
    return Array.from({ length: rank }, () => this.choose(mayBeEmpty ? [0, 1, 1, 2, 3, 4, 5] : [1, 1, 2, 3, 4, 5]));
  }

  /** A shape that broadcasts to another one. */
  broadcastable(shape: readonly number[]): number[] {
    const dropped = this.integer(0, shape.length);
    return shape.map((size) => (this.uniform() < 0.4 ? 1 : size)).slice(this.uniform() < 0.5 ? dropped : 0);
  }

  /** A tensor; real numbers from −`bound` to `bound`, whole ones likewise. */
  operand(shape: readonly number[], dtype: Dtype = 'float32', bound = 3): Operand {
    const numbers = Array.from({ length: sizeOf(shape) }, () => {
      if (dtype === 'bool') return this.integer(0, 1);
      return dtype === 'int32' ? this.integer(-bound, bound) : (this.uniform() * 2 - 1) * bound;
    });
    return operand(numbers, shape, dtype);
  }
}

/** A tensor of given numbers. */
export function operand(numbers: readonly number[], shape: readonly number[], dtype: Dtype = 'float32'): Operand {
  const data =
    dtype === 'float32'
      ? Float32Array.from(numbers)
      : dtype === 'int32'
        ? Int32Array.from(numbers)
        : Uint8Array.from(numbers);
  return { shape, dtype, data };
}

/** The cases of a test. */
export class Comparison {
  readonly cases: Case[] = [];

  /** Adds a case: a kernel by tfjs's name, its inputs by their names, its attributes. */
  add(
    kernel: string,
    operands: Readonly<Record<string, Operand>>,
    attributes: KernelAttributes = {},
    tolerance: Tolerance = {},
    reference?: Reference,
  ): void {
    this.cases.push({ kernel, operands, attributes, tolerance, reference });
  }
}

/**
 * Runs the cases on both engines.
 * @param target what the graph is built for
 * @throws Error at the first difference
 */
export async function expectSameAsCpu({ cases }: Comparison, target: Target = usualTarget): Promise<void> {
  const graph = new Graph(target);
  const outputs: Record<string, Value> = {};
  const feeds: Record<string, GraphArray> = {};
  cases.forEach(({ kernel, operands, attributes }, index) => {
    const build = kernels.get(kernel);
    if (build === undefined) throw new Error(`There is no kernel ${kernel}.`);
    const inputs: Record<string, Value> = {};
    const constants: Record<string, Value> = {};
    for (const [name, { shape, dtype, data }] of Object.entries(operands)) {
      inputs[name] = graph.input(`${index}.${name}`, shape, dtype);
      constants[name] = graph.constant(data, shape, dtype);
      feeds[`${index}.${name}`] = data;
    }
    [build(graph, inputs, attributes), build(graph, constants, attributes)].forEach((built, variant) => {
      const values: readonly Value[] = Array.isArray(built) ? built : [built];
      values.forEach((value, position) => (outputs[`${index}.${variant}.${position}`] = value));
    });
  });
  const results = await runGraph(graph, outputs, feeds);
  cases.forEach((testCase, index) => {
    const expected = onCpu(testCase);
    for (const variant of [0, 1]) {
      expected.forEach((wanted, position) => {
        const where = `${describeCase(testCase)}, ${variant === 0 ? 'inputs' : 'constants'}, output ${position}`;
        checkClose(results[`${index}.${variant}.${position}`]!, wanted, testCase.tolerance, where);
      });
    }
  });
}

/**
 * Traces the gradient of each case, as tfjs differentiates its kernel, and compares it with cpu's. The function that is
 * differentiated is the sum of all real results, each with a random weight. A case whose kernel has no real input or no
 * real result is left out, and so is one whose gradient tfjs itself cannot compute.
 * @returns how many of the latter there are
 * @throws Error at the first difference, and where cpu has the gradient and the graph does not
 */
export async function expectSameGradientAsCpu(
  { cases }: Comparison,
  random: Generator,
  target: Target = usualTarget,
): Promise<number> {
  const wanted: { testCase: Case; gradients: Operand[]; names: string[]; weights: Operand[] }[] = [];
  let refused = 0;
  for (const testCase of cases) {
    const names = Object.keys(testCase.operands).filter((name) => testCase.operands[name]!.dtype === 'float32');
    const results = onCpu(testCase);
    const weights = results.map(({ shape, dtype }) => random.operand(shape, dtype === 'float32' ? 'float32' : 'bool'));
    if (names.length === 0 || results.every(({ dtype }) => dtype !== 'float32')) continue;
    const tensors = named(testCase.operands);
    const gradients = gradientsOnCpu(testCase, tensors, names, weights);
    tf.dispose(tensors);
    if (gradients === undefined) refused += 1;
    else wanted.push({ testCase, gradients, names, weights });
  }
  if (wanted.length === 0) return refused;
  const given = wanted.flatMap(({ testCase, weights }) => [...Object.values(testCase.operands), ...weights]);
  const differentiate = (...args: tf.Tensor[]): Record<string, tf.Tensor> => {
    const rest = [...args];
    const made: Record<string, tf.Tensor> = {};
    wanted.forEach(({ testCase, names, weights }, index) => {
      const inputs = Object.fromEntries(Object.keys(testCase.operands).map((name) => [name, rest.shift()!]));
      const factors = weights.map(() => rest.shift()!);
      const gradients = gradientsOf(testCase, inputs, names, factors);
      gradients.forEach((gradient, position) => (made[`${index}.${names[position]!}`] = gradient));
    });
    return made;
  };
  const { graph, results } = traceStep(differentiate as never, given, target);
  const outputs = Object.fromEntries(results.map(({ name, value }) => [name!, value]));
  const feeds = Object.fromEntries(given.map(({ data }, index) => [`argument${index}`, data]));
  const found = await runGraph(graph, outputs, feeds);
  wanted.forEach(({ testCase, gradients, names }, index) => {
    gradients.forEach((gradient, position) => {
      const name = names[position]!;
      const where = `gradient of ${describeCase(testCase)} with respect to ${name}`;
      checkClose(found[`${index}.${name}`]!, gradient, testCase.tolerance, where);
    });
  });
  return refused;
}

/** Nothing where tfjs's gradient throws, as some do for sizes of 0. */
function gradientsOnCpu(
  testCase: Case,
  inputs: Readonly<Record<string, tf.Tensor>>,
  names: readonly string[],
  weights: readonly Operand[],
): Operand[] | undefined {
  tf.engine().startScope('gradients on cpu');
  try {
    return gradientsOf(testCase, inputs, names, weights.map(tensorOf)).map(operandOf);
  } catch {
    return undefined;
  } finally {
    tf.engine().endScope();
  }
}

function gradientsOf(
  { kernel, attributes, reference }: Case,
  inputs: Readonly<Record<string, tf.Tensor>>,
  names: readonly string[],
  weights: readonly tf.Tensor[],
): tf.Tensor[] {
  const sum = (): tf.Scalar => {
    const isKnown = tf.getKernel(kernel, tf.getBackend()) !== undefined;
    const made = isKnown ? run(kernel, inputs, attributes) : reference!(inputs, attributes);
    const results = made.map((result, index) => ({ result, weight: weights[index]! }));
    const terms = results.filter(({ result }) => result.dtype === 'float32');
    return tf.addN(terms.map(({ result, weight }) => tf.sum(tf.mul(result, weight)))) as tf.Scalar;
  };
  const wanted = names.map((name) => inputs[name]!);
  // As optimizers do: what the result does not depend on has the gradient 0.
  return tf
    .engine()
    .gradients(sum, wanted, undefined, true)
    .grads.map((gradient, index) => gradient ?? tf.zerosLike(wanted[index]!));
}

function onCpu({ kernel, operands, attributes, reference }: Case): Operand[] {
  tf.engine().startScope(kernel);
  try {
    const inputs = named(operands);
    return (reference?.(inputs, attributes) ?? run(kernel, inputs, attributes)).map(operandOf);
  } finally {
    tf.engine().endScope();
  }
}

const tensorOf = ({ data, shape, dtype }: Operand): tf.Tensor => tf.tensor(data, [...shape], dtype);

const operandOf = (tensor: tf.Tensor): Operand => ({
  shape: tensor.shape,
  dtype: tensor.dtype as Dtype,
  data: tensor.dataSync() as Float32Array,
});

function named(operands: Readonly<Record<string, Operand>>): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(operands).map(([name, each]) => [name, tensorOf(each)]));
}

/** Runs a kernel of the active engine. */
function run(kernel: string, tensors: Readonly<Record<string, tf.Tensor>>, attributes: KernelAttributes): tf.Tensor[] {
  const entries = Object.entries(tensors);
  // tfjs takes a list of tensors for the kernels whose inputs have numbers for names.
  const isList = entries.length > 0 && entries.every(([name]) => /^\d+$/.test(name));
  const inputs = isList ? entries.map(([, tensor]) => tensor) : tensors;
  const made = tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap);
  return [made].flat();
}

function checkClose(found: GraphResult, wanted: Operand, tolerance: Tolerance, where: string): void {
  const kind = (result: GraphResult | Operand): string => `${result.dtype}[${result.shape.join()}]`;
  if (kind(found) !== kind(wanted)) throw new Error(`${where}: there is ${kind(found)}, cpu has ${kind(wanted)}.`);
  const { absolute = 1e-6, relative = 2e-6, ofLargest = 0 } = tolerance;
  const largest = ofLargest === 0 ? 0 : Math.max(0, ...Array.from(wanted.data, Math.abs).filter(Number.isFinite));
  const allowance = absolute + ofLargest * largest;
  for (let index = 0; index < wanted.data.length; index++) {
    const right = wanted.data[index]!;
    const ours = Number(found.data[index]);
    if (Object.is(ours, right) || ours === right) continue;
    // A truth value of cpu's arithmetic may be any number that is not 0.
    if (wanted.dtype === 'bool' && ours === Number(right !== 0)) continue;
    const isClose = wanted.dtype === 'float32' && Math.abs(ours - right) <= allowance + relative * Math.abs(right);
    if (!isClose) throw new Error(`${where}: at ${index} there is ${ours}, cpu has ${right}.`);
  }
}

function describeCase({ kernel, operands, attributes }: Case): string {
  const inputs = Object.entries(operands).map(([name, { shape, dtype }]) => `${name}: ${dtype}[${shape.join()}]`);
  return `${kernel}(${inputs.join(', ')}) ${JSON.stringify(attributes)}`;
}
