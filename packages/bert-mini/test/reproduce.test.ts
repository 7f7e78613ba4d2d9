import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateText } from '@milestones/datasets';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { BertClassifier, BertForPretraining, classify } from '../src/index.ts';
import { exportPretrained } from '../src/node/export-pretrained.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('bert-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out()]));

const brief = ['--preset', 'quick', '--backend', 'wasm'].concat(
  settingFlags({
    'pretraining.steps': 4,
    'pretraining.learningRate': 0.001,
    'pretraining.batchSize': 4,
    'fineTuning.seeds': 1,
    'fineTuning.minimumSteps': 2,
    'fineTuning.labelShares': 0.02,
    'fineTuning.length': 12,
    'model.features': 8,
    'model.initialDeviation': 0.02,
    'model.layers': 1,
    checkpointEvery: 2,
    logEvery: 2,
  }),
);
/** Few sentences of the user's own, to pre-train on and to tune to. */
async function ownData(): Promise<string[]> {
  const [text, table] = [out('own.txt'), out('own.tsv')];
  await writeFile(text, generateText({ characters: 12_000, seed: 1 }));
  await writeFile(table, `sentence\tlabel\n${'the dog runs.\t1\nthe cat sleeps.\t0\n'.repeat(10)}`);
  const data = { 'data.corpus': 'file', 'data.file': text, 'data.task': 'file', 'data.train': table };
  return settingFlags({
    ...data,
    'data.validation': table,
    'model.vocabularySize': 120,
    'fineTuning.labelShares': 0.5,
  });
}
const runFolder = (): string => onlyRunFolder(out(), 'bert-mini');

describe('reproduce', () => {
  it('pre-trains, fine-tunes with and without it, and leaves models that can be used', async () => {
    const { code } = await run(...brief, ...(await ownData()), ...settingFlags({ 'fineTuning.lstm': true }));
    expect(code).toBe(1);
    const summary = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'bert-mini', preset: 'quick', steps: 4 });
    expect(summary.metrics.gain50).toBeCloseTo(summary.metrics.accuracy50 - summary.metrics.random50, 6);
    expect(summary.metrics.lstm50).toBeGreaterThanOrEqual(0);
    expect(Math.abs(summary.metrics.initialMaskedLoss - Math.log(120))).toBeLessThan(0.2);
    const model = await BertForPretraining.fromPretrained(join(runFolder(), 'model'));
    const classifier = await BertClassifier.fromPretrained(join(runFolder(), 'classifier'));
    const guesses = await classify(classifier, 'the dog runs.');
    expect(guesses.length).toBe(2);
    model.dispose();
    classifier.dispose();

    await exportPretrained(join(runFolder(), 'classifier'), out('mine'));
    const exported = await BertClassifier.fromPretrained(out('mine'));
    const [guess] = await classify(exported, 'the dog runs.');
    expect(guess!.name).toBe(guesses[0]!.name);
    expect(guess!.probability).toBeCloseTo(guesses[0]!.probability, 2);
    exported.dispose();
    const card = readFileSync(out('mine', 'README.md'), 'utf8');
    expect(card).toContain('the text of the run (data.corpus file)');
    expect(card).not.toContain('WikiText-2 is');
    await expect(exportPretrained(runFolder(), out('mine'))).rejects.toThrow('give the folder');
  });

  it('stopped in pre-training, at its end, and between two fine-tunings, ends as if it had not been, byte for byte', async () => {
    const changes = { 'pretraining.steps': 8, 'model.dropout': 0.1, 'fineTuning.learningRates': '[0.001,0.01]' };
    const more = [...(await ownData()), ...settingFlags(changes)];
    await run(...brief, ...more);
    const whole = runFolder();
    await rename(whole, out('whole'));
    /** Runs on, and is told to stop as soon as the checkpoint is there. */
    const stopAt = async (checkpoint: string, ...argv: string[]): Promise<void> => {
      const isThere = (): boolean =>
        readdirSync(out('bert-mini')).some((name) => existsSync(out('bert-mini', name, 'checkpoints', checkpoint)));
      const watch = setInterval(() => {
        if (!isThere()) return;
        clearInterval(watch);
        process.emit('SIGINT');
      }, 1);
      const { code, stdout } = await run(...argv);
      clearInterval(watch);
      expect(code).toBe(130);
      expect(stdout).toContain('Stopped. Continue with');
      expect(existsSync(join(runFolder(), 'summary.json'))).toBe(false);
    };
    await stopAt('step-000002', ...brief, ...more);
    expect(existsSync(join(runFolder(), 'classifier'))).toBe(false);
    await stopAt('step-000008', '--resume', runFolder(), '--backend', 'wasm');
    await stopAt('step-000009', '--resume', runFolder(), '--backend', 'wasm');
    await run('--resume', runFolder(), '--backend', 'wasm');
    for (const file of [
      'metrics.jsonl',
      'model/model.safetensors',
      'classifier/model.safetensors',
      'model/vocab.txt',
    ]) {
      const expected = readFileSync(out('whole', file));
      expect(readFileSync(join(runFolder(), file)).equals(expected), file).toBe(true);
    }
    const metricsOf = (folder: string): object =>
      JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')).metrics as object;
    expect(metricsOf(runFolder())).toEqual(metricsOf(out('whole')));
  });

  it('says what the presets are: sizes tiny and base', async () => {
    expect((await run('--preset', 'laptop', '--dry-run')).stdout).toMatch(/parameters +1,?478,?528/);
    expect((await run('--preset', 'paper', '--dry-run')).stdout).toMatch(/parameters +109,?482,?240/);
    expect(existsSync(out('bert-mini'))).toBe(false);
  });

  it('names what is missing', async () => {
    const { stderr } = await run(...brief, ...settingFlags({ 'data.task': 'file' }));
    expect(stderr).toContain('--set data.train=<TSV> --set data.validation=<TSV>');
    const offline = await run('--preset', 'laptop', '--offline', '--data', out('empty'), '--backend', 'cpu');
    expect(offline.code).toBe(1);
    expect(offline.stderr).toContain(out('empty', 'sst-2'));
  });
});
