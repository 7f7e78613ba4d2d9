import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { ResNet } from '../src/index.ts';
import { comparisons } from '../src/experiments.ts';
import { configSchema } from '../src/config.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('resnet-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out()]));

/** A run of seconds: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'training.steps': 6,
    'training.warmupSteps': 2,
    'training.batchSize': 8,
    'training.evaluateEvery': 3,
    'training.checkpointEvery': 3,
    'training.logEvery': 2,
    'training.trainImagesEvaluated': 50,
    'training.evaluationBatch': 50,
    'data.generatedTrain': 100,
    'data.generatedTest': 50,
    'model.width': 2,
  }),
];

const runFolder = (): string => onlyRunFolder(out(), 'resnet');

describe('reproduce', () => {
  it('trains three nets, writes the run folder, and fails because six steps cannot meet the claims', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: resnetTestAccuracy is');
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'resnet', preset: 'quick', seed: 1, engine: 'onnx', steps: 18 });
    for (const metric of [
      'resnetTestAccuracy',
      'mlpPlain50TrainAccuracy',
      'mlpResidual50GradientRatio',
      'residualGain',
    ]) {
      expect(summary.metrics[metric], metric).toBeTypeOf('number');
    }
    const model = await ResNet.fromPretrained(join(folder, 'model-resnet'));
    expect(model.classNames).toHaveLength(10);
    model.dispose();
  });

  it('continues in the middle of the second net, and ends as the undisturbed run', async () => {
    await run(...brief);
    const whole = runFolder();
    const checkpoints = readdirSync(join(whole, 'checkpoints')).toSorted();
    expect(checkpoints).toEqual(['step-000015', 'step-000018']);
    const before = readFileSync(join(whole, 'metrics.jsonl'), 'utf8');
    const model = readFileSync(join(whole, 'checkpoints/step-000018/model.safetensors'));
    await rm(join(whole, 'checkpoints/step-000018'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 15');
    expect(readFileSync(join(whole, 'metrics.jsonl'), 'utf8')).toBe(before);
    expect(readFileSync(join(whole, 'checkpoints/step-000018/model.safetensors')).equals(model)).toBe(true);
    expect(existsSync(join(whole, 'summary.json'))).toBe(true);
  });

  itStatesThePlan(run, () => out('resnet'), [
    ['laptop', '269,?722', '11,?700'],
    ['laptop-plain', '269,?722', '11,?700'],
    ['paper', '269,?722', '64,?000'],
  ]);

  it.each([
    [['--preset', 'quick', '--set', 'model.depth=21'], 'a CIFAR network has 6n + 2 layers and 21 is not', '20 or 26'],
    [['--preset', 'quick', '--set', 'experiment.nets=["resnet-20"]'], 'a net is resnet, plain', 'mlp-plain-<depth>'],
    [['--preset', 'quick', '--set', 'training.steps=10'], '20 steps of warm-up do not fit', 'choose at most 10'],
  ])('%j is a mistake that is named, with what to do', async (argv, problem, remedy) => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(remedy);
  });

  it('names settings that do not fit the images', async () => {
    const { code, stderr } = await run(...brief, '--set', 'model.inputChannels=3');
    expect(code).toBe(1);
    expect(stderr).toContain('--set model.inputChannels=1');
    expect((await run(...brief, '--set', 'data.trainImages=101')).stderr).toContain('lower data.validationImages');
  });
});

describe('comparisons', () => {
  it('are in points of error or accuracy, and only of what was trained', () => {
    const config = (nets: string[]) => v.parse(configSchema, { experiment: { nets } });
    const nets = [20, 50].flatMap((depth) => [`mlp-plain-${depth}`, `mlp-residual-${depth}`]);
    const metrics = {
      mlpPlain20TrainAccuracy: 98,
      mlpPlain50TrainAccuracy: 60,
      mlpResidual20TrainAccuracy: 98,
      mlpResidual50TrainAccuracy: 99,
    };
    expect(comparisons(config(nets), metrics)).toEqual({
      plainDegradation: 38,
      residualGain: 39,
      residualDegradation: -1,
    });
    const mixed = { resnetTestAccuracy: 70, resnetMixupTestAccuracy: 72.5 };
    expect(comparisons(config(['resnet', 'resnet-mixup']), mixed)).toEqual({ mixUpGain: 2.5 });
    expect(comparisons(config(['resnet']), { testAccuracy: 90 })).toEqual({});
  });
});
