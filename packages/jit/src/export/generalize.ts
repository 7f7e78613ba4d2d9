/**
 * One graph from several traces of the same function, whose shapes differ in one unknown size n: the batch. The traces are
 * walked side by side. What is the same in all of them is taken over; whole numbers that lie on a line, and constants of one
 * number whose shape does, are computed from n when the model runs; anything else refuses.
 */
import { Graph } from '../graph/graph.ts';
import { onnxTypes } from '../graph/onnx-type.ts';
import { portableCpu } from '../graph/target.ts';
import { sameShape, type GraphNode, type Value } from '../graph/value.ts';
import { symbolicSize, writtenSize, type SymbolicSize } from './symbolic-size.ts';

/** The same value in each trace. */
export type Aligned = readonly Value[];

/** The unknown size. */
export interface UnknownSize {
  readonly name: string;
  /** Its value in each trace. */
  readonly samples: readonly number[];
}

/** See the file's head. */
export class Generalizer {
  readonly graph: Graph = new Graph(portableCpu);
  readonly #symbol: UnknownSize;
  /** What stands for a graph input of the traces, by its name there. */
  readonly #inputs: ReadonlyMap<string, (graph: Graph) => Value>;
  /** n as a list of one int64. */
  readonly #size: (graph: Graph) => Value;
  readonly #made = new Map<string, Value>();

  constructor(
    symbol: UnknownSize,
    inputs: ReadonlyMap<string, (graph: Graph) => Value>,
    size: (graph: Graph) => Value,
  ) {
    this.#symbol = symbol;
    this.#inputs = inputs;
    this.#size = size;
  }

  /** The value in the general graph. */
  value(aligned: Aligned): Value {
    // Not by recursion: a network that is unrolled in time can be deeper than the stack.
    const pending = [aligned];
    for (let current = pending.at(-1); current !== undefined; current = pending.at(-1)) {
      const key = keyOf(current);
      const missing = this.#made.has(key)
        ? []
        : this.#operands(current).filter((operand) => operand !== undefined && !this.#made.has(keyOf(operand)));
      if (missing.length > 0) {
        pending.push(...(missing as Aligned[]));
        continue;
      }
      if (!this.#made.has(key)) this.#made.set(key, this.#make(current));
      pending.pop();
    }
    return this.#made.get(keyOf(aligned))!;
  }

  /** The shape, with names where a size is not the same in all traces. */
  shape(aligned: Aligned): (number | string)[] {
    return this.#sizes(
      aligned.map(({ shape }) => shape),
      'the shape of a result',
    ).map((size) => writtenSize(size, this.#symbol.name));
  }

  /** The inputs of a node, aligned; none for what is no result of a node. Throws if the nodes are not the same. */
  #operands(aligned: Aligned): (Aligned | undefined)[] {
    const nodes = aligned.map(({ node }) => node);
    const first = nodes[0];
    if (first === undefined) return [];
    const position = first.outputs.indexOf(aligned[0]!);
    const isAlike = nodes.every(
      (node, index) =>
        node !== undefined && areAlike(node, first) && node.outputs.indexOf(aligned[index]!) === position,
    );
    if (!isAlike) {
      const names = [...new Set(aligned.map((value) => value.op ?? 'a constant'))];
      return this.#refuse(
        names.length > 1 ? `${names.join(' in one, ')} in another` : `${first.op} with different settings`,
      );
    }
    return first.inputs.map((input, index) =>
      input === undefined ? undefined : nodes.map((node) => node!.inputs[index]!),
    );
  }

  #make(aligned: Aligned): Value {
    const first = aligned[0]!;
    if (first.inputName !== undefined) {
      const make = this.#inputs.get(first.inputName);
      if (make === undefined || aligned.some(({ inputName }) => inputName !== first.inputName)) {
        return this.#refuse('it reads different tensors');
      }
      return make(this.graph);
    }
    if (first.data !== undefined) return this.#constant(aligned);
    const operands = this.#operands(aligned);
    const node = first.node!;
    const inputs = operands.map((operand) => operand && this.#made.get(keyOf(operand))!);
    if (node.op === 'Reshape') inputs[1] = this.#target(operands[1]!) ?? inputs[1];
    if (node.op === 'com.microsoft:FusedMatMul') return this.#product(node, inputs as Value[]);
    if (node.op.includes(':')) {
      throw new Error(`exportGraph: ${node.op} is no operation of the ONNX standard; write the model without it.`);
    }
    return this.graph.node(node.op, inputs, node.attributes, node.outputs)[node.outputs.indexOf(first)]!;
  }

