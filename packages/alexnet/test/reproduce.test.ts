import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateShapes } from '@milestones/datasets';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, shellCommand, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { pngFile, pngLines } from '../../datasets/test/node/image-files.ts';
import { configSchema } from '../src/config.ts';
import { comparisons, notArrived } from '../src/experiments.ts';
import { CifarNet } from '../src/index.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('alexnet-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out('runs')]));

const alexnet = shellCommand('alexnet', () => import('../src/cli.ts'));

/** A run of a second: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'training.steps': 4,
    'training.batchSize': 4,
    'training.evaluateEvery': 2,
    'training.checkpointEvery': 2,
    'training.logEvery': 2,
    'training.trainImagesEvaluated': 20,
    'training.evaluationBatch': 20,
    'data.generatedTrain': 20,
    'data.generatedTest': 20,
  }),
];

const runFolder = (): string => onlyRunFolder(out('runs'), 'alexnet');

/** Writes images of shapes as `<part>/<class>/<number>.png`. */
async function writeImages(folder: string, size: number): Promise<void> {
  const { images, labels, classNames, count } = generateShapes({ count: 6, seed: 1, size });
  const bytes = size * size * 3;
  for (const part of ['train', 'test']) {
    for (let index = 0; index < count; index++) {
      const place = join(folder, part, index % 2 === 0 ? 'even' : 'odd');
      await mkdir(place, { recursive: true });
      const lines = pngLines(images.subarray(index * bytes, (index + 1) * bytes), 3 * size);
      const name = `${classNames[labels[index]!]!}.png`;
      await writeFile(join(place, name), pngFile({ width: size, height: size, lines }));
    }
  }
}

describe('reproduce', () => {
  it('trains two nets, writes the run folder, and fails because four steps cannot meet the claim', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: relu0.01TestAccuracy is');
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'alexnet', preset: 'quick', parameters: 87_978, steps: 8 });
    const nets = readdirSync(folder).filter((name) => name.startsWith('model-'));
    expect(nets).toHaveLength(2);
    const model = await CifarNet.fromPretrained(join(folder, nets[0]!));
    expect(model.classNames).toHaveLength(10);
    model.dispose();
  });

  it('continues in the middle of the second net, and ends as the undisturbed run', async () => {
    await run(...brief);
    const whole = runFolder();
    const checkpoints = readdirSync(join(whole, 'checkpoints')).toSorted();
    expect(checkpoints).toEqual(['step-000006', 'step-000008']);
    const before = readFileSync(join(whole, 'metrics.jsonl'), 'utf8');
    const model = readFileSync(join(whole, 'checkpoints/step-000008/model.safetensors'));
    await rm(join(whole, 'checkpoints/step-000008'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 6');
    expect(readFileSync(join(whole, 'metrics.jsonl'), 'utf8')).toBe(before);
    expect(readFileSync(join(whole, 'checkpoints/step-000008/model.safetensors')).equals(model)).toBe(true);
    expect(existsSync(join(whole, 'summary.json'))).toBe(true);
  });

  it('holds images out where told to, and does not look at the test images then', async () => {
    await run(...brief, ...settingFlags({ 'data.validationImages': 5, 'experiment.nets': '["cifar"]' }));
    const { metrics } = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(metrics).toHaveProperty('validationAccuracy');
    expect(metrics).not.toHaveProperty('testAccuracy');
  });

  it('trains on a folder of images of your own, of another size; the command then names what is on one', async () => {
    await writeImages(out('images'), 36);
    const own = { 'data.set': 'folder', 'data.folder': out('images'), 'experiment.nets': '["cifar"]' };
    const { code, stdout } = await run(
      ...brief,
      ...settingFlags({ ...own, 'cifar.classes': 2, 'cifar.inputChannels': 3 }),
    );
    expect([code, stdout]).toEqual([1, expect.stringContaining('Missed: ')]); // The preset's claims are of other nets.
    const weights = ['--weights', join(runFolder(), 'model'), '--backend', 'cpu'];
    const image = out('images/test/even/disc.png');
    const named = await alexnet('predict', image, ...weights);
    expect(named.code).toBe(0);
    expect(named.stdout.trim().split('\n')).toHaveLength(2); // Five are named at most, and there are two classes.
    expect(named.stdout).toMatch(/^ *\d+\.\d % {2}(even|odd)$/m);
    const best = await alexnet('predict', image, image, '--top', '1', ...weights);
    expect(best.stdout.trim().split('\n')).toHaveLength(4);

    const wrong = await run(...brief, ...settingFlags(own));
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining('set cifar.classes and imagenet.classes to 2, and cifar.inputChannels to 3'),
    ]);
  });

  itStatesThePlan(run, () => out('runs'), [
    ['laptop', '89,?578', '23,?400'],
    ['lrn', '89,?578', '\\d'],
    ['figure1', '89,?578', '\\d'],
    ['paper', '60,?965,?224', '842,?000'],
  ]);

  it.each([
    [['experiment.nets=["relu"]'], 2, 'a net is cifar, cifar-without-lrn, imagenet, relu-<learning rate>'],
    [['data.trainImages=21'], 1, 'lower data.validationImages or data.trainImages'],
    [['data.validationImages=20'], 1, 'lower data.validationImages or data.trainImages'],
    [['data.set=folder'], 1, '--set data.folder=<path>'],
  ])('%j is a mistake that is named, with what to do', async (changes, exit, remedy) => {
    const { code, stderr } = await run(...brief, ...changes.flatMap((change) => ['--set', change]));
    expect(code).toBe(exit);
    expect(stderr).toContain(remedy);
  });
});

