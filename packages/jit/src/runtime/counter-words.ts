/**
 * Random numbers that a key and a position determine, in bulk on the processor: Threefry-2x32 with 20 rounds (Salmon, Moraes,
 * Dror and Shaw 2011, section 3), the numbers of `../kernels/random.ts`. As nodes of a graph a number costs a hundred passes
 * over memory; here four blocks at a time stay in registers, in a WebAssembly function that is assembled below.
 */

/** The constant that derives the third key word from the other two. */
const KEY_PARITY = 0x1bd11bda;

/** By how many bits each round rotates; every fourth round is followed by the key. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6] as const;

/** Blocks of four that are under way at once: each waits for its last operation while the others have their turn. */
const CHAINS = 4;
const BLOCKS_A_ROUND = 4 * CHAINS;
/** Blocks that one call makes: 32 kB of results, which stay in the nearest cache. */
const BLOCKS_A_CALL = 4096;

interface Words {
  readonly fill: (count: number, counter: number, first: number, second: number, stream: number, real: number) => void;
  readonly memory: ArrayBuffer;
}

let words: Words | undefined | null;

/** Whether this JavaScript engine has what {@link fillCounterWords} needs: vectors in WebAssembly. */
export function hasCounterWords(): boolean {
  return load() !== null;
}

/**
 * Fills an array with the numbers of a key and a stream: words as they are, or as real numbers in [0, 1).
 *
 * @param target elements 2i and 2i + 1 are the two words of block i
 * @param key two words
 */
export function fillCounterWords(
  target: Uint32Array | Int32Array | Float32Array,
  key: Int32Array,
  stream: number,
): void {
  const { fill, memory } = load()!;
  const real = target instanceof Float32Array;
  const made = real ? new Float32Array(memory) : new Uint32Array(memory);
  for (let start = 0; start < target.length; start += 2 * BLOCKS_A_CALL) {
    const length = Math.min(target.length - start, 2 * BLOCKS_A_CALL);
    const rounds = Math.ceil(length / (2 * BLOCKS_A_ROUND));
    fill(rounds, start / 2, key[0]!, key[1]!, stream | 0, Number(real));
    target.set(made.subarray(0, length), start);
  }
}

function load(): Words | null {
  if (words !== undefined) return words;
  const program = assemble();
  words = null;
  if (typeof WebAssembly !== 'undefined' && WebAssembly.validate(program)) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(program));
    words = { fill: exports['fill'] as Words['fill'], memory: (exports['memory'] as WebAssembly.Memory).buffer };
  }
  return words;
}

/** An unsigned number in WebAssembly's variable length. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** A signed number of 32 bits. */
function signed(value: number): number[] {
  const byte = value & 127;
  const rest = value >> 7;
  const isLast = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0);
  return isLast ? [byte] : [byte | 128, ...signed(rest)];
}

const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const section = (id: number, items: readonly (readonly number[])[]): number[] => [
  id,
  ...sized([...unsigned(items.length), ...items.flat()]),
];
const named = (name: string): number[] => sized([...new TextEncoder().encode(name)]);

