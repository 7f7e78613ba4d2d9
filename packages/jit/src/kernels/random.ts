/**
 * Random numbers that a key and a position determine. Where the key is an argument of the step, uniform ones are drawn beside
 * the graph and fed, a hundred times faster; else they are computed in the graph: Threefry-2x32 with 20 rounds in unsigned 32-bit operations.
 * Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.
 * The numbers are those of the kernel on the host, bit for bit where they are bits or uniform.
 */
import { elementwise } from '../build/elementwise.ts';
import { cast, concat, reshape, slice } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

/** The constant that derives the third key word from the other two. */
const KEY_PARITY = 0x1bd11bda;

/** By how many bits each round rotates; every fourth round is followed by the key. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6] as const;

/** 2⁻²⁴: the upper 24 bits of a word are a real number in [0, 1). */
const FLOAT_STEP = 2 ** -24;

const op = (graph: Graph, name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
const word = (graph: Graph, number: number): Value => graph.scalar(number >>> 0, 'uint32');

/** Multiplied by 2ᵇⁱᵗˢ instead of shifted, added instead of united: the same bits, in a third of ONNX Runtime's time. */
function rotate(graph: Graph, x: Value, bits: number): Value {
  return op(graph, 'Add', op(graph, 'Mul', x, word(graph, 2 ** bits)), shiftRight(graph, x, 32 - bits));
}

const shiftRight = (graph: Graph, x: Value, bits: number): Value =>
  elementwise(graph, 'BitShift', [x, word(graph, bits)], { direction: 'RIGHT' });

/** The two words of each block whose counter is (its number, stream). */
function threefry(graph: Graph, key: readonly [Value, Value], counters: Value, stream: number): [Value, Value] {
  const third = op(graph, 'BitwiseXor', op(graph, 'BitwiseXor', key[0], key[1]), word(graph, KEY_PARITY));
  const keys = [key[0], key[1], third] as const;
  let first = op(graph, 'Add', counters, keys[0]);
  let second = op(graph, 'Add', word(graph, stream), keys[1]);
  rotations.forEach((bits, round) => {
    first = op(graph, 'Add', first, second);
    second = op(graph, 'BitwiseXor', rotate(graph, second, bits), first);
    if (round % 4 !== 3) return;
    const injection = (round + 1) / 4;
    first = op(graph, 'Add', first, keys[injection % 3]!);
    // The two key words are added to each other first: they are single numbers.
    second = op(graph, 'Add', second, op(graph, 'Add', keys[(injection + 1) % 3]!, word(graph, injection)));
  });
  return [first, second];
}

/** The pair of standard normal numbers that two words give (Box and Muller 1958), in double precision as on the host. */
function normalPair(graph: Graph, [first, second]: readonly [Value, Value]): [Value, Value] {
  const dtype = 'float64';
  const number = (value: number): Value => graph.scalar(value, dtype);
  const fraction = (bits: Value, add: number): Value => {
    const whole = cast(graph, shiftRight(graph, bits, 8), dtype);
    return op(graph, 'Mul', op(graph, 'Add', whole, number(add)), number(FLOAT_STEP));
  };
  // The added 1 keeps the logarithm finite.
  const logarithm = op(graph, 'Log', fraction(first, 1));
  const radius = op(graph, 'Sqrt', op(graph, 'Mul', logarithm, number(-2)));
  const angle = op(graph, 'Mul', fraction(second, 0), number(2 * Math.PI));
  return [op(graph, 'Mul', radius, op(graph, 'Cos', angle)), op(graph, 'Mul', radius, op(graph, 'Sin', angle))];
}

const counterRandom: Kernel = (graph, { key }, attributes) => {
  const { stream, shape, distribution } = attributes as { stream: number; shape: number[]; distribution: string };
  const size = sizeOf(shape);
  const pairs = Math.max(1, Math.ceil(size / 2));
  if (distribution !== 'normal') {
    const drawn = size > 0 ? graph.draw(key!, stream, shape, distribution === 'bits' ? 'int32' : 'float32') : undefined;
    if (drawn !== undefined) return drawn;
  }
  const keyWord = (index: number): Value => cast(graph, slice(graph, key!, [index], [1]), 'uint32');
  const bound = (number: number): Value => graph.scalar(number, 'int64');
  const computed = (): [Value, Value] => {
    const counters = graph.op('Range', [bound(0), bound(pairs), bound(1)], {}, [pairs], 'int64');
    return threefry(graph, [keyWord(0), keyWord(1)], cast(graph, counters, 'uint32'), stream);
  };
  // Elements 2i and 2i + 1 are the two numbers of block i.
  const interleaved = ([first, second]: readonly [Value, Value]): Value => {
    const columns = [reshape(graph, first, [pairs, 1]), reshape(graph, second, [pairs, 1])];
    const flat = reshape(graph, concat(graph, columns, 1), [2 * pairs]);
    return reshape(graph, slice(graph, flat, [0], [size]), shape);
  };
  if (distribution === 'normal') {
    const drawn = graph.draw(key!, stream, [pairs, 2], 'uint32');
    const column = (index: number): Value => reshape(graph, slice(graph, drawn!, [0, index], [pairs, 1]), [pairs]);
    return interleaved(narrowed(graph, normalPair(graph, drawn === undefined ? computed() : [column(0), column(1)])));
  }
  const words = computed();
  if (distribution === 'bits') return cast(graph, interleaved(words), 'int32');
  const upper = cast(graph, shiftRight(graph, interleaved(words), 8), 'float32');
  return op(graph, 'Mul', upper, graph.scalar(FLOAT_STEP));
};

const narrowed = (graph: Graph, [first, second]: readonly [Value, Value]): [Value, Value] => [
  cast(graph, first, 'float32'),
  cast(graph, second, 'float32'),
];

/** See the file's head. The kernel's name is that of the backend package. */
export const randomKernels: KernelFamily = {
  MilestonesCounterRandom: counterRandom,
};
