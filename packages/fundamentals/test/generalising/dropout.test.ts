import { useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { beforeAll, expect, it } from 'vitest';
import { dropout, expectationGap } from '../../src/generalising/dropout.ts';
import { generatedData } from '../../src/index.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('dropout: less sure of what it has seen', async () => {
  const { metrics } = await runQuick(dropout, {
    trainImages: 200,
    testImages: 200,
    hidden: 48,
    steps: 150,
    evaluations: 2,
  });
  expect(metrics['gapShrinks']).toBeGreaterThan(1);
});

it('dropout: keeps the expectation, at any rate', async () => {
  const context = {
    seed: 2,
    random: (name: string) => new Random(2, name),
    data: generatedData(2),
    log: () => {},
    advance: () => {},
    part: <Result>(_name: string, run: () => Promise<Result>) => run(),
  };
  for (const rate of [0, 0.2, 0.8]) {
    const standardError = Math.sqrt(rate / (1 - rate)) / 1000;
    expect(Math.abs(await expectationGap(rate, context))).toBeLessThanOrEqual(4 * standardError + 1e-6);
  }
});
