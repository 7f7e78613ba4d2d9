import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatResultsBlocks, loadResults, type Summary, thinMetrics } from '../src/index.ts';
import { temporaryFolder } from './toy-command.ts';

const summary = (seed: number, measured: number): Summary => ({
  milestone: 'toy',
  preset: 'laptop',
  seed,
  engine: 'cpu',
  parameters: 2,
  steps: 60,
  minutes: 1.5,
  command: `pnpm reproduce toy --preset laptop --seed ${seed}`,
  commit: null,
  metrics: { loss: measured },
  targets: [
    { metric: 'loss', claim: 'low loss', paper: null, published: 0.5, expected: [0.4, 0.6], measured, pass: true },
  ],
});

function repository(): string {
  const root = temporaryFolder();
  for (const [seed, folder] of [
    [1, 'laptop'],
    [2, 'laptop-seed2'],
  ] as const) {
    mkdirSync(join(root, 'packages', 'toy', 'results', folder), { recursive: true });
    const text = JSON.stringify(summary(seed, 0.5 + seed / 100));
    writeFileSync(join(root, 'packages', 'toy', 'results', folder, 'summary.json'), text);
  }
  mkdirSync(join(root, 'packages', 'empty'));
  writeFileSync(join(root, 'packages', 'toy', 'package.json'), '{"milestone":{"title":"Toy","year":1805}}');
  return root;
}

describe('formatResultsBlocks', () => {
  const results = loadResults(repository());

  it('fills a package’s table of targets, and again without a change', () => {
    const text = 'before\n<!-- results:start preset=laptop -->\nold\n<!-- results:end -->\nafter\n';
    const filled = formatResultsBlocks(text, 'packages/toy/README.md', results);
    expect(filled).toContain('| laptop |    1 | low loss |     – |       0.5 | 0.4 to 0.6 |     0.51 | yes  |');
    expect(filled).toContain('| laptop |    2 | low loss |     – |       0.5 | 0.4 to 0.6 |     0.52 | yes  |');
    expect(filled).toContain(
      '- `pnpm reproduce toy --preset laptop --seed 1`: 2 parameters, 60 steps, 1.5 minutes on engine cpu',
    );
    expect(filled).not.toContain('old');
    expect(formatResultsBlocks(filled, 'packages/toy/README.md', results)).toBe(filled);
  });

  it('fills an overview with the seeds side by side', () => {
    const filled = formatResultsBlocks('<!-- results:start overview --><!-- results:end -->', 'README.md', results);
    expect(filled).toContain(
      '| Toy       | 1805 | toy     | laptop | low loss |     – |       0.5 | 0.51 / 0.52 |      2 of 2 | 1.5 / 1.5 |',
    );
  });

  it('shows of a package of many papers the presets that it names, under their own titles', () => {
    const root = repository();
    const name = (presets: object) =>
      writeFileSync(
        join(root, 'packages', 'toy', 'package.json'),
        JSON.stringify({ milestone: { title: 'Toys', presets } }),
      );
    const fill = (where: string) =>
      formatResultsBlocks('<!-- results:start overview --><!-- results:end -->', where, loadResults(root));
    name({ laptop: { title: 'Adam', year: 2014 } });
    expect(fill('README.md')).toContain('| Adam      | 2014 | toy     | laptop |');
    name({ other: { title: 'Adam', year: 2014 } });
    expect(fill('README.md')).toContain('_No results saved yet._');
    expect(fill('packages/toy/README.md')).toContain('| Toys      |      | toy     | laptop |');
  });

  it('fills a table of seeds with one row per claim and their mean', () => {
    const filled = formatResultsBlocks(
      '<!-- results:start seeds --><!-- results:end -->',
      'packages/toy/README.md',
      results,
    );
    expect(filled).toContain('| claim    | published |   expected |  mean | seeds 1 / 2 | pass   |');
    expect(filled).toContain('| low loss |       0.5 | 0.4 to 0.6 | 0.515 | 0.51 / 0.52 | 2 of 2 |');
  });

  it('says so where nothing is saved, and refuses what it does not know', () => {
    const fill = (text: string) => formatResultsBlocks(text, 'README.md', results);
    expect(fill('<!-- results:start milestone=x --><!-- results:end -->')).toContain('_No results saved yet._');
    expect(fill('no block')).toBe('no block');
    expect(() => fill('<!-- results:start -->')).toThrow('README.md: 1 results:start and 0 results:end');
    expect(() => fill('<!-- results:start colour=red --><!-- results:end -->')).toThrow('unknown option colour=red');
    expect(() => fill('<!-- results:start pie --><!-- results:end -->')).toThrow('a table called pie');
  });
});

describe('thinMetrics', () => {
  it('keeps the first, the last, rare metrics and the steps of targets', () => {
    const records = Array.from({ length: 1001 }, (_, step) =>
      step % 500 === 250 ? { step, rare: 1 } : { step, loss: 1 },
    );
    const thin = thinMetrics(records, { limit: 10, keepSteps: [77] });
    const steps = thin.map(({ step }) => step);
    expect(steps).toEqual(expect.arrayContaining([0, 77, 250, 750, 1000]));
    expect(steps.length).toBe(13);
    expect(thinMetrics(records, { limit: 10, keepSteps: [77] })).toEqual(thin);
  });
});
