import { useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { bigramLoss, characterRnn, CharacterNet } from '../../src/unsupervised/character-rnn.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

describe('bigramLoss', () => {
  it('is the mean of − ln (n(a b) + 1) / (n(a) + V)', () => {
    // In 0 1 0 1 0 2: 0→1 twice, 0→2 once, 1→0 twice.
    const train = Int32Array.of(0, 1, 0, 1, 0, 2);
    const loss = bigramLoss(train, Int32Array.of(0, 1, 0, 2, 2), 3);
    const expected = [3 / 6, 3 / 5, 2 / 6, 1 / 3].map((p) => -Math.log(p));
    expect(loss).toBeCloseTo(expected.reduce((sum, value) => sum + value, 0) / 4, 12);
  });

  it('is ln V without any training', () => {
    expect(bigramLoss(new Int32Array(), Int32Array.of(3, 1, 4, 1), 5)).toBeCloseTo(Math.log(5), 12);
  });
});

describe('character-rnn', () => {
  it('has 107,713 weights for the 65 letters of tiny Shakespeare', () => {
    // 4 · 128 · (65 + 128 + 1) for the LSTM, 129 · 65 for the head.
    expect(new CharacterNet(65, 128).parameterCount()).toBe(99_328 + 8385);
  });

  it('learns more than a table of letters in 60 updates', async () => {
    const changes = {
      characters: 20_000,
      hidden: 48,
      context: 24,
      steps: 60,
      learningRate: 0.02,
      evaluationBatches: 4,
    };
    const { metrics, notes } = await runQuick(characterRnn, changes);
    expect(metrics['gainOverBigram']).toBeGreaterThan(0);
    expect(metrics['aboveEntropy']).toBeGreaterThan(0);
    expect(notes![0]!.length).toBeGreaterThan(200);
  });
});