/** The module: a page of memory, and `fill(rounds, counter, first, second, stream, real)`, which writes from its beginning. */
function assemble(): Uint8Array<ArrayBuffer> {
  const [I32, V128] = [0x7f, 0x7b];
  const vector = (code: number, ...rest: number[]): number[] => [0xfd, ...unsigned(code), ...rest];
  const SPLAT = vector(0x11);
  const ADD = vector(0xae);
  const SHIFT_LEFT = vector(0xab);
  const SHIFT_RIGHT = vector(0xad);
  const OR = vector(0x50);
  const XOR = vector(0x51);
  const TO_REAL = vector(0xfa);
  const MULTIPLY = vector(0xe6);
  const get = (index: number): number[] => [0x20, ...unsigned(index)];
  const set = (index: number): number[] => [0x21, ...unsigned(index)];
  const tee = (index: number): number[] => [0x22, ...unsigned(index)];
  const integer = (value: number): number[] => [0x41, ...signed(value | 0)];

  const [rounds, counter, first, second, stream, real] = [0, 1, 2, 3, 4, 5];
  const address = 6;
  const keys = [7, 8, 9]; // Splat.
  const counters = 10; // Of the first chain.
  const left = (chain: number): number => 11 + 2 * chain;
  const right = (chain: number): number => 12 + 2 * chain;
  const streamWord = 11 + 2 * CHAINS;
  const chains = Array.from({ length: CHAINS }, (_, chain) => chain);

  const four = (numbers: readonly number[]): number[] =>
    vector(0x0c, ...new Uint8Array(Int32Array.from(numbers).buffer));
  const each = (emit: (chain: number) => number[]): number[] => chains.flatMap(emit);

  const mix = rotations.flatMap((bits, round) => {
    const injection = (round + 1) / 4;
    return [
      ...each((chain) => [...get(left(chain)), ...get(right(chain)), ...ADD, ...set(left(chain))]),
      ...each((chain) => [
        ...get(right(chain)),
        ...integer(bits),
        ...SHIFT_LEFT,
        ...get(right(chain)),
        ...integer(32 - bits),
        ...SHIFT_RIGHT,
        ...OR,
        ...get(left(chain)),
        ...XOR,
        ...set(right(chain)),
      ]),
      ...(round % 4 !== 3
        ? []
        : each((chain) => [
            ...get(left(chain)),
            ...get(keys[injection % 3]!),
            ...ADD,
            ...set(left(chain)),
            ...get(right(chain)),
            ...get(keys[(injection + 1) % 3]!),
            ...ADD,
            ...four([injection, injection, injection, injection]),
            ...ADD,
            ...set(right(chain)),
          ])),
    ];
  });

  /** The words of both sides by turns: half 0 has those of the first two blocks. */
  const interleaved = (chain: number, half: number): number[] => {
    const lanes = [0, 4, 1, 5].map((lane) => lane + 2 * half);
    const bytes = lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));
    return [...get(left(chain)), ...get(right(chain)), ...vector(0x0d, ...bytes)];
  };
  const store = (convert: readonly number[]): number[] =>
    each((chain) =>
      [0, 1].flatMap((half) => [
        ...get(address),
        ...interleaved(chain, half),
        ...convert,
        ...vector(0x0b, 4, ...unsigned(32 * chain + 16 * half)),
      ]),
    );
  // The upper 24 bits of a word, times 2⁻²⁴.
  const unit = new Int32Array(Float32Array.of(2 ** -24).buffer)[0]!;
  const toReal = [...integer(8), ...SHIFT_RIGHT, ...TO_REAL, ...four([unit, unit, unit, unit]), ...MULTIPLY];

  const body = [
    ...get(first),
    ...SPLAT,
    ...tee(keys[0]!),
    ...get(second),
    ...SPLAT,
    ...tee(keys[1]!),
    ...XOR,
    ...integer(KEY_PARITY),
    ...SPLAT,
    ...XOR,
    ...set(keys[2]!),
    ...get(stream),
    ...SPLAT,
    ...get(keys[1]!),
    ...ADD,
    ...set(streamWord),
    ...get(counter),
    ...SPLAT,
    ...four([0, 1, 2, 3]),
    ...ADD,
    ...get(keys[0]!),
    ...ADD,
    ...set(counters),
    0x03, // loop
    0x40,
    ...each((chain) => [
      ...get(counters),
      ...four([4 * chain, 4 * chain, 4 * chain, 4 * chain]),
      ...ADD,
      ...set(left(chain)),
      ...get(streamWord),
      ...set(right(chain)),
    ]),
    ...mix,
    ...get(real),
    0x04, // if
    0x40,
    ...store(toReal),
    0x05, // else
    ...store([]),
    0x0b,
    ...get(counters),
    ...four([BLOCKS_A_ROUND, BLOCKS_A_ROUND, BLOCKS_A_ROUND, BLOCKS_A_ROUND]),
    ...ADD,
    ...set(counters),
    ...get(address),
    ...integer(8 * BLOCKS_A_ROUND),
    0x6a, // i32.add
    ...set(address),
    ...get(rounds),
    ...integer(1),
    0x6b, // i32.sub
    ...tee(rounds),
    0x0d, // br_if
    0,
    0x0b,
    0x0b,
  ];
  const locals = [
    [1, I32],
    [streamWord - address, V128],
  ].map(([count, type]) => [...unsigned(count!), type!]);
  const code = sized([...unsigned(locals.length), ...locals.flat(), ...body]);
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [[0x60, 6, I32, I32, I32, I32, I32, I32, 0]]),
    ...section(3, [[0]]),
    ...section(5, [[0, 1]]),
    ...section(7, [
      [...named('memory'), 2, 0],
      [...named('fill'), 0, 0],
    ]),
    ...section(10, [code]),
  ]);
}
