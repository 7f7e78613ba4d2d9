/**
 * Counter-based random numbers on the host: Threefry-2x32 with 20 rounds.
 * Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.
 * Idea: a number is a function of a key and a counter, f(key, counter). Nothing is hidden between two draws, so a run
 * that resumes from a saved counter continues exactly, and every engine can compute the same numbers.
 *   one block     → threefry2x32()
 *   many numbers  → fillCounterRandom()
 */

/** What a random word becomes: a float in [0, 1), a standard normal float, or the 32 bits themselves. */
export type CounterDistribution = 'uniform' | 'normal' | 'bits';

/** The constant that derives the third key word from the other two; Random123 calls it the key-schedule parity. */
const KEY_PARITY = 0x1bd11bda;

/** 2⁻²⁴: a float32 holds 24 bits, so 24 of the 32 random ones are used and every value is exact. */
const FLOAT_STEP = 2 ** -24;

const LARGEST_PAIR_INDEX = 2 ** 32 - 1;

/**
 * One block of Threefry-2x32, 20 rounds: two key words and two counter words give two random words.
 *
 * A round is x₀ ← x₀ + x₁, x₁ ← rotate(x₁, R) ⊕ x₀, all modulo 2³², with R = 13, 15, 26, 6, 17, 29, 16, 24 in turn. After
 * every fourth round the key is added again, in rotated order and with the number of the addition.
 *
 * @param key0 first key word; like the other arguments taken modulo 2³²
 * @param key1 second key word
 * @param counter0 first counter word
 * @param counter1 second counter word
 * @param out receives the two words
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array | Int32Array,
): void {
  const k0 = key0 | 0;
  const k1 = key1 | 0;
  const k2 = KEY_PARITY ^ k0 ^ k1;
  let x0 = (counter0 + k0) | 0;
  let x1 = (counter1 + k1) | 0;

  // Written out, not looped: this function is the whole cost of making random numbers on the host.
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 1) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 2) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k0) | 0;
  x1 = (x1 + k1 + 3) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 4) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  out[0] = (x0 + k2) | 0;
  out[1] = (x1 + k0 + 5) | 0;
}

/** The two words of the block that {@link fillCounterRandom} is at; one array for all calls, so a pair allocates none. */
const block = new Int32Array(2);

/**
 * Fills `out` with the elements `offset`, `offset + 1`, … of an endless random sequence.
 *
 * Element i comes from the block with key (key0, key1) and counter (⌊i / 2⌋, stream), that is from the words (x₀, x₁):
 * - `bits`: x₀ if i is even, x₁ if i is odd, as a signed 32-bit integer;
 * - `uniform`: the upper 24 bits of that word times 2⁻²⁴, in [0, 1);
 * - `normal`: Box and Muller 1958. With u₁ = (⌊x₀ / 2⁸⌋ + 1) · 2⁻²⁴ and u₂ = ⌊x₁ / 2⁸⌋ · 2⁻²⁴, the radius is
 *   r = √(−2 ln u₁), and the element is r · cos 2πu₂ if i is even, r · sin 2πu₂ if i is odd. |value| ≤ 5.77.
 *
 * @param out a `Float32Array` for `uniform` and `normal`, an `Int32Array` for `bits`
 * @param key0 first key word
 * @param key1 second key word
 * @param stream second counter word; different streams of one key are independent sequences
 * @param distribution what to make of the words
 * @param offset index of the first element, a whole number of at least 0; an odd one starts in the middle of a pair
 * @throws RangeError if the sequence, 2³³ elements long, ends before `out` is full
 * @throws TypeError if `out` and `distribution` do not fit
 */
export function fillCounterRandom(
  out: Float32Array | Int32Array,
  key0: number,
  key1: number,
  stream: number,
  distribution: CounterDistribution,
  offset = 0,
): void {
  const length = out.length;
  checkFill(out, distribution, offset);
  // A start in the middle of a pair, then whole pairs, then perhaps half a pair.
  let pair = Math.floor(offset / 2);
  let index = 0;
  if (offset % 2 === 1 && length > 0) {
    drawPair(key0, key1, pair++, stream, distribution);
    out[index++] = second;
  }
  for (; index + 1 < length; index += 2) {
    drawPair(key0, key1, pair++, stream, distribution);
    out[index] = first;
    out[index + 1] = second;
  }
  if (index < length) {
    drawPair(key0, key1, pair, stream, distribution);
    out[index] = first;
  }
}

/** The two elements that {@link drawPair} made last. */
let first = 0;
let second = 0;

function drawPair(key0: number, key1: number, pair: number, stream: number, distribution: CounterDistribution): void {
  threefry2x32(key0, key1, pair, stream, block);
  const x0 = block[0]!;
  const x1 = block[1]!;
  if (distribution === 'bits') {
    first = x0;
    second = x1;
  } else if (distribution === 'uniform') {
    first = (x0 >>> 8) * FLOAT_STEP;
    second = (x1 >>> 8) * FLOAT_STEP;
  } else {
    // The added 1 keeps the logarithm finite: u₁ is in (0, 1].
    const radius = Math.sqrt(-2 * Math.log(((x0 >>> 8) + 1) * FLOAT_STEP));
    const angle = 2 * Math.PI * ((x1 >>> 8) * FLOAT_STEP);
    first = radius * Math.cos(angle);
    second = radius * Math.sin(angle);
  }
}

function checkFill(out: Float32Array | Int32Array, distribution: CounterDistribution, offset: number): void {
  if (distribution !== 'bits' && distribution !== 'uniform' && distribution !== 'normal') {
    throw new TypeError(
      `fillCounterRandom: the distribution is '${String(distribution)}'; choose 'uniform', 'normal' or 'bits'.`,
    );
  }
  const wanted = distribution === 'bits' ? Int32Array : Float32Array;
  if (!(out instanceof wanted)) {
    throw new TypeError(
      `fillCounterRandom: '${distribution}' numbers do not fit an array of type ${out.constructor.name}; pass a ${wanted.name}.`,
    );
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(`fillCounterRandom: the offset is ${offset}; pass a whole number of at least 0.`);
  }
  if (out.length > 0 && Math.floor((offset + out.length - 1) / 2) > LARGEST_PAIR_INDEX) {
    throw new RangeError(
      `fillCounterRandom: elements ${offset} to ${offset + out.length - 1} pass the end of the sequence at 2^33; ` +
        'draw from another stream.',
    );
  }
}
