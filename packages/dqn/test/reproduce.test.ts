import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { useBackend } from '@milestones/backend';
import { captureOutput, onlyRunFolder, settingFlags } from '@milestones/reproduce/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { itStatesThePlan, shellCommand, temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { comparisons, trainingsOf } from '../src/experiments.ts';
import { configSchema, evaluate, loadPretrained, makeHome, pretrained, QNetwork, recordEpisode } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';
import { main } from '../src/reproduce.ts';

const standIn = fileURLToPath(new URL('node/stand-in.mjs', import.meta.url));
const out = temporaryFolder('dqn-run');

const run = (...argv: string[]) => captureOutput(() => main([...argv, '--out', out('runs')]));

const dqn = shellCommand('dqn', () => import('../src/cli.ts'));

/** A run of a second: the quick preset, cut short. */
const brief = [
  '--preset',
  'quick',
  '--backend',
  'onnx',
  ...settingFlags({
    'training.frames': 120,
    'training.learningStarts': 20,
    'training.trainEvery': 4,
    'training.batchSize': 8,
    'training.logEvery': 20,
    'training.evaluateEvery': 60,
    'training.evaluationEpisodes': 2,
    'training.finalEpisodes': 3,
    'training.checkpointEvery': 40,
    'agent.targetEvery': 4,
    'network.hidden': '[16]',
  }),
];

const runFolder = (): string => onlyRunFolder(out('runs'), 'dqn');