  /** The shape that a Reshape asks for: with one unknown size, it need not be computed. */
  #target(aligned: Aligned): Value | undefined {
    if (aligned.some(({ data }) => data === undefined)) return undefined;
    const sizes = this.#sizes(aligned.map(numbersOf), 'a shape');
    if (sizes.filter(({ factor }) => factor !== 0).length !== 1) return undefined;
    return this.graph.integers(sizes.map(({ factor, offset }) => (factor === 0 ? offset : -1)));
  }

  /** ONNX Runtime's product of transposed matrices in ONNX's own operations. */
  #product({ attributes, outputs }: GraphNode, inputs: readonly Value[]): Value {
    const [left, right] = inputs.map((value, index) => {
      if (attributes[index === 0 ? 'transA' : 'transB'] !== 1) return value;
      const rank = value.shape.length;
      const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
      const shape = perm.map((axis) => value.shape[axis]!);
      return this.graph.op('Transpose', [value], { perm }, shape, value.dtype);
    });
    return this.graph.op('MatMul', [left, right], {}, outputs[0]!.shape, outputs[0]!.dtype);
  }

  #constant(aligned: Aligned): Value {
    const { data, shape, dtype, splat } = aligned[0]!;
    if (aligned.some((value) => value.data === undefined || value.dtype !== dtype)) {
      return this.#refuse('a constant in one, a computed value in another');
    }
    if (aligned.every((value) => sameShape(value.shape, shape) && sameNumbers(value, aligned[0]!))) {
      return this.graph.constant(data!, shape, dtype);
    }
    if (aligned.every((value) => sameShape(value.shape, shape))) {
      const what = shape.length === 0 ? 'a number' : `a constant of shape [${shape.join(', ')}]`;
      const numbers = this.#sizes(aligned.map(numbersOf), what);
      return this.#cast(this.#line(numbers, shape), aligned[0]!);
    }
    if (splat === undefined || aligned.some((value) => !Object.is(value.splat, splat))) {
      return this.#refuse(`a constant of the shapes ${aligned.map((value) => `[${value.shape.join(', ')}]`).join()}`);
    }
    const sizes = this.#sizes(
      aligned.map((value) => value.shape),
      'the shape of a constant',
    );
    const number = this.graph.constant(data!.slice(0, 1), [], dtype);
    return this.graph.op('Expand', [number, this.#line(sizes, [sizes.length])], {}, shape, dtype);
  }

  /** factor · n + offset for each of the numbers. */
  #line(sizes: readonly SymbolicSize[], shape: readonly number[]): Value {
    const { graph } = this;
    const list = (key: keyof SymbolicSize): Value =>
      graph.constant(
        sizes.map((size) => size[key]),
        listShape,
        'int64',
      );
    // n is a list of one, so that a lone number becomes one as well.
    const listShape = shape.length === 0 ? [1] : shape;
    const multiples = graph.op('Mul', [this.#size(graph), list('factor')], {}, listShape, 'int64');
    const line = sizes.every(({ offset }) => offset === 0)
      ? multiples
      : graph.op('Add', [multiples, list('offset')], {}, listShape, 'int64');
    return shape.length === 0 ? graph.op('Reshape', [line, graph.integers([])], {}, [], 'int64') : line;
  }

  #cast(value: Value, { dtype }: Value): Value {
    if (dtype === 'int64') return value;
    return this.graph.op('Cast', [value], { to: onnxTypes[dtype] }, value.shape, dtype);
  }

  #sizes(lists: readonly (readonly number[])[], what: string): SymbolicSize[] {
    if (lists.some((list) => list.length !== lists[0]!.length)) return this.#refuse(`${what} of different ranks`);
    return lists[0]!.map((_, position) => {
      const sizes = lists.map((list) => list[position]!);
      return (
        symbolicSize(sizes, this.#symbol.samples) ??
        this.#refuse(`${what} that holds ${sizes.join(', ')}, which is no multiple of it`)
      );
    });
  }

  #refuse(what: string): never {
    const { name, samples } = this.#symbol;
    throw new Error(
      `exportGraph: with '${name}' = ${samples.join(', ')} the graph is not the same (${what}), so that this model ` +
        `cannot have a dynamic '${name}'; give a fixed size in its place, for example 1, and export one file a size.`,
    );
  }
}

const keyOf = (aligned: Aligned): string => aligned.map(({ id }) => id).join();

const numbersOf = ({ data }: Value): number[] => Array.from(data! as ArrayLike<number | bigint>, Number);

const areAlike = (left: GraphNode, right: GraphNode): boolean =>
  left.op === right.op &&
  left.inputs.length === right.inputs.length &&
  left.outputs.length === right.outputs.length &&
  left.inputs.every((input, index) => (input === undefined) === (right.inputs[index] === undefined)) &&
  JSON.stringify(left.attributes) === JSON.stringify(right.attributes);

/** Whether two constants of one shape hold the same numbers. */
export function sameNumbers({ data: left }: Pick<Value, 'data'>, { data: right }: Pick<Value, 'data'>): boolean {
  return left === right || left!.every((number: number | bigint, index: number) => Object.is(number, right![index]));
}
