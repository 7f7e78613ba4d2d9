import { describe, expect, it } from 'vitest';
import { fillCounterRandom, threefry2x32 } from '@milestones/backend';

const words = (key0: number, key1: number, counter0: number, counter1: number): string[] => {
  const out = new Uint32Array(2);
  threefry2x32(key0, key1, counter0, counter1, out);
  return [...out].map((word) => word.toString(16).padStart(8, '0'));
};

describe('threefry2x32', () => {
  // The known answers that the authors of Random123 publish for 20 rounds.
  it('gives the published words', () => {
    expect(words(0, 0, 0, 0)).toEqual(['6b200159', '99ba4efe']);
    expect(words(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toEqual(['1cb996fc', 'bb002be7']);
    expect(words(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual(['c4923a9c', '483df7a0']);
  });

  it('takes signed and unsigned words alike, and writes both kinds of array', () => {
    expect(words(-1, -1, -1, -1)).toEqual(words(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff));
    const signed = new Int32Array(2);
    threefry2x32(0, 0, 0, 0, signed);
    expect([...signed]).toEqual([0x6b200159 | 0, 0x99ba4efe | 0]);
  });
});

describe('fillCounterRandom', () => {
  it('lays the words of block i / 2 out in order', () => {
    const bits = new Int32Array(5);
    fillCounterRandom(bits, 7, 8, 3, 'bits');
    const expected = [0, 1, 2].flatMap((pair) => {
      const out = new Int32Array(2);
      threefry2x32(7, 8, pair, 3, out);
      return [...out];
    });
    expect([...bits]).toEqual(expected.slice(0, 5));
  });

  it.each(['uniform', 'normal', 'bits'] as const)('continues %s numbers at any offset', (distribution) => {
    const make = (length: number) => (distribution === 'bits' ? new Int32Array(length) : new Float32Array(length));
    const whole = make(20);
    fillCounterRandom(whole, 1, 2, 0, distribution);
    for (const offset of [0, 1, 2, 7, 10]) {
      for (const length of [0, 1, 2, 3, 8]) {
        const part = make(length);
        fillCounterRandom(part, 1, 2, 0, distribution, offset);
        expect([...part]).toEqual([...whole.subarray(offset, offset + length)]);
      }
    }
  });

  it('makes uniform numbers of the upper 24 bits', () => {
    const bits = new Int32Array(1000);
    const uniform = new Float32Array(1000);
    fillCounterRandom(bits, 5, 6, 9, 'bits');
    fillCounterRandom(uniform, 5, 6, 9, 'uniform');
    expect([...uniform]).toEqual([...bits].map((word) => (word >>> 8) / 2 ** 24));
    expect(Math.max(...uniform)).toBeLessThan(1);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
  });

  it('makes normal numbers by the Box-Muller transform of a pair', () => {
    const bits = new Int32Array(2);
    const normal = new Float32Array(2);
    fillCounterRandom(bits, 5, 6, 9, 'bits');
    fillCounterRandom(normal, 5, 6, 9, 'normal');
    const radius = Math.sqrt(-2 * Math.log(((bits[0]! >>> 8) + 1) / 2 ** 24));
    const angle = 2 * Math.PI * ((bits[1]! >>> 8) / 2 ** 24);
    expect(normal[0]).toBeCloseTo(radius * Math.cos(angle), 6);
    expect(normal[1]).toBeCloseTo(radius * Math.sin(angle), 6);
  });

  it('has the moments of its distributions', () => {
    const count = 200_000;
    const values = new Float32Array(count);
    const moments = () => {
      let mean = 0;
      let square = 0;
      let fourth = 0;
      for (const value of values) mean += value / count;
      for (const value of values) {
        square += (value - mean) ** 2 / count;
        fourth += (value - mean) ** 4 / count;
      }
      return { mean, variance: square, kurtosis: fourth / square ** 2 };
    };
    fillCounterRandom(values, 11, 12, 0, 'uniform');
    let { mean, variance, kurtosis } = moments();
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
    fillCounterRandom(values, 11, 12, 0, 'normal');
    ({ mean, variance, kurtosis } = moments());
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.01);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.06);
  });

  it('differs between keys and between streams', () => {
    const draw = (key0: number, key1: number, stream: number) => {
      const out = new Int32Array(64);
      fillCounterRandom(out, key0, key1, stream, 'bits');
      return [...out];
    };
    const sequences = [draw(1, 0, 0), draw(0, 1, 0), draw(1, 0, 1), draw(1, 0, 2)];
    expect(new Set(sequences.flat()).size).toBe(4 * 64);
  });

  it('refuses what it cannot fill', () => {
    expect(() => fillCounterRandom(new Int32Array(1), 0, 0, 0, 'normal')).toThrow(
      "fillCounterRandom: 'normal' numbers do not fit an array of type Int32Array; pass a Float32Array.",
    );
    expect(() => fillCounterRandom(new Float32Array(1), 0, 0, 0, 'uniform', -1)).toThrow(/offset is -1/);
    expect(() => fillCounterRandom(new Float32Array(3), 0, 0, 0, 'uniform', 2 ** 33 - 2)).toThrow(/another stream/);
    expect(() => fillCounterRandom(new Float32Array(1), 0, 0, 0, 'gamma' as 'normal')).toThrow(
      /distribution is 'gamma'/,
    );
  });
});
