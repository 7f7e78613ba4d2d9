import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatModelCard, readSummary, type Summary } from '../src/index.ts';

const summary: Summary = {
  milestone: 'toy',
  preset: 'laptop',
  seed: 1,
  engine: 'onnx',
  parameters: 20,
  steps: 5,
  minutes: 12.3,
  command: 'pnpm reproduce toy --preset laptop --seed 1',
  commit: '0123456789abcdef',
  metrics: { testBleu: 36.5, otherBleu: 1 },
  targets: [
    {
      metric: 'testBleu',
      claim: 'BLEU',
      paper: null,
      published: 36.52,
      expected: [34, 42],
      measured: 36.5,
      pass: true,
    },
  ],
};

describe('formatModelCard', () => {
  it('says how the weights were made and what they score', () => {
    const card = formatModelCard(summary, {
      name: 'words',
      about: 'A toy.',
      parameters: 1234567,
      precision: 'float16',
      metrics: ['testBleu', 'absent'],
      usage: 'npx toy',
      notes: ['Data.', 'Licence.'],
    });
    for (const part of [
      '# words\n\nA toy.',
      '1,234,567 weights, float16',
      'seed 1, 12.3 minutes',
      'commit 0123456789ab:',
    ]) {
      expect(card).toContain(part);
    }
    expect(card).toMatch(/\| `testBleu` \| +36\.5 \|/);
    expect(card).toContain('34 to 42');
    expect(card).not.toContain('absent');
    expect(card).not.toContain('otherBleu');
    expect(card.endsWith('Licence.\n')).toBe(true);
  });
});

describe('readSummary', () => {
  it('names a folder that is not one of a finished run', () => {
    const folder = mkdtempSync(join(tmpdir(), 'milestones-card-'));
    expect(() => readSummary(folder)).toThrow('has no readable summary.json');
    rmSync(folder, { recursive: true });
  });
});
