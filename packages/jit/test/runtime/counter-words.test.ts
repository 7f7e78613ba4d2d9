import { describe, expect, it } from 'vitest';
// The numbers' definition lives one package above; nothing but tests looks up.
import { fillCounterRandom } from '../../../backend/src/threefry.ts';
import { fillCounterWords, hasCounterWords } from '../../src/runtime/counter-words.ts';

const keys = [Int32Array.of(0, 0), Int32Array.of(-1, 2 ** 31 - 1), Int32Array.of(1234567, -(2 ** 31))];

describe('random numbers in bulk', () => {
  it('can be made here', () => {
    expect(hasCounterWords()).toBe(true);
  });

  // 32 numbers are a round of the loop, 8192 a call.
  it.each([0, 1, 2, 31, 32, 33, 8192, 8193])('are those of the definition: %i of them', (size) => {
    for (const key of keys) {
      for (const stream of [0, 5, 2 ** 32 - 1]) {
        const [bits, numbers] = [new Int32Array(size), new Float32Array(size)];
        fillCounterRandom(bits, key[0]!, key[1]!, stream, 'bits');
        fillCounterRandom(numbers, key[0]!, key[1]!, stream, 'uniform');
        const [words, unsigned, real] = [new Int32Array(size), new Uint32Array(size), new Float32Array(size)];
        for (const target of [words, unsigned, real]) fillCounterWords(target, key, stream);
        // As bytes, which are compared at once.
        const bytes = ({ buffer }: Int32Array | Uint32Array | Float32Array) => Buffer.from(buffer);
        expect(bytes(words).equals(bytes(bits))).toBe(true);
        expect(bytes(unsigned).equals(bytes(bits))).toBe(true);
        expect(bytes(real).equals(bytes(numbers))).toBe(true);
      }
    }
  });

  it('fill a part of an array and nothing beside it', () => {
    const whole = new Float32Array(12).fill(7);
    fillCounterWords(whole.subarray(2, 9), keys[2]!, 3);
    const wanted = new Float32Array(7);
    fillCounterRandom(wanted, keys[2]![0]!, keys[2]![1]!, 3, 'uniform');
    expect(Array.from(whole)).toEqual([7, 7, ...wanted, 7, 7, 7]);
  });
});
