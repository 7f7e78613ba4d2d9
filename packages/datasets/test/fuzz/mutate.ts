/** Damaged files: a seed, changed in a few places as accidents, bad disks and attackers change files. */

/** Random numbers for tests, reproducible from one number (Mulberry32). */
export class FuzzRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const interestingBytes = [0, 1, 2, 4, 8, 16, 0x20, 0x7f, 0x80, 0xc2, 0xd8, 0xd9, 0xda, 0xfe, 0xff];
const interestingNumbers = [0, 1, 2, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to four changes to `seed`; `other` lends bytes. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: FuzzRandom): Uint8Array {
  let bytes = Uint8Array.from(seed);
  for (let changes = 1 + random.below(4); changes > 0; changes--) bytes = change(bytes, other, random);
  return bytes;
}

function change(bytes: Uint8Array<ArrayBuffer>, other: Uint8Array, random: FuzzRandom): Uint8Array<ArrayBuffer> {
  // Headers are small and matter most: half of the changes are there.
  const place = (): number => random.below(random.below(2) === 0 ? Math.min(bytes.length, 64) : bytes.length);
  if (bytes.length === 0) return Uint8Array.from(other);
  const at = place();
  const length = 1 + random.below(Math.min(bytes.length - at, 1 << random.below(10)));
  switch (random.below(9)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.pick(interestingBytes);
      return bytes;
    case 2:
      for (let index = at; index < at + length; index++) bytes[index] = random.below(256);
      return bytes;
    case 3: {
      const view = new DataView(bytes.buffer);
      const value = random.below(4) === 0 ? bytes.length + random.below(3) - 1 : random.pick(interestingNumbers);
      const little = random.below(2) === 0;
      if (random.below(2) === 0 && at + 4 <= bytes.length) view.setUint32(at, value, little);
      else if (at + 2 <= bytes.length) view.setUint16(at, value & 0xffff, little);
      return bytes;
    }
    case 4:
      return bytes.slice(0, at);
    case 5:
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case 6:
      return join(bytes.subarray(0, at + length), bytes.subarray(at));
    case 7:
      return join(
        bytes,
        Uint8Array.from({ length }, () => random.pick(interestingBytes)),
      );
    default:
      return join(bytes.subarray(0, at), other.subarray(random.below(other.length)));
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
