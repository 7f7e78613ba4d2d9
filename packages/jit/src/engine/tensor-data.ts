import { tensorArray, type TensorDtype } from '../graph/tensor-array.ts';
import type { GraphArray } from '../graph/value.ts';

/** The place of a variable's values inside a session: the input through which the session's runs receive them. */
export interface Residence {
  /** A copy of the values there, in a new array or in the one that is given. */
  read(into?: GraphArray): GraphArray;
}

/**
 * What the engine keeps for one data id of tfjs: either an array, or the session in which a compiled step left the values.
 *
 * Values are in one place. A compiled step that assigns a variable moves its values into the step's session
 * ({@link moveTo}); whoever reads them afterwards (an eager kernel, `dataSync`, a checkpoint, another compiled step) gets a
 * copy, which is kept until the next move. Reading thus costs one copy per step in which it is done, and nothing else.
 *
 * The names `values`, `dtype`, `refCount` and `complexTensorInfos` are those of tfjs's cpu backend, whose kernels read them.
 */
export class TensorData {
  /** What was asked for when the data were made; see {@link array}. */
  readonly dtype: string;
  refCount: number;
  /** The parts of a complex tensor; set by the cpu backend's kernel. */
  complexTensorInfos?: unknown;
  #values: unknown;
  #residence: Residence | undefined;
  #version = 0;

  constructor(values: unknown, dtype: string, refCount: number) {
    this.#values = values;
    this.dtype = dtype;
    this.refCount = refCount;
  }

  /** Grows with each move; tells a session whether its copy is still current. */
  get version(): number {
    return this.#version;
  }

  /** The values as an array, fetched from the session where they are. Must not be changed. */
  get values(): unknown {
    this.#values ??= this.#residence?.read();
    return this.#values;
  }

  set values(values: unknown) {
    this.#values = values;
    this.#residence = undefined;
    this.#version += 1;
  }

  /** The values as an array of the given type: the tensor knows its type, these data may not. */
  array(dtype: TensorDtype): GraphArray {
    return tensorArray(this.values, dtype);
  }

  /** Copies the values to `place`, an array of the given type; from a session directly, without an array in between. */
  copyTo(place: GraphArray, dtype: TensorDtype): void {
    if (this.#values === undefined && this.#residence !== undefined) this.#residence.read(place);
    else place.set(this.array(dtype) as never);
  }

  /** Says that new values are in a session. */
  moveTo(residence: Residence): void {
    this.#values = undefined;
    this.#residence = residence;
    this.#version += 1;
  }

  /** Whether the values are in this session; if so they are lost with it unless {@link settle} is called. */
  isIn(residence: Residence): boolean {
    return this.#residence === residence;
  }

  /** Takes the values out of the session for good, because the session ends or because the data become shared. */
  settle(): void {
    if (this.#residence === undefined) return;
    this.#values ??= this.#residence.read();
    this.#residence = undefined;
  }
}
