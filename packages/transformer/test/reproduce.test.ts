import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { averageCheckpoints, decodeSafetensors } from '@milestones/core';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { Transformer } from '../src/index.ts';
import { exportPretrained } from '../src/node/export-pretrained.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('transformer-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out()]));

/** A run of seconds: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'training.steps': 6,
    'training.batchSize': 8,
    'training.evaluateEvery': 3,
    'training.checkpointEvery': 3,
    'training.logEvery': 2,
    'averaging.points': 2,
    'averaging.every': 3,
    'data.generatedPairs': 60,
    'data.validationPairs': 10,
    'data.testPairs': 5,
    'model.features': 16,
    'model.feedForward': 16,
    'model.dropout': 0.1,
  }),
];

describe('reproduce', () => {
  it('trains, writes the run folder, continues in the middle, and ends as the undisturbed run', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: testExactGreedy is');
    const folder = onlyRunFolder(out(), 'transformer');
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    for (const metric of ['validationPerplexity', 'validationAccuracy', 'testBleu', 'testBleu13aGreedy', 'testExact']) {
      expect(summary.metrics[metric], metric).toBeTypeOf('number');
    }
    expect(readFileSync(join(folder, 'REPORT.md'), 'utf8')).toContain('tok:13a');
    const model = await Transformer.fromPretrained(join(folder, 'model'));
    expect(model.tokenizers!.target.vocabularySize).toBe(14);
    model.dispose();
    const weightsOf = (path: string) =>
      decodeSafetensors(readFileSync(join(folder, path, 'model.safetensors'))).tensors;
    const mean = averageCheckpoints(['step-000003', 'step-000006'].map((step) => weightsOf(`checkpoints/${step}`)));
    const averaged = weightsOf('model-averaged');
    for (const [name, { data }] of Object.entries(mean)) {
      data.forEach((value: number | bigint, index: number) => {
        expect(averaged[name]!.data[index], name).toBeCloseTo(Number(value), 6);
      });
    }
    expect(summary.metrics.averagedTestBleu13a).toBeTypeOf('number');
    await exportPretrained(folder, out('copies'));
    const half = await Transformer.fromPretrained(out('copies'));
    expect(half.parameterCount()).toBe(summary.parameters);
    half.dispose();
    const card = readFileSync(out('copies', 'README.md'), 'utf8');
    expect(card).toContain('`averagedTestBleu13a`');
    expect(card).toContain(`${summary.parameters.toLocaleString('en')} weights, float16`);
    expect(readFileSync(join(folder, 'REPORT.md'), 'utf8')).toContain('at the last 2 points, 3 steps apart');

    const before = readFileSync(join(folder, 'metrics.jsonl'), 'utf8');
    const weights = readFileSync(join(folder, 'checkpoints/step-000006/model.safetensors'));
    await rm(join(folder, 'checkpoints/step-000006'), { recursive: true });
    await rm(join(folder, 'summary.json'));
    expect((await run('--resume', folder)).stdout).toContain('Continuing at step 3');
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe(before);
    expect(readFileSync(join(folder, 'checkpoints/step-000006/model.safetensors')).equals(weights)).toBe(true);
  });

  it('compares itself with a run that differs in one setting', async () => {
    await run(...brief);
    const folder = onlyRunFolder(out(), 'transformer');
    const other = settingFlags({ 'training.labelSmoothing': 0.3, 'comparison.with': folder });
    await run(...brief, ...other, '--seed', '1');
    const [metrics] = readdirSync(out('transformer'))
      .map((name) => JSON.parse(readFileSync(out('transformer', name, 'summary.json'), 'utf8')).metrics)
      .filter((found) => 'perplexityRise' in found);
    expect(metrics.perplexityRise).not.toBe(0);
    expect(metrics.accuracyGain).toBeTypeOf('number');
    const { code, stderr } = await run(...brief, ...settingFlags({ 'comparison.with': 'no-such-preset' }));
    expect(code).toBe(2);
    expect(stderr).toContain('run --preset no-such-preset --seed 1 --save-results first');
  });

  it('trains on a user’s own two files, and names what is wrong with them', async () => {
    const [source, target] = [out('text.de'), out('text.en')];
    const lines = Array.from({ length: 30 }, (_, index) => `wort ${index}`);
    const own = [
      ...brief,
      ...settingFlags({
        'data.set': 'files',
        'data.sourceFile': source,
        'data.targetFile': target,
        'training.steps': 1,
      }),
    ];
    writeFileSync(source, `${lines.join('\n')}\n`);
    writeFileSync(target, `${lines.slice(1).join('\n')}\n`);
    expect((await run(...own)).stderr).toContain('has 30 lines and');
    writeFileSync(target, `${lines.with(7, '').join('\n')}\n`);
    expect((await run(...own)).stderr).toContain('line 8 of');
    writeFileSync(target, Uint8Array.of(0x61, 0x0a, 0xff, 0x0a));
    expect((await run(...own)).stderr).toContain('not valid UTF-8');
    writeFileSync(target, `${lines.join('\n')}\n`);
    const { stderr } = await run(...own);
    expect(stderr).toMatch(/--set model\.sourceVocabulary=\d+ --set model\.targetVocabulary=\d+/);
    const sizes = [...stderr.matchAll(/--set (model\.\w+=\d+)/g)].flatMap(([, setting]) => ['--set', setting!]);
    expect((await run(...own, ...sizes)).stdout).toContain('1 step');
  });

  itStatesThePlan(run, () => out('transformer'), [
    ['laptop', '9,?035,?780', '2,?300'],
    ['laptop-smoothing', '9,?035,?780', '1,?610'],
    ['number-words', '172,?160', '1,?000'],
    ['tiny', '2,?638,?336', '3,?752'],
    ['paper', '63,?082,?496', '100,?000'],
  ]);

  it.each([
    [['--set', 'data.pair=de-fr'], 'de-en'],
    [['--set', 'training.batchSize=0'], 'set one of batchSize and tokensPerBatch'],
    [['--set', 'data.set=files'], 'data.sourceFile and data.targetFile'],
  ])('%j is a mistake that is named, with what to do', async (argv, remedy) => {
    const { code, stderr } = await run('--preset', 'quick', ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(remedy);
  });
});
