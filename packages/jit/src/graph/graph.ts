/**
 * A graph under construction: values, nodes and constants. The same node asked for twice is the same node (common
 * subexpressions), so that whoever builds need not keep track. Formulas that need several nodes are in `../build/`.
 */
import type { Target } from './target.ts';
import {
  sizeOf,
  Value,
  type Attributes,
  type GraphArray,
  type GraphArrays,
  type GraphDtype,
  type GraphNode,
} from './value.ts';

const constructors = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
  float64: Float64Array,
} as const;

/** Constants up to this many values are shared when they are equal. */
const SHARED_CONSTANT_SIZE = 64;

/** Random numbers that are made beside the graph, before a run, and fed: see `../runtime/counter-words.ts`. */
export interface DrawnInput {
  /** Real numbers in [0, 1) if it is float32, else whole words, as they follow each other. */
  readonly input: Value;
  /** The input that holds the key. */
  readonly key: Value;
  readonly stream: number;
}

/** How many numbers are drawn for one run at most: they are made on the thread that asks for the run, in a few ms. */
const LARGEST_DRAW = 2 ** 23;

/** See the file's head. */
export class Graph {
  /** What the graph will run on; it decides between formulations. */
  readonly target: Target;
  /** Inputs that may be keys of numbers drawn beside the graph. Empty: whoever runs the graph draws none. */
  readonly keys = new Set<Value>();
  readonly #drawn = new Map<Value, DrawnInput>();
  #drawnCount = 0;
  readonly #inputs = new Map<string, Value>();
  readonly #nodes = new Map<string, readonly Value[]>();
  readonly #constants = new Map<string, Value>();
  #count = 0;

  constructor(target: Target) {
    this.target = target;
  }

  /** The inputs in the order of their declaration. */
  get inputs(): readonly Value[] {
    return [...this.#inputs.values()];
  }

  /** Declares an input, or returns the one that has this name. */
  input(name: string, shape: readonly number[], dtype: GraphDtype): Value {
    const known = this.#inputs.get(name);
    if (known !== undefined) return known;
    const value = new Value(this.#count++, [...shape], dtype, { inputName: name });
    this.#inputs.set(name, value);
    return value;
  }

  /** The inputs whose values are drawn. */
  get drawn(): readonly DrawnInput[] {
    return [...this.#drawn.values()];
  }

  /** An input of drawn numbers; undefined where they must be computed in the graph. */
  draw(key: Value, stream: number, shape: readonly number[], dtype: 'float32' | 'int32' | 'uint32'): Value | undefined {
    if (!this.keys.has(key)) return undefined;
    const name = `drawn ${key.inputName!} ${stream} ${dtype} ${shape.join('x')}`;
    const known = this.#inputs.get(name);
    if (known !== undefined) return known;
    if (this.#drawnCount + sizeOf(shape) > LARGEST_DRAW) return undefined;
    const input = this.input(name, shape, dtype);
    this.#drawnCount += input.size;
    this.#drawn.set(input, { input, key, stream });
    return input;
  }

  /** A constant; the data are not copied. */
  constant(data: GraphArray | readonly number[], shape: readonly number[], dtype: GraphDtype): Value {
    const array = toArray(data, dtype);
    if (array.length !== sizeOf(shape)) {
      throw new Error(
        `Graph.constant: ${array.length} values arrived for the shape [${shape.join(', ')}]; give ${sizeOf(shape)}.`,
      );
    }
    const splat = splatOf(array);
    // Written as a string, −0 and 0 are the same key: they are not the same number.
    const shown = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value));
    const key =
      splat !== undefined
        ? `${dtype}[${shape.join()}]=${shown(array[0]!)}`
        : array.length <= SHARED_CONSTANT_SIZE
          ? `${dtype}[${shape.join()}]:${Array.from(array as ArrayLike<number | bigint>, shown).join()}`
          : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const value = new Value(this.#count++, [...shape], dtype, { data: array, splat });
    if (key !== undefined) this.#constants.set(key, value);
    return value;
  }

  /** A constant of rank 0. */
  scalar(number: number, dtype: GraphDtype = 'float32'): Value {
    return this.constant([number], [], dtype);
  }

  /** A constant list of int64, as shapes, axes and pads are. */
  integers(numbers: readonly number[]): Value {
    return this.constant(numbers, [numbers.length], 'int64');
  }

  /** A node with several outputs; returns them. Use {@link op} for one. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    outputs: readonly { shape: readonly number[]; dtype: GraphDtype }[],
  ): readonly Value[] {
    const key = `${op}(${inputs.map((input) => input?.id ?? '').join()})${JSON.stringify(attributes)}${outputs.length}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const values: Value[] = [];
    const node: GraphNode = { op, inputs: [...inputs], attributes, outputs: values };
    for (const { shape, dtype } of outputs) values.push(new Value(this.#count++, [...shape], dtype, { node }));
    this.#nodes.set(key, values);
    return values;
  }

  /** A node with one output; returns it. */
  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    shape: readonly number[],
    dtype: GraphDtype,
  ): Value {
    return this.node(op, inputs, attributes, [{ shape, dtype }])[0]!;
  }
}

function toArray<Dtype extends GraphDtype>(data: GraphArray | readonly number[], dtype: Dtype): GraphArrays[Dtype] {
  const constructor = constructors[dtype];
  if (data instanceof constructor) return data as GraphArrays[Dtype];
  const numbers = Array.from(data as ArrayLike<number | bigint>);
  const array =
    dtype === 'int64'
      ? BigInt64Array.from(numbers, BigInt)
      : (constructor as Float32ArrayConstructor).from(numbers, Number);
  return array as GraphArrays[Dtype];
}

/** The one number that all values are, if they are; undefined for an empty array. */
function splatOf(array: GraphArray): number | undefined {
  const first = array[0];
  if (first === undefined) return undefined;
  for (let index = 1; index < array.length; index++) if (!Object.is(array[index], first)) return undefined;
  return Number(first);
}