describe('reproduce', () => {
  it('trains two agents, writes the run folder, and fails because 120 frames cannot meet the claim', async () => {
    const variants = ['--set', 'experiment.variants=["agent","neither"]'];
    const { code, stdout } = await run(...brief, ...variants);
    expect(code).toBe(1);
    expect(stdout).toContain('Missed: trainingReturn was not measured');
    const folder = runFolder();
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'dqn', preset: 'quick', parameters: 114, steps: 240 });
    expect(Object.keys(summary.metrics).toSorted()).toEqual([
      'agentEvaluationReturn',
      'agentTrainingReturn',
      'neitherEvaluationReturn',
      'neitherTrainingReturn',
    ]);
    expect(readdirSync(join(folder, 'samples')).toSorted()).toEqual(['episode-agent.gif', 'episode-neither.gif']);

    await useBackend('onnx');
    const { network, home, frameStack } = await loadPretrained(join(folder, 'model-neither'));
    expect(home).toMatchObject({ name: 'CartPole' });
    const { returns } = await evaluate(network, makeHome(home), { episodes: 2, seed: 1, frameStack });
    const { total, pictures } = await recordEpisode(network, makeHome(home), { seed: 1 });
    expect(total).toBe(returns[0]);
    expect(pictures).toHaveLength(total + 1);
    network.dispose();
  });

  it('continues in the middle, with replay memory, exploration and environment, and ends as the undisturbed run', async () => {
    await run(...brief, '--set', 'experiment.seeds=2');
    const whole = runFolder();
    expect(readdirSync(join(whole, 'checkpoints')).toSorted()).toEqual(['step-000200', 'step-000240']);
    const before = readFileSync(join(whole, 'metrics.jsonl'), 'utf8');
    const files = ['model', 'target', 'optimizer', 'replay'].map(
      (group) => `checkpoints/step-000240/${group}.safetensors`,
    );
    const bytes = files.map((file) => readFileSync(join(whole, file)));
    await rm(join(whole, 'checkpoints/step-000240'), { recursive: true });
    await rm(join(whole, 'summary.json'));
    const { stdout } = await run('--resume', whole);
    expect(stdout).toContain('Continuing at step 200');
    expect(readFileSync(join(whole, 'metrics.jsonl'), 'utf8')).toBe(before);
    files.forEach((file, index) => expect(readFileSync(join(whole, file)).equals(bytes[index]!)).toBe(true));
    expect(existsSync(join(whole, 'summary.json'))).toBe(true);
  });

  const throughProcess = (fault: string): string[] =>
    settingFlags({
      'environment.name': 'gymnasium',
      'environment.command': JSON.stringify([process.execPath, standIn, fault]),
      'environment.frameSkip': 2,
      'environment.frameStack': 2,
      'network.kind': 'atari2013',
      'agent.replayCapacity': 100,
      'training.frames': 40,
      'training.learningStarts': 20,
      'training.evaluateEvery': 40,
      'training.finalEpisodes': 1,
      'training.evaluationSteps': 5,
      'training.checkpointEvery': 10,
    });

  it('learns from the frames of another process', async () => {
    const { stdout } = await run(...brief, ...throughProcess('frames'));
    expect(stdout).toContain('40 steps');
    const summary = JSON.parse(readFileSync(join(runFolder(), 'summary.json'), 'utf8'));
    expect(Number.isFinite(summary.metrics.evaluationReturn)).toBe(true);
  });

  it('keeps what was learned when that process dies, and can go on with another', async () => {
    const dying = await run(...brief, ...throughProcess('frames, dies after 25'));
    expect([dying.code, dying.stderr]).toEqual([1, expect.stringMatching(/It last said: "the emulator crashed"/)]);
    expect(dying.stderr).toContain('Saved what was learned until frame');
    const folder = runFolder();
    const [newest] = readdirSync(join(folder, 'checkpoints')).toSorted().toReversed();
    expect(Number(newest!.slice('step-'.length)) % 10).not.toBe(0); // Not one of those that were planned.
    const { stdout } = await run('--resume', folder, '--change-config', ...throughProcess('frames').slice(2, 4));
    expect(stdout).toContain('40 steps');
  });

  it.each([
    [['--set', 'agent.replayMegabytes=1', '--set', 'agent.replayCapacity=1000000'], 1, 'lower the capacity'],
    [['--set', 'agent.replayCapacity=100000000000000'], 1, 'this machine has'],
    [['--set', 'network.kind=grid'], 1, 'for measured values choose mlp'],
    [['--set', 'environment.frameSkip=4'], 2, 'only frames of Atari are skipped'],
    [['--set', 'experiment.variants=["both"]'], 2, 'experiment.variants'],
    [throughProcess('dies at once'), 1, 'ended with exit code 3'],
    [throughProcess('none'), 1, 'frames in RGB'],
  ])('%j is a mistake that is named, with what to do', async (changes, exit, remedy) => {
    const { code, stderr } = await run(...brief, ...changes);
    expect([code, stderr]).toEqual([exit, expect.stringContaining(remedy)]);
  });

  itStatesThePlan(run, () => out('runs'), [
    ['cartpole', '10,?934', '1,?500,?000'],
    ['laptop', '132,?566', '2,?000,?000'],
    ['paper', '680,?770', '10,?000,?000'],
    ['paper-2015', '1,?693,?362', '50,?000,?000'],
  ]);
});

describe('the command dqn', () => {
  it('plays an episode in the terminal and as a picture, and scores many', async () => {
    await useBackend('onnx');
    const network = new QNetwork([10, 10, 4], 6, { kind: 'grid', hidden: [] }).initialize(1);
    const folder = out('model');
    await savePretrained({ network, frameStack: 1, home: { name: 'Breakout', stickyProbability: 0.1 } }, folder);
    network.dispose();
    const picture = out('episode.gif');
    const flags = ['--weights', folder, '--backend', 'onnx'];
    const played = await dqn('play', '--picture', picture, '--steps', '30', ...flags);
    expect(played.code).toBe(0);
    expect(played.stdout).toMatch(/Breakout: return \d+ in \d+ moves/);
    expect(readFileSync(picture).subarray(0, 6).toString()).toBe('GIF89a');
    const scored = await dqn('evaluate', '--episodes', '5', '--epsilon', '0.1', ...flags);
    expect(scored.stdout).toMatch(/Breakout, 5 episodes: return \d+\.\d\d, standard deviation/);
  });

  it.each([
    [['--help'], 0, 'dqn play [flags]'],
    [['win'], 2, "'win' is not a command; there are reproduce, play and evaluate"],
    [['play', 'now'], 2, "'now' is no flag"],
    [['play', '--delay', 'long'], 2, 'give a whole number of at least 0'],
    [['evaluate', '--epsilon', '2'], 2, 'give a number from 0 to 1'],
    [['evaluate', '--colour', 'red'], 2, 'The flags are:'],
    [['play', '--weights', 'nowhere', '--backend', 'cpu'], 1, 'has no readable config.json'],
  ])('%j', async (argv, exit, text) => {
    const { code, stdout, stderr } = await dqn(...argv);
    expect([code, stdout + stderr]).toEqual([exit, expect.stringContaining(text)]);
  });
});

