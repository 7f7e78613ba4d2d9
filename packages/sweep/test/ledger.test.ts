import { createSearch, parseSpace, type Search } from '@milestones/core/search';
import { Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import { type DocumentStore, FolderDocuments, MemoryDocuments } from '../src/documents.ts';
import { Ledger, trialHistory } from '../src/ledger.ts';
import type { TrialResult } from '../src/trial-record.ts';
import { temporaryFolder } from './sweep-command.ts';

const space = parseSpace({ rate: { kind: 'range', from: 0, to: 1 } });
const search = createSearch({ kind: 'random', space, seed: 1, trials: 20, goal: 'minimize' });
const result = (value: number): TrialResult => ({
  state: 'finished',
  value,
  metrics: {},
  curve: [],
  reason: null,
  minutes: null,
});

/** A store whose answers take turns in a random order, as those of a network do. */
function slowly(documents: DocumentStore, random: Random): DocumentStore {
  const delay = () => new Promise((resolve) => setTimeout(resolve, random.integer(3)));
  return {
    async load(names) {
      await delay();
      const texts = await documents.load(names);
      await delay();
      return texts;
    },
    async replace(name, expected, text) {
      await delay();
      const replaced = await documents.replace(name, expected, text);
      await delay();
      return replaced;
    },
  };
}

describe('the book of a sweep', () => {
  it('lets the latest attempt alone report and record', async () => {
    const ledger = new Ledger(new MemoryDocuments(), search, 5);
    const first = await ledger.begin(3, 'first', '/first');
    expect(await ledger.note(3, first!.attempt.token, { step: 5, curve: [] })).toBe(true);
    const second = await ledger.begin(3, 'second', '/second');
    expect(second!.earlier).toEqual([{ ...first!.attempt, end: 'lost' }]);
    expect(second!.settings).toEqual(first!.settings);
    // The first worker comes back.
    expect(await ledger.note(3, first!.attempt.token, { step: 9, curve: [] })).toBe(false);
    expect(await ledger.record(3, first!.attempt.token, result(1))).toBe(false);
    expect(await ledger.end(3, first!.attempt.token, 'left')).toBe(false);
    expect((await ledger.trials())[3]!.result).toBe(null);

    expect(await ledger.record(3, second!.attempt.token, result(2))).toBe(true);
    expect(await ledger.record(3, first!.attempt.token, result(1))).toBe(false);
    expect((await ledger.trials())[3]!.result).toEqual(result(2));
    expect(await ledger.begin(3, 'third', '/third')).toBe(undefined);
  });

  it('takes a result again from a worker that did not hear the answer, without recording it twice', async () => {
    const ledger = new Ledger(new MemoryDocuments(), search, 5);
    const { attempt } = (await ledger.begin(0, 'first', '/'))!;
    expect(await ledger.record(0, attempt.token, result(1))).toBe(true);
    expect(await ledger.record(0, attempt.token, result(9))).toBe(true);
    expect((await ledger.trials())[0]!.result).toEqual(result(1));
  });

  it('gives a trial up after so many deaths, but not for workers that left', async () => {
    const ledger = new Ledger(new MemoryDocuments(), search, 2);
    for (let round = 0; round < 5; round++) {
      const { attempt } = (await ledger.begin(0, 'polite', '/'))!;
      await ledger.end(0, attempt.token, 'left');
    }
    expect((await ledger.begin(0, 'one', '/'))!.attempt.number).toBe(6);
    expect((await ledger.begin(0, 'two', '/'))!.attempt.number).toBe(7);
    expect(await ledger.begin(0, 'three', '/')).toBe(undefined);
    expect((await ledger.trials())[0]!.result).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^2 attempts died .*\(on one, two\)/),
    });
  });

  it('records every trial once, whoever dies, stalls or returns in between', async () => {
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed, 'storm');
      const documents = new MemoryDocuments();
      const accepted: number[] = [];
      const refused: number[] = [];
      const open = new Set(Array.from({ length: search.trials }, (_, index) => index));
      /** Takes any open trial, also one that another worker is at: all of them suspect each other of being dead. */
      const work = async (name: string): Promise<void> => {
        const ledger = new Ledger(slowly(documents, random), search, 1e6);
        while (open.size > 0) {
          const index = [...open][random.integer(open.size)]!;
          const begun = await ledger.begin(index, name, '/');
          if (begun === undefined) open.delete(index);
          else if (random.uniform() < 0.3) continue; // dies; nobody hears of it
          else if (await ledger.record(index, begun.attempt.token, result(index))) accepted.push(index);
          else refused.push(index);
        }
      };
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map(work));
      expect(accepted.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, index) => index));
      expect(refused.length).toBeGreaterThan(0);
    }
  });

  it('never gives two trials the same suggestion where the search looks at those under way', async () => {
    /** Suggests how many trials it has seen: like a Bayesian search, the suggestion depends on the others. */
    const counting: Search = { trials: 12, suggest: (history) => ({ rate: history.length }) };
    const documents = slowly(new MemoryDocuments(), new Random(1, 'order'));
    const begun = await Promise.all(
      Array.from({ length: 12 }, (_, index) => new Ledger(documents, counting, 5).begin(index, 'any', '/')),
    );
    const rates = begun.map((one) => Number(one!.settings['rate']));
    expect(rates.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  });

  it('tells the search what ended, and what is under way', async () => {
    const ledger = new Ledger(new MemoryDocuments(), search, 5);
    for (const [index, value] of [
      [0, 2],
      [1, Number.NaN],
    ] as const) {
      const { attempt } = (await ledger.begin(index, 'any', '/'))!;
      await ledger.record(index, attempt.token, result(value));
    }
    await ledger.begin(2, 'any', '/');
    const history = trialHistory(await ledger.trials());
    expect(history.map(({ index, state, value }) => [index, state, value])).toEqual([
      [0, 'finished', 2],
      [1, 'finished', undefined], // JSON has no NaN; without a value it does not count
      [2, 'pending', undefined],
    ]);
  });
});

describe.each([
  ['memory', () => new MemoryDocuments()],
  ['a folder', () => new FolderDocuments(temporaryFolder())],
])('documents in %s', (_kind, make) => {
  it('are replaced only by who has seen the present text', async () => {
    const documents = make();
    expect(await documents.load(['a', 'trials/0001'])).toEqual([null, null]);
    expect(await documents.replace('trials/0001', 'x', 'y')).toBe(false);
    expect(await documents.replace('trials/0001', null, 'one')).toBe(true);
    expect(await documents.replace('trials/0001', null, 'two')).toBe(false);
    const tries = ['a', 'b', 'c'].map((text) => documents.replace('trials/0001', 'one', text));
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    expect(await documents.load(['trials/0001'])).toEqual(['a']);
  });
});
