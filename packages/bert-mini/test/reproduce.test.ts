import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BertClassifier, BertForPretraining, classify } from '../src/index.ts';
import { main } from '../src/reproduce.ts';

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'milestones-bert-run-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out]));

const brief = ['--preset', 'quick', '--backend', 'cpu'].concat(
  settingFlags({
    'pretraining.steps': 4,
    'pretraining.learningRate': 0.001,
    'pretraining.batchSize': 4,
    'fineTuning.seeds': 1,
    'fineTuning.minimumSteps': 2,
    'fineTuning.labelShares': 0.02,
    'model.features': 8,
    'model.initialDeviation': 0.02,
    'model.layers': 1,
    checkpointEvery: 2,
    logEvery: 2,
  }),
);
const runFolder = (): string => onlyRunFolder(out, 'bert-mini');

describe('reproduce', () => {
  it('pre-trains, fine-tunes with and without it, and leaves models that can be used', async () => {
    const own = join(out, 'own.tsv');
    await writeFile(own, `sentence\tlabel\n${'the dog runs.\t1\nthe cat sleeps.\t0\n'.repeat(30)}`);
    const task = { 'data.task': 'file', 'data.train': own, 'data.validation': own, 'fineTuning.lstm': true };
    const { code } = await run(...brief, ...settingFlags(task));
    expect(code).toBe(1);
    const summary = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'bert-mini', preset: 'quick', steps: 4 });
    expect(summary.metrics.gain2).toBeCloseTo(summary.metrics.accuracy2 - summary.metrics.random2, 6);
    expect(summary.metrics.lstm2).toBeGreaterThanOrEqual(0);
    expect(Math.abs(summary.metrics.initialMaskedLoss - Math.log(160))).toBeLessThan(0.2);
    const model = await BertForPretraining.fromPretrained(join(runFolder(), 'model'));
    const classifier = await BertClassifier.fromPretrained(join(runFolder(), 'classifier'));
    expect((await classify(classifier, 'the dog runs.')).length).toBe(2);
    model.dispose();
    classifier.dispose();
  });

  it('says what the presets are: sizes tiny and base', async () => {
    expect((await run('--preset', 'laptop', '--dry-run')).stdout).toMatch(/parameters +1,?478,?528/);
    expect((await run('--preset', 'paper', '--dry-run')).stdout).toMatch(/parameters +109,?482,?240/);
    expect(existsSync(join(out, 'bert-mini'))).toBe(false);
  });

  it('names what is missing', async () => {
    const { stderr } = await run(...brief, ...settingFlags({ 'data.task': 'file' }));
    expect(stderr).toContain('--set data.train=<TSV> --set data.validation=<TSV>');
    const offline = await run('--preset', 'laptop', '--offline', '--data', join(out, 'empty'), '--backend', 'cpu');
    expect(offline.code).toBe(1);
    expect(offline.stderr).toContain(join(out, 'empty', 'sst-2'));
  });
});
