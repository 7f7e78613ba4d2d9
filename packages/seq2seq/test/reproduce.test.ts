import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { fromPretrained, translate } from '../src/index.ts';
import { exportPretrained } from '../src/node/export-pretrained.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('seq2seq-run');

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
    'data.count': 60,
    'data.heldOut': 20,
    'model.hidden': 8,
    'model.dropout': 0.2,
    'attention.hidden': 8,
    'attention.dropout': 0.2,
  }),
];

const runFolder = (): string => onlyRunFolder(out(), 'seq2seq');

describe('reproduce', () => {
  it('trains three nets, writes the run folder, and fails because six steps cannot meet the claims', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: attentionLowestExact is');
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'seq2seq', preset: 'quick', seed: 1, engine: 'onnx', steps: 18 });
    for (const metric of ['reversedExact', 'straightValidationLoss', 'attentionAreaUnderExact', 'reversalExactGain']) {
      expect(summary.metrics[metric], metric).toBeTypeOf('number');
    }
    expect(readdirSync(join(folder, 'samples')).toSorted()).toEqual([
      'attention-attention-1.svg',
      'attention-attention-2.svg',
      'attention-attention-3.svg',
      'translations-attention.txt',
      'translations-reversed.txt',
      'translations-straight.txt',
    ]);
    await exportPretrained(folder, out('copies'));
    const card = readFileSync(out('copies', 'README.md'), 'utf8');
    expect(card).toContain('A GRU translator with additive attention');
    expect(card).toContain('`attentionExact`');
    for (const place of [join(folder, 'model-reversed'), out('copies')]) {
      const model = await fromPretrained(place);
      expect(await translate(model, ['1 2 3'])).toHaveLength(1);
      model.dispose();
    }
  });

  it('continues in the middle of the second net, and ends as the undisturbed run', async () => {
    await run(...brief);
    const whole = runFolder();
    const checkpoints = readdirSync(join(whole, 'checkpoints')).toSorted();
    expect(checkpoints).toEqual(['step-000015', 'step-000018']);
    const before = readFileSync(join(whole, 'metrics.jsonl'), 'utf8');
    const model = readFileSync(join(whole, 'checkpoints/step-000018/model.safetensors'));
    const { metrics } = JSON.parse(readFileSync(join(whole, 'summary.json'), 'utf8'));
    await rm(join(whole, 'checkpoints/step-000018'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 15');
    expect(readFileSync(join(whole, 'metrics.jsonl'), 'utf8')).toBe(before);
    expect(readFileSync(join(whole, 'checkpoints/step-000018/model.safetensors')).equals(model)).toBe(true);
    expect(JSON.parse(readFileSync(join(whole, 'summary.json'), 'utf8')).metrics).toEqual(metrics);
  });

  const files = (source: string | Uint8Array, target: string): string[] => {
    const [sourceFile, targetFile] = [out('text.de'), out('text.en')];
    writeFileSync(sourceFile, source);
    writeFileSync(targetFile, target);
    return settingFlags({
      'data.task': 'files',
      'data.sourceFile': sourceFile,
      'data.targetFile': targetFile,
      'data.minimumCount': 1,
      'experiment.nets': '["reversed","attention"]',
    });
  };

  it('trains on a user’s own two files, and scores BLEU by length', async () => {
    const lines = Array.from({ length: 60 }, (_, index) => 'a b c d e f'.slice(0, 3 + 2 * (index % 5)));
    const text = lines.join('\n');
    const { stdout, stderr } = await run(
      ...brief,
      ...files(text, text.toUpperCase()),
      ...settingFlags({ 'model.sourceVocabulary': 10, 'model.targetVocabulary': 10 }),
    );
    expect(stderr + stdout).toContain('Report:');
    const { metrics } = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    for (const metric of [
      'attentionGain',
      'reversedTestBeamBleu',
      'attentionTestPerplexity',
      'attentionBleuWithLength',
    ]) {
      expect(metrics[metric], metric).toBeTypeOf('number');
    }
    expect(existsSync(join(runFolder(), 'samples', 'bleu-by-length.svg'))).toBe(true);
  });

  it.each([
    ['a\nb\nc', 'a\nb', 'has 3 lines and', 'has 2'],
    ['a\n\nc', 'a\nb\nc', 'line 2 of', 'is empty'],
    [Uint8Array.of(0x61, 0x0a, 0xff), 'a\nb', 'line 2 is not valid UTF-8', 'convert the file'],
  ])('names what is wrong with two files: %#', async (source, target, problem, remedy) => {
    const { code, stderr } = await run(...brief, ...files(source, target));
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(remedy);
  });

  it('names settings that do not fit the text', async () => {
    const wrong = await run(...brief, '--set', 'model.sourceVocabulary=15');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(
      'has 14 source and 14 target tokens, the model 15 and 14; add --set model.sourceVocabulary=14',
    );
    const long = await run(...brief, '--set', 'model.maximumLength=7');
    expect(long.stderr).toContain('the model takes 1 to 7');
    expect((await run(...brief, '--set', 'data.task=files')).stderr).toContain('add --set data.sourceFile=<path>');
  });

  itStatesThePlan(run, () => out('seq2seq'), [
    ['laptop', '15,?074,?316', '10,?944'],
    ['addition', '1,?005,?588', '46,?530'],
    ['paper', '13,?898,?501', '703,?125'],
  ]);

  it.each([
    [['--set', 'data.pair=de-fr'], 'data.pair', 'de-en'],
    [['--set', 'experiment.nets=["transformer"]'], 'experiment.nets', 'attention'],
    [['--set', 'model.layers=0'], 'model.layers', '1'],
  ])('%j is a mistake that is named, with what to do', async (argv, problem, remedy) => {
    const { code, stderr } = await run('--preset', 'quick', ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(remedy);
  });
});
