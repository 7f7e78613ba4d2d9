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
}

interface Case {
  readonly kernel: string;
  readonly operands: Readonly<Record<string, Operand>>;
  readonly attributes: KernelAttributes;
  readonly tolerance: Tolerance;
}

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
  ): void {
    this.cases.push({ kernel, operands, attributes, tolerance });
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

function onCpu({ kernel, operands, attributes }: Case): Operand[] {
  return tf.tidy(() => {
    const tensors = Object.entries(operands).map(
      ([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)] as const,
    );
    // tfjs takes a list of tensors for the kernels whose inputs have numbers for names.
    const isList = tensors.length > 0 && tensors.every(([name]) => /^\d+$/.test(name));
    const inputs = isList ? tensors.map(([, tensor]) => tensor) : Object.fromEntries(tensors);
    const made = tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap);
    return [made].flat().map((tensor) => ({
      shape: tensor.shape,
      dtype: tensor.dtype as Dtype,
      data: tensor.dataSync() as Float32Array,
    }));
  });
}

function checkClose(found: GraphResult, wanted: Operand, tolerance: Tolerance, where: string): void {
  const kind = (result: GraphResult | Operand): string => `${result.dtype}[${result.shape.join()}]`;
  if (kind(found) !== kind(wanted)) throw new Error(`${where}: there is ${kind(found)}, cpu has ${kind(wanted)}.`);
  const { absolute = 1e-6, relative = 2e-6 } = tolerance;
  for (let index = 0; index < wanted.data.length; index++) {
    const right = wanted.data[index]!;
    const ours = Number(found.data[index]);
    if (Object.is(ours, right) || ours === right) continue;
    // A truth value of cpu's arithmetic may be any number that is not 0.
    if (wanted.dtype === 'bool' && ours === Number(right !== 0)) continue;
    const isClose = wanted.dtype === 'float32' && Math.abs(ours - right) <= absolute + relative * Math.abs(right);
    if (!isClose) throw new Error(`${where}: at ${index} there is ${ours}, cpu has ${right}.`);
  }
}

function describeCase({ kernel, operands, attributes }: Case): string {
  const inputs = Object.entries(operands).map(([name, { shape, dtype }]) => `${name}: ${dtype}[${shape.join()}]`);
  return `${kernel}(${inputs.join(', ')}) ${JSON.stringify(attributes)}`;
}