describe('loadPretrained', () => {
  it('reads from a URL, names what is odd, and says how to make weights that are not in the package', async () => {
    await useBackend('cpu');
    const network = new QNetwork([4], 2, { kind: 'mlp', hidden: [3] }).initialize(1);
    await savePretrained({ network, frameStack: 1, home: { name: 'CartPole' } }, out());
    const loaded = await loadPretrained(pathToFileURL(out()));
    expect(loaded.network.output.weight.value.dataSync()).toEqual(network.output.weight.value.dataSync());
    loaded.network.dispose();
    network.dispose();

    await writeFile(out('config.json'), '{');
    await expect(loadPretrained(out())).rejects.toThrow('is not JSON');
    await writeFile(out('config.json'), '{}');
    await expect(loadPretrained(out())).rejects.toThrow('is not the configuration of a dqn agent');
    const places = pretrained as Record<string, URL>;
    const own = places['breakout']!;
    places['breakout'] = pathToFileURL(`${out()}/nothing/`);
    try {
      await expect(loadPretrained('breakout')).rejects.toThrow(/did not come with this copy.*--preset laptop/s);
    } finally {
      places['breakout'] = own;
    }
  });
});

describe('the weights of this package', () => {
  it.each([
    ['cartpole', 450],
    ['breakout', 5],
  ] as const)('play %s as the table of results says', async (name, least) => {
    await useBackend('cpu');
    const { network, home, frameStack } = await loadPretrained(name);
    const { mean } = await evaluate(network, makeHome(home), { seed: 1, episodes: 30, frameStack });
    expect(mean).toBeGreaterThan(least);
    network.dispose();
  });
});

describe('experiments', () => {
  const config = (variants: string[], seeds = 1) => v.parse(configSchema, { experiment: { variants, seeds } });

  it('set replay and target network by name', () => {
    const found = trainingsOf(config(['replay-and-target', 'neither']), 3);
    expect(found.map(({ prefix, seed, agent }) => [prefix, seed, agent.replay, agent.targetNetwork])).toEqual([
      ['replayAndTarget', 3, true, true],
      ['neither', 3, false, false],
    ]);
    expect(trainingsOf(config(['agent'], 2), 3).map(({ prefix, seed }) => [prefix, seed])).toEqual([
      ['seed3', 3],
      ['seed4', 4],
    ]);
    expect(trainingsOf(config(['agent']), 1)[0]!.prefix).toBe('');
  });

  it('are compared: means over seeds, and what each part brings', () => {
    const seeds = { seed1TrainingReturn: 100, seed2TrainingReturn: 300 };
    expect(comparisons(config(['agent'], 2), 1, seeds)).toEqual({ meanTrainingReturn: 200 });
    const table = {
      replayAndTargetEvaluationReturn: 316.8,
      replayEvaluationReturn: 240.7,
      targetEvaluationReturn: 10.2,
      neitherEvaluationReturn: 3.2,
    };
    const { replayGain, targetGain } = comparisons(
      config(['replay-and-target', 'replay', 'target', 'neither']),
      1,
      table,
    );
    expect(replayGain).toBeCloseTo(272.05, 9);
    expect(targetGain).toBeCloseTo(41.55, 9);
  });
});
