import { describe, expect, it } from 'vitest';
import { ShuffledBatches } from '../../src/index.ts';

function epoch(batches: ShuffledBatches, number: number): number[] {
  const start = number * batches.batchesPerEpoch;
  return Array.from({ length: batches.batchesPerEpoch }, (_, index) => [...batches.at(start + index)]).flat();
}

describe('ShuffledBatches', () => {
  it('gives every example once per epoch, in another order each time', () => {
    const batches = new ShuffledBatches({ examples: 23, batchSize: 5, seed: 1 });
    expect(batches.batchesPerEpoch).toBe(5);
    const orders = [0, 1, 2].map((number) => epoch(batches, number));
    for (const order of orders) {
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, index) => index));
    }
    expect(new Set(orders.map(String)).size).toBe(3);
    expect(batches.at(4)).toHaveLength(3);
  });

  it('leaves the rest out where asked', () => {
    const batches = new ShuffledBatches({ examples: 23, batchSize: 5, seed: 1, dropLast: true });
    expect(batches.batchesPerEpoch).toBe(4);
    const order = epoch(batches, 0);
    expect(order).toHaveLength(20);
    expect(new Set(order).size).toBe(20);
    // Which examples are left out changes from epoch to epoch: over some epochs all are seen.
    const seen = new Set(Array.from({ length: 12 }, (_, number) => epoch(batches, number)).flat());
    expect(seen.size).toBe(23);
  });

  it('counts epochs', () => {
    const batches = new ShuffledBatches({ examples: 10, batchSize: 5, seed: 1 });
    expect([0, 1, 2, 3, 4].map((step) => batches.epochOf(step))).toEqual([0, 0, 1, 1, 2]);
  });

  it('depends on seed, stream and step alone', () => {
    const options = { examples: 40, batchSize: 8, seed: 3 };
    const forwards = new ShuffledBatches(options);
    const batches = Array.from({ length: 12 }, () => forwards.next());
    const other = new ShuffledBatches(options);
    for (const step of [11, 0, 7, 3, 8]) expect(other.at(step)).toEqual(batches[step]);
    expect(new ShuffledBatches({ ...options, seed: 4 }).at(0)).not.toEqual(batches[0]);
    expect(new ShuffledBatches({ ...options, stream: 'other' }).at(0)).not.toEqual(batches[0]);
  });

  it('continues in the middle of an epoch', () => {
    const batches = new ShuffledBatches({ examples: 23, batchSize: 5, seed: 1, dropLast: true });
    for (let step = 0; step < 6; step++) batches.next();
    const resumed = ShuffledBatches.fromState(23, JSON.parse(JSON.stringify(batches.state())));
    for (let step = 0; step < 6; step++) expect(resumed.next()).toEqual(batches.next());
  });

  it('gives batches that the caller may change', () => {
    const batches = new ShuffledBatches({ examples: 4, batchSize: 2, seed: 1 });
    const before = [...batches.at(0)];
    batches.at(0).fill(9);
    expect([...batches.at(0)]).toEqual(before);
  });

  it('refuses what cannot work', () => {
    expect(() => new ShuffledBatches({ examples: 4, batchSize: 5, seed: 1 })).toThrow(
      'the batch size 5 arrived for 4 examples; give a whole number from 1 to 4.',
    );
    expect(() => new ShuffledBatches({ examples: 0, batchSize: 1, seed: 1 })).toThrow('0 examples arrived');
    const batches = new ShuffledBatches({ examples: 4, batchSize: 2, seed: 1 });
    expect(() => batches.at(0.5)).toThrow('step 0.5 arrived');
    expect(() => ShuffledBatches.fromState(5, batches.state())).toThrow(
      'the state was taken with 4 examples, but there are 5',
    );
    expect(() => ShuffledBatches.fromState(4, { kind: 'random-windows' } as never)).toThrow('kind "random-windows"');
  });
});
