/** What flows through a graph. */

/** Element types of a graph. tfjs knows float32, int32 and bool; the others appear between nodes only. */
export type GraphDtype = 'float32' | 'int32' | 'bool' | 'int64' | 'uint32' | 'uint8' | 'float64';

/** The array that holds values of each type. */
export interface GraphArrays {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
  int64: BigInt64Array;
  uint32: Uint32Array;
  uint8: Uint8Array;
  float64: Float64Array;
}

/** Any array of {@link GraphArrays}. */
export type GraphArray = GraphArrays[GraphDtype];

/** A node's attribute. A bare number is an integer of ONNX; a real number says so: `{ float: 0.5 }`. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] };
/** Attributes by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation. */
export interface GraphNode {
  /** `Add`, or with its domain `com.microsoft:FusedMatMul`, `com.microsoft.nchwc:Conv`. */
  readonly op: string;
  /** An input that is left out is undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/** A tensor that will be there when the graph runs. Shapes are fixed. */
export class Value {
  /** Unique in its graph. */
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: GraphDtype;
  /** What computes it; undefined for inputs and constants. */
  readonly node: GraphNode | undefined;
  /** Name of a graph input. */
  readonly inputName: string | undefined;
  /** Values of a constant. */
  readonly data: GraphArray | undefined;
  /** Of a constant: the number that all its values are. */
  readonly splat: number | undefined;

  constructor(
    id: number,
    shape: readonly number[],
    dtype: GraphDtype,
    source: { node?: GraphNode; inputName?: string; data?: GraphArray; splat?: number | undefined },
  ) {
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
    this.node = source.node;
    this.inputName = source.inputName;
    this.data = source.data;
    this.splat = source.splat;
  }

  /** Number of values. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The operation that computes it; undefined for inputs and constants. */
  get op(): string | undefined {
    return this.node?.op;
  }
}

/** Product of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Whether two shapes are the same. */
export function sameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, axis) => size === right[axis]);
}
