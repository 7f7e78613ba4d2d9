import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type TokenPairs,
  type TranslationBatch,
  TranslationBatches,
  type TranslationBatchesOptions,
} from '../../src/index.ts';
import { bucketBounds } from '../../src/batches/length-buckets.ts';

const sentence = fc
  .integer({ min: 1, max: 20 })
  .chain((length) =>
    fc
      .array(fc.integer({ min: 4, max: 99 }), { minLength: length, maxLength: length })
      .map((ids) => Int32Array.from(ids)),
  );
const somePairs: fc.Arbitrary<TokenPairs> = fc
  .array(fc.tuple(sentence, sentence), { minLength: 1, maxLength: 60 })
  .map((all) => ({ source: all.map(([source]) => source), target: all.map(([, target]) => target) }));
const size = fc.oneof(
  fc.record({ batchSize: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ tokensPerBatch: fc.integer({ min: 1, max: 90 }) }),
);
const someOptions: fc.Arbitrary<TranslationBatchesOptions> = fc
  .tuple(somePairs, size, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 1000 }), fc.boolean())
  .map(([pairs, sizes, buckets, seed, shuffle]) => ({ pairs, ...sizes, buckets, seed, shuffle }));

function epochOf(batches: TranslationBatches): TranslationBatch[] {
  return Array.from({ length: batches.batchesPerEpoch }, () => batches.next());
}

/** The sentences of one side of a batch, cut out of the padding. */
function rowsOf(batch: TranslationBatch, side: 'source' | 'target'): number[][] {
  const [rows, length] = batch.shapes[side];
  const lengths = side === 'source' ? batch.sourceLengths : batch.targetLengths;
  return Array.from({ length: rows }, (_, row) => {
    const ids = [...batch[side].subarray(row * length, (row + 1) * length)];
    expect(ids.slice(lengths[row]).every((id) => id === 0)).toBe(true);
    return ids.slice(0, lengths[row]);
  });
}

