import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { Gpt } from '../src/index.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('gpt-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out()]));

/** A run of seconds: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'cpu',
  ...settingFlags({
    'training.steps': 8,
    'training.warmupSteps': 2,
    'training.batchSize': 4,
    'training.evaluateEvery': 4,
    'training.evaluationBatches': 1,
    'training.checkpointEvery': 4,
    'training.logEvery': 2,
    'training.sampleCharacters': 20,
    'data.generatedCharacters': 20_000,
  }),
];

const runFolder = (): string => onlyRunFolder(out(), 'gpt-mini');

describe('reproduce', () => {
  it('trains, writes the run folder, and fails because eight steps cannot meet the claim', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: validationLoss is');
    const folder = runFolder();
    for (const name of [
      'config.json',
      'environment.json',
      'metrics.jsonl',
      'curves.svg',
      'summary.json',
      'REPORT.md',
      'samples',
      'checkpoints',
    ]) {
      expect(existsSync(join(folder, name)), name).toBe(true);
    }
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'gpt-mini', preset: 'quick', seed: 1, engine: 'cpu', steps: 8 });
    expect(summary.targets[0]).toMatchObject({ metric: 'trainLoss', step: 0, pass: true });
    expect(summary.metrics.entropyFloor).toBeLessThan(summary.metrics.bigramLoss);
    expect(summary.metrics.bestValidationLoss).toBeLessThanOrEqual(summary.metrics.validationLoss);

    const model = await Gpt.fromPretrained(join(folder, 'model'));
    expect(model.parameterCount()).toBe(summary.parameters);
    model.dispose();
  });

  it('states the plan of the laptop preset without training: 209,729 weights', async () => {
    const { code, stdout } = await run('--preset', 'laptop', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/parameters +209,?729/);
    expect(existsSync(out('gpt-mini'))).toBe(false);
  });

  it('has its sizes in the presets: the plan of nano-cpu and paper', async () => {
    expect((await run('--preset', 'nano-cpu', '--dry-run')).stdout).toMatch(/parameters +804,?096/);
    expect((await run('--preset', 'paper', '--dry-run')).stdout).toMatch(/parameters +10,?745,?088/);
  });

  it.each([
    [['--preset', 'latop'], '--preset: gpt-mini has no preset "latop"', 'laptop'],
    [['--pre', 'quick'], '--pre', '--preset'],
    [['--preset', 'quick', '--set', 'training.learnigRate=1'], 'training.learnigRate', 'training.learningRate'],
    [['--preset', 'quick', '--set', 'model.heads=5'], '32 features do not divide by 5 heads', '30 or 35'],
    [
      ['--preset', 'quick', '--set', 'training.steps=10'],
      '20 steps of warm-up do not fit into 10 steps',
      'choose at most 10',
    ],
    [['--preset', 'quick', '--set', 'training.steps=many'], 'many', 'training.steps'],
  ])('%j is a mistake that is named, with what to do', async (argv, problem, remedy) => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(remedy);
    expect(existsSync(out('gpt-mini'))).toBe(false);
  });

  it('fine-tunes a GPT-2 folder on a text file of one’s own', async () => {
    const file = out('own.txt');
    await writeFile(file, 'the whole of hello world, again and again.\n'.repeat(40));
    const from = fileURLToPath(new URL('./fixtures/gpt2-tiny', import.meta.url));
    const own = { 'data.corpus': 'file', 'data.file': file, 'initial.from': from, 'training.windowLength': 8 };
    const flags = Object.entries(own).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    await run(...brief, ...flags);
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary.parameters).toBe(3968);
    const losses = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('trainLoss'));
    expect(JSON.parse(losses.at(-1)!).trainLoss).toBeLessThan(JSON.parse(losses[0]!).trainLoss - 0.1);
    expect(existsSync(join(folder, 'model', 'merges.txt'))).toBe(true);
    expect((await run(...brief, '--set', 'data.corpus=file')).stderr).toContain('--set data.file=<path>');
  });

  it('says which vocabulary size the text has', async () => {
    const { code, stderr } = await run(...brief, '--set', 'model.vocabularySize=20');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'has 24 different characters and model.vocabularySize is 20; add --set model.vocabularySize=24',
    );
  });

  it('stops at a loss that is no number, names the step and keeps the last good checkpoint', async () => {
    // Four good steps and a checkpoint; then a rate that float32 cannot bear.
    const first = await run(...brief, '--set', 'training.steps=4');
    expect(first.code).toBe(1);
    const rate = ['--set', 'training.steps=8', '--set', 'training.learningRate=1e30', '--set', 'training.clipNorm=0'];
    const { code, stderr } = await run('--resume', runFolder(), ...rate, '--change-config');
    expect(code).toBe(1);
    expect(stderr).toMatch(/step [5-8]: batchLoss is NaN|step [5-8]: .*NaN/);
    expect(stderr).toContain('its last good checkpoint is kept in');
    expect(stderr).toContain('--set training.learningRate=');
    expect(readdirSync(join(runFolder(), 'checkpoints'))).toEqual(['step-000004']);
  });

  it('names the folder for the file when it may not download', async () => {
    const { code, stderr } = await run('--preset', 'laptop', '--offline', '--data', out('empty'), '--backend', 'cpu');
    expect(code).toBe(1);
    expect(stderr).toContain(out('empty', 'tinyshakespeare', 'input.txt'));
  });
});
