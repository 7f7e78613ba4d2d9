/** Where tensors lie in the buffers that a session and its host share. */
import { sizeOf } from '../graph/value.ts';
import type { Place, StatePlace } from './host.node.ts';
import type { StateSlot, TensorDescription } from './runtime.ts';

/** The array type of each element type. */
export const arrayOf = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Tensors begin at multiples of a cache line. */
const ALIGNMENT = 64;

/**
 * Places of the states: those that change in one buffer, which there is twice, and the others in another. A part lies
 * where its whole has it.
 */
export function placeState(slots: readonly StateSlot[]): StatePlace[] {
  const ends = { fixed: 0, moving: 0 };
  const wholes = new Map<string, StatePlace>();
  for (const { input, output, inside, initial } of slots) {
    if (inside !== undefined) continue;
    const { dtype, shape } = initial;
    const kind = output === undefined ? 'fixed' : 'moving';
    const offset = ends[kind];
    ends[kind] = align(offset + sizeOf(shape) * arrayOf[dtype].BYTES_PER_ELEMENT);
    wholes.set(input, { input, output, dtype, shape: [...shape], offset, moves: output !== undefined });
  }
  return slots.map(({ input, output, inside, initial: { dtype, shape } }) => {
    if (inside === undefined) return wholes.get(input)!;
    const whole = wholes.get(inside.input);
    const fits = whole?.dtype === dtype && inside.offset + sizeOf(shape) <= sizeOf(whole.shape);
    if (whole === undefined || !fits || output !== undefined) {
      throw new Error(
        `createSession: the state ${input} of ${sizeOf(shape)} ${dtype} values cannot be a part of ${inside.input} from ` +
          `value ${inside.offset} on; name a state of the same type that is long enough, and no output.`,
      );
    }
    const offset = whole.offset + inside.offset * arrayOf[dtype].BYTES_PER_ELEMENT;
    return { input, output, dtype, shape: [...shape], offset, moves: whole.moves };
  });
}

/** How long the buffers of the states are. */
export function stateByteLengths(places: readonly StatePlace[]): { fixed: number; moving: number } {
  const lengths = { fixed: 0, moving: 0 };
  for (const place of places) {
    const kind = place.moves ? 'moving' : 'fixed';
    lengths[kind] = Math.max(lengths[kind], endOf(place));
  }
  return lengths;
}

const align = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** Places one after the other; nothing where a shape is not fixed. */
export function placesOf(descriptions: readonly TensorDescription[]): Place[] | undefined {
  let end = 0;
  const places: Place[] = [];
  for (const { name, dtype, shape } of descriptions) {
    if (!shape.every((size) => typeof size === 'number')) return undefined;
    places.push({ name, dtype, shape, offset: end });
    end = align(end + sizeOf(shape) * arrayOf[dtype].BYTES_PER_ELEMENT);
  }
  return places;
}

/** How long a buffer with these places is. */
export function byteLength(places: readonly Omit<Place, 'name'>[]): number {
  const last = places.at(-1);
  return last === undefined ? 0 : endOf(last);
}

function endOf({ offset, shape, dtype }: Omit<Place, 'name'>): number {
  return offset + sizeOf(shape) * arrayOf[dtype].BYTES_PER_ELEMENT;
}