describe('the command alexnet', () => {
  it.each([
    [['--help'], 0, 'alexnet predict <image…>'],
    [['paint'], 2, "'paint' is not a command; there are reproduce, predict and evaluate"],
    [['predict'], 2, 'name one or more files'],
    [['predict', 'cat.png', '--top', '0'], 2, 'give a whole number of at least 1'],
    [['predict', 'cat.png', '--colour', 'red'], 2, 'The flags are:'],
    [['predict', 'cat.png', '--weights', 'nowhere', '--backend', 'cpu'], 1, 'has no readable config.json'],
    [['evaluate', 'now'], 2, "'now' is no flag"],
  ])('%j', async (argv, exit, text) => {
    const { code, stdout, stderr } = await alexnet(...argv);
    expect([code, stdout + stderr]).toEqual([exit, expect.stringContaining(text)]);
  });
});

describe('notArrived', () => {
  it('names the nets above the training error to stop at', () => {
    const config = (stopAtTrainError: number) =>
      v.parse(configSchema, { experiment: { nets: ['relu-0.002', 'tanh-0.001'] }, training: { stopAtTrainError } });
    const metrics = { 'relu0.002TrainAccuracy': 75, 'tanh0.001TrainAccuracy': 74.9 };
    expect(notArrived(config(25), metrics)).toEqual(['tanh-0.001']);
    expect(notArrived(config(0), metrics)).toEqual([]);
  });
});

describe('comparisons', () => {
  it('take each activation at its best rate, and only what was trained', () => {
    const config = (nets: string[]) => v.parse(configSchema, { experiment: { nets } });
    const nets = ['relu-0.002', 'relu-0.004', 'tanh-0.001', 'tanh-0.0005'];
    const metrics = {
      'relu0.002StepsTrained': 900,
      'relu0.004StepsTrained': 400,
      'tanh0.001StepsTrained': 2400,
      'tanh0.0005StepsTrained': 3000,
    };
    expect(comparisons(config(nets), metrics)).toEqual({ reluSteps: 400, tanhSteps: 2400, tanhOverRelu: 6 });
    const scores = { cifarTestAccuracy: 80, cifarWithoutLrnTestAccuracy: 78.5 };
    expect(comparisons(config(['cifar', 'cifar-without-lrn']), scores)).toEqual({ responseNormalizationGain: 1.5 });
    expect(comparisons(config(['cifar']), { testAccuracy: 80 })).toEqual({});
  });
});
