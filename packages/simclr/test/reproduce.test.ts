import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tf, useBackend } from '@milestones/backend';
import { generateShapes } from '@milestones/datasets';
import { decodeImage } from '@milestones/datasets/node';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, shellCommand, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { completeRunConfig } from '../src/config.ts';
import { partnerAccuracy, representImages, SimCLR, viewsToPair } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('simclr-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out('runs')]));

const simclr = shellCommand('simclr', () => import('../src/cli.ts'));

/** A run of a second: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'model.widths': '[4,6]',
    'model.strides': '[2,2]',
    'model.output': 4,
    'training.steps': 4,
    'training.warmupSteps': 1,
    'training.batchSize': 8,
    'training.evaluateEvery': 2,
    'training.checkpointEvery': 2,
    'training.logEvery': 2,
    'evaluation.probeEpochs': 2,
    'evaluation.probeBatch': 20,
    'evaluation.monitorBank': 30,
    'evaluation.monitorQueries': 10,
    'data.generatedTrain': 60,
    'data.generatedTest': 30,
  }),
];
const nets = settingFlags({ 'experiment.nets': '["full-mlp","crop-mlp","color-mlp","full-linear","full-none"]' });

const runFolder = (): string => onlyRunFolder(out('runs'), 'simclr');
const summaryOf = () => JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));

describe('reproduce', () => {
  it('trains and judges each network, compares them, and saves what was learned', async () => {
    const { stdout } = await run(...brief, ...nets);
    expect(stdout).toContain('Report: ');
    const { metrics, steps } = summaryOf();
    expect(steps).toBe(20);
    expect(metrics.bothOverCrop).toBeCloseTo(metrics.fullMlpLinear - metrics.cropMlpLinear, 6);
    expect(metrics.mlpOverNone).toBeCloseTo(metrics.mlpOverLinear + metrics.linearOverNone, 6);
    expect(metrics.knnOverRandom).toBeCloseTo(metrics.fullMlpKnn - metrics.randomKnn, 6);
    expect(metrics.firstLossGap).toBeCloseTo(100 * Math.abs(metrics.fullMlpFirstLoss / Math.log(15) - 1), 6);
    expect(Object.keys(metrics)).toEqual(
      expect.arrayContaining(['hOverZ', 'cropOverColor', 'fullNoneKnn', 'pixelsKnn']),
    );
    expect(metrics).not.toHaveProperty('fullNoneZKnn');
    const folder = runFolder();
    expect(readdirSync(join(folder, 'samples')).toSorted()).toEqual(
      ['color-mlp', 'crop-mlp', 'full-linear', 'full-mlp', 'full-none'].map((name) => `neighbors-${name}.png`),
    );
    const picture = decodeImage(readFileSync(join(folder, 'samples/neighbors-full-mlp.png')), { channels: 3 });
    expect([picture.height, picture.width]).toEqual([10 * 34 + 2, 10 * 34 + 2]);
    expect(readFileSync(join(folder, 'REPORT.md'), 'utf8')).toContain('ln(2N − 1) = 2.7081');

    const file = out('drawn.png');
    const drawn = await simclr(
      'neighbors',
      ...['--weights', join(folder, 'model-full-none'), '--set', 'shapes', '--bank', '20'].concat([
        '--rows',
        '2',
        '--out',
        file,
        '--backend',
        'cpu',
      ]),
    );
    expect([drawn.code, drawn.stdout, drawn.stderr]).toEqual([0, `${file}\n`, '']);
    expect(decodeImage(readFileSync(file), { channels: 3 })).toMatchObject({ height: 70, width: 342 });
  });

  it('continues at a checkpoint in the second network, and ends as the undisturbed run', async () => {
    await run(...brief, ...settingFlags({ 'experiment.nets': '["full-mlp","full-none"]' }));
    const whole = runFolder();
    const checkpoints = readdirSync(join(whole, 'checkpoints')).toSorted();
    expect(checkpoints.at(-2)).toBe('step-000006');
    const read = (name: string): Buffer => readFileSync(join(whole, name));
    const names = [
      'metrics.jsonl',
      'model-full-none/model.safetensors',
      'checkpoints/step-000008/model.safetensors',
      'checkpoints/step-000008/optimizer.safetensors',
    ];
    const before = names.map(read);
    const { metrics } = summaryOf();
    await rm(join(whole, 'checkpoints/step-000008'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 6');
    for (const [index, name] of names.entries()) {
      expect([name, read(name).equals(before[index]!)]).toEqual([name, true]);
    }
    expect(summaryOf().metrics).toEqual(metrics);
  });

  it('judges by training images that were held out, and by LARS', async () => {
    await run(
      ...brief,
      ...settingFlags({ 'data.heldOutImages': 15, 'data.trainImages': 40, 'training.optimizer': 'lars' }),
    );
    expect(readFileSync(join(runFolder(), 'REPORT.md'), 'utf8')).toContain(
      "on 40 images of 'generated shapes train', judged on 15 of",
    );
  });

  it('stops at NaN and keeps no summary', async () => {
    const wild = settingFlags({
      'training.learningRate': 1e38,
      'training.optimizer': 'sgd',
      'training.warmupSteps': 0,
    });
    const { code, printed } = await run(...brief, ...wild);
    expect(code).not.toBe(0);
    expect(printed).toMatch(/NaN|not finite|Infinity/);
    expect(existsSync(join(runFolder(), 'summary.json'))).toBe(false);
  });

  itStatesThePlan(run, () => out('runs'), [
    ['laptop', '\\d', '10,?000'],
    ['heads', '\\d', '4,?000'],
    ['resnet18', '11,?497,?152', '9,?700'],
    ['paper', '\\d', '48,?000'],
    ['quick', '\\d', '\\d'],
  ]);

  it.each([
    [{ 'training.batchSize': 1 }, 2, 'training.batchSize'],
    [{ 'training.temperature': 0 }, 2, 'training.temperature'],
    [{ 'training.temperature': -0.5 }, 2, 'training.temperature'],
    [
      { 'augmentation.size': 33 },
      1,
      'images of 32×32 and a view is to be 33×33; choose augmentation.size of at most 32',
    ],
    [{ 'experiment.nets': '["blur-mlp"]' }, 2, 'a net is a policy and a head, such as full-mlp'],
    [{ 'data.trainImages': 61 }, 1, 'lower data.heldOutImages or data.trainImages'],
    [{ 'model.strides': '[2]' }, 1, '2 widths and 1 strides arrived'],
  ])('%j is a mistake that is named, with what to do', async (changes, exit, remedy) => {
    const { code, stderr } = await run(...brief, ...settingFlags(changes));
    expect([code, stderr]).toEqual([exit, expect.stringContaining(remedy)]);
  });
});

describe('a saved network', () => {
  it('represents images as before', async () => {
    await useBackend('cpu');
    const images = generateShapes({ count: 3, seed: 1, size: 8 });
    const model = new SimCLR({ encoder: 'small', widths: [3, 4], strides: [1, 2], output: 2 }).initialize(1);
    await expect(savePretrained(model, out('model'))).rejects.toThrow('set model.imageSize');
    model.imageSize = 8;
    await savePretrained(model, out('model'));
    const before = tf.memory().numTensors;
    const loaded = await SimCLR.fromPretrained(out('model'));
    expect([loaded.imageSize, loaded.training]).toEqual([8, false]);
    expect(await representImages(loaded, images)).toEqual(await representImages(model, images));
    loaded.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('of another kind is refused', async () => {
    await writeFile(out('config.json'), '{"milestone": "gan"}');
    await expect(SimCLR.fromPretrained(out())).rejects.toThrow('is not the configuration of a simclr network');
    await expect(SimCLR.fromPretrained(out('nowhere'))).rejects.toThrow('has no readable config.json');
  });
});

describe('the weights of this package', () => {
  it('know two views of an image among those of others, better than a network that was not trained', async () => {
    await useBackend('onnx');
    const model = await SimCLR.fromPretrained('cifar10-small');
    expect([model.parameterCount(), model.imageSize]).toEqual([421_920, 32]);
    const { augmentation } = completeRunConfig({});
    const views = await viewsToPair(generateShapes({ count: 60, seed: 1 }), augmentation, { count: 60, seed: 1 });
    const partners = async (net: SimCLR): Promise<number> => partnerAccuracy((await representImages(net, views)).h);
    const untrained = new SimCLR(model.config).initialize(1);
    expect(await partners(model)).toBeGreaterThan(5 + (await partners(untrained.eval() as SimCLR)));
    for (const net of [model, untrained]) net.dispose();
  });
});

describe('the command simclr', () => {
  it.each([
    [['--help'], 0, 'simclr neighbors [flags]'],
    [['cluster'], 2, "'cluster' is not a command; there are reproduce, neighbors and export"],
    [['export'], 2, 'give the folder of a run and a destination'],
    [['neighbors', '--bank', '0'], 2, '--bank: '],
    [['neighbors', '--set', 'stl10'], 2, 'choose cifar10 or shapes'],
    [['neighbors', '--colour', 'red'], 2, 'The flags are:'],
    [['neighbors', '--weights', 'nowhere', '--backend', 'cpu'], 1, 'has no readable config.json'],
  ])('%j', async (argv, exit, text) => {
    const { code, stdout, stderr } = await simclr(...argv);
    expect([code, stdout + stderr]).toEqual([exit, expect.stringContaining(text)]);
  });
});