describe('TranslationBatches', () => {
  it('has every pair once per epoch, padded, in few shapes', () => {
    fc.assert(
      fc.property(someOptions, (options) => {
        const batches = new TranslationBatches(options);
        const { source, target } = options.pairs;
        for (let epoch = 0; epoch < 2; epoch++) {
          const seen: number[] = [];
          const shapes = new Set<string>();
          for (const batch of epochOf(batches)) {
            shapes.add(JSON.stringify(batch.shapes));
            const real = [...batch.indices].filter((index) => index >= 0);
            expect(real).toHaveLength(batch.sentences);
            expect(batch.sentences).toBeGreaterThan(0);
            expect(batch.indices).toHaveLength(batch.shapes.source[0]);
            const [sources, targets] = [rowsOf(batch, 'source'), rowsOf(batch, 'target')];
            for (const [row, index] of batch.indices.entries()) {
              expect(sources[row]).toEqual(index < 0 ? [] : [...(source[index] as Int32Array)]);
              expect(targets[row]).toEqual(index < 0 ? [] : [...(target[index] as Int32Array)]);
            }
            seen.push(...real);
          }
          expect(seen.toSorted((a, b) => a - b)).toEqual(source.map((_, index) => index));
          expect(shapes.size).toBeLessThanOrEqual(options.buckets as number);
        }
      }),
    );
  });

  it('resumes as if it had never stopped', () => {
    fc.assert(
      fc.property(someOptions, fc.nat(30), (options, steps) => {
        const undisturbed = new TranslationBatches(options);
        for (let step = 0; step < steps; step++) undisturbed.next();
        const state = JSON.parse(JSON.stringify(undisturbed.state())) as ReturnType<TranslationBatches['state']>;
        const resumed = TranslationBatches.fromState(options.pairs, state);
        expect(resumed.state()).toEqual(state);
        for (let step = 0; step < 5; step++) expect(resumed.next()).toEqual(undisturbed.next());
        expect(resumed.epochOf(resumed.cursor)).toBe(undisturbed.epochOf(undisturbed.cursor));
      }),
    );
  });

  const pairs: TokenPairs = {
    source: Array.from({ length: 200 }, (_, index) => new Int32Array(1 + (index % 17)).fill(index)),
    target: Array.from({ length: 200 }, (_, index) => new Int32Array(1 + ((index + 3) % 19)).fill(index)),
  };
  const order = (options: Partial<TranslationBatchesOptions>, epoch = 0): number[] => {
    const batches = new TranslationBatches({ pairs, batchSize: 16, seed: 1, ...options });
    batches.cursor = epoch * batches.batchesPerEpoch;
    return epochOf(batches).flatMap(({ indices }) => [...indices]);
  };
  it('has another order for another epoch, seed and stream', () => {
    expect(order({})).toEqual(order({}));
    const orders = [order({}), order({}, 1), order({ seed: 2 }), order({ stream: 'other' }), order({ shuffle: false })];
    expect(new Set(orders.map((one) => one.join())).size).toBe(5);
    expect(order({ shuffle: false }, 1)).toEqual(order({ shuffle: false }));
  });
  it('makes batches of about as many tokens', () => {
    const batches = new TranslationBatches({ pairs, tokensPerBatch: 100, buckets: 4, seed: 1 });
    const shapes = epochOf(batches).map(({ shapes: { source, target } }) => [
      source[0],
      Math.max(source[1], target[1]),
    ]);
    for (const [rows, length] of shapes) expect(rows).toBe(Math.floor(100 / length!));
    expect(new Set(shapes.map(([rows]) => rows)).size).toBeGreaterThan(2);
  });
  it('takes the buckets of other batches', () => {
    const { buckets } = new TranslationBatches({ pairs, batchSize: 16, seed: 1, buckets: 3 });
    const few = { source: pairs.source.slice(0, 20), target: pairs.target.slice(0, 20) };
    const others = new TranslationBatches({ pairs: few, batchSize: 4, buckets, seed: 1 });
    for (const { shapes } of epochOf(others)) expect(buckets).toContainEqual([shapes.source[1], shapes.target[1]]);
    expect(
      () =>
        new TranslationBatches({
          pairs,
          batchSize: 4,
          buckets: [
            [5, 5],
            [17, 9],
          ],
          seed: 1,
        }),
    ).toThrow(/pair \d+ has \d+ source and \d+ target tokens, and fits into none of the buckets \[5, 5\] \[17, 9\]/);
  });
  it('refuses pairs that are too long, or leaves them out', () => {
    const options = { pairs, batchSize: 8, seed: 1, maximumLength: 12 };
    expect(() => new TranslationBatches(options)).toThrow(
      'the target of pair 9 has 13 tokens, and the maximum is 12; shorten it, raise the maximum of the model',
    );
    const batches = new TranslationBatches({ ...options, longer: 'skip' });
    const kept = epochOf(batches).reduce((sum, { sentences }) => sum + sentences, 0);
    expect(kept + batches.skipped).toBe(200);
    expect(batches.skipped).toBeGreaterThan(50);
    const resumed = TranslationBatches.fromState(pairs, batches.state());
    expect(resumed.next()).toEqual(batches.next());
    expect(
      () =>
        new TranslationBatches({
          ...options,
          maximumLength: 1,
          longer: 'skip',
          pairs: { source: [[4, 4]], target: [[4]] },
        }),
    ).toThrow('none of 1 pairs can be used; give pairs of at most 1 tokens');
  });
  it('refuses what makes no batches', () => {
    const build = (options: Partial<TranslationBatchesOptions>) => () =>
      new TranslationBatches({ pairs, batchSize: 8, seed: 1, ...options });
    expect(build({ pairs: { source: [[4]], target: [] } })).toThrow('1 source and 0 target sentences arrived');
    expect(build({ pairs: { source: [[4], []], target: [[4], [4]] } })).toThrow('the source of pair 1 has no tokens');
    expect(build({ pairs: { source: [], target: [] } })).toThrow('none of 0 pairs can be used');
    expect(build({ batchSize: 0 })).toThrow('batchSize is 0');
    expect(build({ tokensPerBatch: 10 })).toThrow('batchSize 8 and tokensPerBatch 10 arrived; give one of the two');
    expect(build({ batchSize: undefined })).toThrow('give one of the two');
    expect(build({ buckets: 0 })).toThrow('0 buckets were asked for');
    const state = new TranslationBatches({ pairs, batchSize: 8, seed: 1 }).state();
    expect(() => TranslationBatches.fromState(pairs, { ...state, kind: 'other' as never })).toThrow(
      'a state of kind "other"',
    );
    expect(() => TranslationBatches.fromState({ source: [[4]], target: [[4]] }, state)).toThrow('there are 1 of 2;');
    expect(() => TranslationBatches.fromState(pairs, { ...state, cursor: -1 })).toThrow('step -1 arrived');
  });
});

describe('bucketBounds', () => {
  it('finds the cuts of least padding', () => {
    const costOf = (lengths: readonly number[], bounds: readonly number[]): number =>
      lengths.reduce((sum, length) => sum + (bounds.find((bound) => length <= bound) ?? Infinity), 0);
    /** All ways to choose `count` bounds, the last the largest length. */
    const bestCost = (lengths: readonly number[], count: number): number => {
      const distinct = [...new Set(lengths)].toSorted((a, b) => a - b);
      const choose = (from: number, left: number): number[][] =>
        left === 0 || from === distinct.length
          ? [[]]
          : [...choose(from + 1, left - 1).map((rest) => [distinct[from]!, ...rest]), ...choose(from + 1, left)];
      return Math.min(...choose(0, count - 1).map((bounds) => costOf(lengths, [...bounds, distinct.at(-1)!])));
    };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 5 }),
        (lengths, count) => {
          const bounds = bucketBounds(lengths, count);
          expect(bounds.length).toBeLessThanOrEqual(count);
          expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
          expect(bounds.at(-1)).toBe(Math.max(...lengths));
          expect(costOf(lengths, bounds)).toBe(bestCost(lengths, count));
        },
      ),
    );
  });
});
