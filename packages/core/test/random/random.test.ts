import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random, RandomKey, type RandomState } from '../../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

function draws(random: Random): unknown[] {
  return [
    random.uniform(),
    random.normal(),
    random.integer(100),
    [...random.permutation(5)],
    random.categorical([1, 2, 3]),
  ];
}

describe('Random', () => {
  it('gives the same numbers for the same seed and stream, others for others', () => {
    expect(draws(new Random(3, 'a'))).toEqual(draws(new Random(3, 'a')));
    expect(draws(new Random(3, 'a'))).not.toEqual(draws(new Random(3, 'b')));
    expect(draws(new Random(3, 'a'))).not.toEqual(draws(new Random(4, 'a')));
    expect(new Random(2 ** 40).uniform()).not.toBe(new Random(0).uniform());
  });

  it('pins its numbers: a change of them changes every published result', () => {
    const random = new Random(42, 'pinned');
    expect([random.uniform(), random.normal(), random.integer(1000)]).toMatchInlineSnapshot(`
      [
        0.166141906945946,
        -0.78143078177207,
        340,
      ]
    `);
    expect(Array.from(random.uniformArray(3))).toMatchInlineSnapshot(`
      [
        0.7344721555709839,
        0.0779639482498169,
        0.2004215121269226,
      ]
    `);
    expect([...random.permutation(6)]).toMatchInlineSnapshot(`
      [
        0,
        4,
        3,
        2,
        1,
        5,
      ]
    `);
    expect(random.fork('child').uniform()).toMatchInlineSnapshot(`0.33840353795618316`);
    expect(Array.from(random.keyAt(7).dataSync())).toMatchInlineSnapshot(`
      [
        -1804438463,
        784129569,
      ]
    `);
  });

  it('continues from a saved state as if nothing had happened', () => {
    const random = new Random(9, 'x');
    draws(random);
    random.normalArray(10);
    const saved = JSON.parse(JSON.stringify(random.state())) as RandomState;
    const rest = draws(random);
    expect(draws(Random.fromState(saved))).toEqual(rest);
  });

  it('forks by name, whatever was drawn before', () => {
    const used = new Random(1);
    draws(used);
    expect(used.fork('layer').uniform()).toBe(new Random(1).fork('layer').uniform());
    expect(used.fork('layer').uniform()).not.toBe(used.fork('other').uniform());
    expect(used.fork('layer').uniform()).not.toBe(new Random(1).uniform());
  });

  it('gives a step the same key, whatever was drawn before', () => {
    const used = new Random(1);
    draws(used);
    expect(used.keyAt(5).dataSync()).toEqual(new Random(1).keyAt(5).dataSync());
    expect(used.keyAt(5).dataSync()).not.toEqual(used.keyAt(6).dataSync());
  });

  it('has the moments of its distributions', () => {
    const random = new Random(77);
    const count = 20_000;
    const uniform = Array.from({ length: count }, () => random.uniform());
    const normal = Array.from({ length: count }, () => random.normal());
    const mean = (values: ArrayLike<number>): number =>
      Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
    // Four standard errors of each mean.
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(count));
    expect(Math.abs(mean(normal))).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(mean(normal.map((value) => value ** 2)) - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(count));
    expect(Math.abs(mean(random.uniformArray(count)) - 0.5)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(count));
    expect(Math.abs(mean(random.normalArray(count)))).toBeLessThan(4 / Math.sqrt(count));
  });

  it('draws whole numbers and categories in proportion', () => {
    const random = new Random(5);
    const count = 30_000;
    const dice = new Array<number>(6).fill(0);
    const picked = new Array<number>(3).fill(0);
    for (let index = 0; index < count; index++) {
      dice[random.integer(6)]!++;
      picked[random.categorical([1, 0, 3])]!++;
    }
    // χ² with 5 degrees of freedom: above 20.5 in one case of a thousand.
    expect(dice.reduce((sum, seen) => sum + (seen - count / 6) ** 2 / (count / 6), 0)).toBeLessThan(20.5);
    expect(picked[1]).toBe(0);
    expect(picked[0]! / count).toBeCloseTo(0.25, 2);
  });

  it('permutes: every number once, every order about equally often', () => {
    const random = new Random(6);
    expect([...random.permutation(100)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
    const orders = new Map<string, number>();
    for (let index = 0; index < 6000; index++) {
      const order = random.permutation(3).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(6);
    for (const seen of orders.values()) expect(Math.abs(seen - 1000)).toBeLessThan(150);
  });

  it.each([
    [() => new Random(-1), 'the seed -1 arrived'],
    [() => new Random(1.5), 'the seed 1.5 arrived'],
    [() => new Random(1).integer(0), 'the limit 0 arrived'],
    [() => new Random(1).categorical([]), 'at least one must be above 0'],
    [() => new Random(1).categorical([1, -2]), 'weight 1 is -2'],
    [() => new Random(1).categorical([1, Number.NaN]), 'weight 1 is NaN'],
    [() => Random.fromState({ key: [1], counter: 2 } as unknown as RandomState), 'give what state() returned'],
  ])('refuses bad input %#', (call, message) => {
    expect(call).toThrow(message);
  });
});

describe('RandomKey', () => {
  it('gives the same numbers on every engine', async () => {
    const numbers = async (engine: 'cpu' | 'wasm'): Promise<unknown> => {
      await useBackend(engine);
      const key = new RandomKey(tf.tensor1d([3, 4], 'int32')).fold('layer');
      return [Array.from(key.uniform([7]).dataSync()), Array.from(key.fold(2).normal([2, 3]).dataSync())];
    };
    expect(await numbers('wasm')).toEqual(await numbers('cpu'));
    await useBackend('cpu');
  });

  it('draws other numbers at other places and steps', () => {
    const random = new Random(1);
    const first = new RandomKey(random.keyAt(0));
    const numbers = (key: RandomKey): number[] => Array.from(key.uniform([4]).dataSync());
    expect(numbers(first.fold('a'))).not.toEqual(numbers(first.fold('b')));
    expect(numbers(first.fold('a').fold('b'))).not.toEqual(numbers(first.fold('b').fold('a')));
    expect(numbers(first)).not.toEqual(numbers(new RandomKey(random.keyAt(1))));
  });

  it('refuses a tensor that is no key', () => {
    expect(() => new RandomKey(tf.tensor1d([1, 2]))).toThrow(
      'a float32 tensor of shape [2] arrived; give an int32 tensor of shape [2]',
    );
  });
});
