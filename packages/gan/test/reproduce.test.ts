import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSafetensors } from '@milestones/core/node';
import { decodeImage } from '@milestones/datasets/node';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, shellCommand, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { DcganGenerator, Generator, loadGenerator, sampleImages } from '../src/index.ts';
import { saveGenerator } from '../src/node.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('gan-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out('runs')]));

const gan = shellCommand('gan', () => import('../src/cli.ts'));

/** A run of a second: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'model.noiseSize': 4,
    'model.generatorHidden': '[8]',
    'model.discriminatorUnits': '[4,4]',
    'training.steps': 4,
    'training.batchSize': 4,
    'training.evaluateEvery': 2,
    'training.checkpointEvery': 2,
    'training.logEvery': 2,
    'evaluation.samples': 20,
    'evaluation.sigmaImages': 10,
    'evaluation.classSamples': 20,
    'evaluation.gridImages': 4,
    'evaluation.classifierEpochs': 1,
    'data.generatedTrain': 40,
    'data.generatedTest': 20,
    'data.validationImages': 20,
  }),
];

const runFolder = (): string => onlyRunFolder(out('runs'), 'gan');

describe('reproduce', () => {
  it('trains, draws and scores, writes the run folder, and fails because four steps cannot meet the claim', async () => {
    const { code, stdout } = await run(...brief);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: parzenGain is');
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'gan', preset: 'quick', steps: 4 });
    expect(Object.keys(summary.metrics)).toEqual(
      expect.arrayContaining(['parzen', 'parzenError', 'parzenSigma', 'smallestClass', 'classifierAccuracy']),
    );
    expect(readdirSync(join(folder, 'samples')).toSorted()).toEqual([
      'interpolations.png',
      'samples.png',
      'step-000000.png',
      'step-000002.png',
      'step-000004.png',
    ]);
    const picture = decodeImage(readFileSync(join(folder, 'samples/samples.png')), { channels: 1 });
    expect([picture.height, picture.width]).toEqual([2 * 30 + 2, 2 * 30 + 2]);
    expect(readFileSync(join(folder, 'REPORT.md'), 'utf8')).toContain('The discriminator was never saturated.');

    const file = out('drawn.png');
    const drawn = await gan('sample', '--weights', join(folder, 'model'), '--count', '3', '--out', file);
    expect([drawn.code, drawn.stdout]).toEqual([0, `${file}\n`]);
    const ways = await gan('interpolate', '--weights', join(folder, 'model'), '--count', '1', '--out', file);
    expect(ways.code).toBe(0);
    expect(decodeImage(readFileSync(file), { channels: 1 })).toMatchObject({ height: 32, width: 302 });
  });

  it('continues at a checkpoint, and ends as the undisturbed run', async () => {
    await run(...brief);
    const whole = runFolder();
    expect(readdirSync(join(whole, 'checkpoints')).toSorted()).toEqual(['step-000002', 'step-000004']);
    const read = (name: string): Buffer => readFileSync(join(whole, name));
    const names = [
      'metrics.jsonl',
      'samples/samples.png',
      'checkpoints/step-000004/generator.safetensors',
      'checkpoints/step-000004/discriminatorOptimizer.safetensors',
    ];
    const before = names.map(read);
    await rm(join(whole, 'checkpoints/step-000004'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 2');
    for (const [index, name] of names.entries())
      expect([name, read(name).equals(before[index]!)]).toEqual([name, true]);
    expect(existsSync(join(whole, 'summary.json'))).toBe(true);
  });

  it('keeps an average of the generator’s weights, scores it, saves it, and continues it', async () => {
    const flags = [...brief, ...settingFlags({ 'training.averageDecay': 0.5 })];
    await run(...flags);
    const whole = runFolder();
    const summary = JSON.parse(readFileSync(join(whole, 'summary.json'), 'utf8'));
    const { parzen, averagedParzen, averagedParzenError, averagedParzenSigma } = summary.metrics;
    expect([parzen, averagedParzen, averagedParzenError, averagedParzenSigma].every(Number.isFinite)).toBe(true);
    expect(averagedParzen).not.toBe(parzen);
    expect(readdirSync(join(whole, 'samples'))).toContain('averaged-step-000004.png');
    expect(readFileSync(join(whole, 'REPORT.md'), 'utf8')).toContain('With the moving average');
    // The saved model is the average and not the last weights.
    const tensorsIn = async (name: string) => (await loadSafetensors(join(whole, name))).tensors;
    const saved = (await tensorsIn('model/model.safetensors'))['output.bias']!.data;
    const last = (await tensorsIn('checkpoints/step-000004/generator.safetensors'))['output.bias']!.data;
    const kept = await tensorsIn('checkpoints/step-000004/generatorAverage.safetensors');
    expect(saved).toEqual(kept['average.value.output.bias']!.data);
    expect(saved).not.toEqual(last);

    const names = ['metrics.jsonl', 'model/model.safetensors', 'checkpoints/step-000004/generatorAverage.safetensors'];
    const before = names.map((name) => readFileSync(join(whole, name)));
    await rm(join(whole, 'checkpoints/step-000004'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    await run('--resume', whole);
    for (const [index, name] of names.entries()) {
      expect([name, readFileSync(join(whole, name)).equals(before[index]!)]).toEqual([name, true]);
    }
  });

  it('stops at NaN and keeps the last checkpoint', async () => {
    const wild = settingFlags({
      'training.learningRate': 1e38,
      'training.rateDecay': 1,
      'training.checkpointEvery': 1,
    });
    const { code, stdout, stderr } = await run(...brief, ...wild);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/NaN|not finite|Infinity/);
    expect(existsSync(join(runFolder(), 'summary.json'))).toBe(false);
  });

  it('reports a discriminator that has won', async () => {
    // One that learns while the threshold is just below ln 4 stands for one that has won.
    await run(
      ...brief,
      ...settingFlags({
        'training.saturation': 1.3862,
        'training.optimizer': 'adam',
        'training.learningRate': 0.002,
        'training.steps': 60,
        'training.batchSize': 20,
        'training.evaluateEvery': 60,
        'model.dropout': 0,
        'model.inputDropout': 0,
      }),
    );
    const { metrics } = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(metrics.saturatedSteps).toBeGreaterThan(0);
    expect(readFileSync(join(runFolder(), 'REPORT.md'), 'utf8')).toContain('The discriminator was saturated at');
  });

  it('trains a DCGAN', async () => {
    const { stdout } = await run(
      ...brief,
      ...settingFlags({
        experiment: 'dcgan',
        'dcgan.width': 2,
        'training.optimizer': 'adam',
        'training.learningRate': 0.001,
      }),
    );
    expect(stdout).toContain('Report: ');
    const generator = await loadGenerator(join(runFolder(), 'model'));
    expect(generator).toBeInstanceOf(DcganGenerator);
    generator.dispose();
  });

  it('draws figure 1', async () => {
    const short = settingFlags({ 'gaussian.steps': 20, 'gaussian.batchSize': 8 });
    const { stdout } = await run('--preset', 'gaussian', '--backend', 'onnx', ...short);
    expect(stdout).toContain('Report: ');
    expect(readFileSync(join(runFolder(), 'samples/figure1.svg'), 'utf8')).toContain('after 20 updates');
  });

  it('scores real images and centres', async () => {
    const short = settingFlags({
      'data.set': 'digits',
      'data.generatedTrain': 60,
      'data.generatedTest': 20,
      'data.validationImages': 20,
      'evaluation.samples': 30,
    });
    const { stdout } = await run('--preset', 'parzen-calibration', '--backend', 'onnx', ...short);
    expect(stdout).toContain('Report: ');
    const { metrics } = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(metrics.centersGain).toBeCloseTo(metrics.centersParzen - metrics.realParzen, 6);
  });

  itStatesThePlan(run, () => out('runs'), [
    ['laptop', '3,?735,?425', '125,?000'],
    ['paper', '3,?735,?425', '500,?000'],
    ['dcgan', '\\d', '3,?900'],
    ['gaussian', '2,?306', '4,?000'],
  ]);

  it.each([
    [['evaluation.sigmaLow=1'], 2, 'sigmas from 1 to 1 are none'],
    [['evaluation.samples=5'], 2, 'samples'],
    [['model.imageSize=20'], 1, 'set model.imageSize'],
    [['data.validationImages=0'], 2, 'validationImages'],
  ])('%j is a mistake that is named, with what to do', async (changes, exit, remedy) => {
    const { code, stderr } = await run(...brief, ...changes.flatMap((change) => ['--set', change]));
    expect([code, stderr]).toEqual([exit, expect.stringContaining(remedy)]);
  });
});

describe('a saved generator', () => {
  it('makes the same images again', async () => {
    const generator = new Generator({ noiseSize: 3, generatorHidden: [4], imageSize: 4 }).initialize(1);
    await saveGenerator(generator, out('model'));
    const loaded = await loadGenerator(out('model'));
    expect(await sampleImages(loaded, 5, 2)).toEqual(await sampleImages(generator, 5, 2));
    generator.dispose();
    loaded.dispose();
  });

  it('of another kind is refused', async () => {
    await writeFile(out('config.json'), '{"milestone": "alexnet"}');
    await expect(loadGenerator(out())).rejects.toThrow('is not the configuration of a generator');
    await expect(loadGenerator(out('nowhere'))).rejects.toThrow('has no readable config.json');
  });
});

describe('the command gan', () => {
  it.each([
    [['--help'], 0, 'gan sample --weights <folder>'],
    [['paint'], 2, "'paint' is not a command; there are reproduce, sample and interpolate"],
    [['sample'], 2, 'give --weights <folder>'],
    [['sample', '--count', '0'], 2, '--count: '],
    [['sample', '--colour', 'red'], 2, 'The flags are:'],
    [['sample', '--weights', 'nowhere', '--backend', 'cpu'], 1, 'has no readable config.json'],
  ])('%j', async (argv, exit, text) => {
    const { code, stdout, stderr } = await gan(...argv);
    expect([code, stdout + stderr]).toEqual([exit, expect.stringContaining(text)]);
  });
});
