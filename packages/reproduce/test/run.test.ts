import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { lockRun, readMetrics, Run } from '../src/index.ts';
import { onlyRun, runToy, temporaryFolder } from './toy-command.ts';

const usual = ['--backend', 'cpu', '--no-progress'];
const readJson = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** The files in which a resumed and an undisturbed run must agree byte for byte. */
function outcome(folder: string): Record<string, string> {
  const files = [
    'metrics.jsonl',
    'samples/line.txt',
    'checkpoints/step-000060/model.safetensors',
    'checkpoints/step-000060/optimizer.safetensors',
  ];
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name)).toString('latin1')]));
}

/** Leaves a run as SIGKILL would: no clean-up, the lock of a dead process, a half-written line. */
async function killAtStep(out: string, step: number): Promise<void> {
  const log = Run.prototype.log;
  vi.spyOn(Run.prototype, 'log').mockImplementation(function (this: Run, at, values) {
    if (at >= step) throw new Error('killed');
    log.call(this, at, values);
  });
  const resume = existsSync(join(out, 'toy')) ? ['--resume'] : [];
  const { code } = await runToy('--preset', 'quick', ...resume, '--out', out, ...usual);
  vi.restoreAllMocks();
  expect(code).toBe(1);
  const folder = onlyRun(out);
  writeFileSync(
    join(folder, 'run.lock'),
    JSON.stringify({ pid: 2 ** 22 + 1, token: 'x', host: hostname(), started: null }),
  );
  appendFileSync(join(folder, 'metrics.jsonl'), '{"step":99,"trainL');
}

describe('a run', () => {
  it('leaves a complete run folder and exit code 0', async () => {
    const out = temporaryFolder();
    const { code, stdout } = await runToy('--preset', 'quick', '--out', out, ...usual);
    expect(code).toBe(0);
    expect(stdout).toMatch(/finds the slope of the line +– +2 +1\.9 to 2\.1 +\d\.\d+ +yes/);
    const folder = onlyRun(out);
    expect(folder).toMatch(/quick-seed1-\d{8}-\d{6}$/);
    expect(
      readdirSync(folder)
        .filter((name) => !name.includes('tfevents'))
        .toSorted(),
    ).toEqual([
      'REPORT.md',
      'checkpoints',
      'config.json',
      'curves.svg',
      'environment.json',
      'metrics.jsonl',
      'samples',
      'summary.json',
    ]);
    const summary = readJson(folder, 'summary.json');
    expect(Object.keys(summary)).toEqual([
      'milestone',
      'preset',
      'seed',
      'engine',
      'parameters',
      'steps',
      'minutes',
      'command',
      'commit',
      'metrics',
      'targets',
    ]);
    expect(summary).toMatchObject({
      milestone: 'toy',
      preset: 'quick',
      seed: 1,
      engine: 'cpu',
      parameters: 2,
      steps: 60,
    });
    expect(summary.command).toBe('pnpm reproduce toy --preset quick --seed 1 --backend cpu');
    expect(summary.targets.map((target: { pass: boolean }) => target.pass)).toEqual([true, true]);
    expect(summary.targets[1].measured).toBe(
      readMetrics(folder).findLast((record) => 'validationLoss' in record)!['validationLoss'],
    );
    expect(readMetrics(folder)).toHaveLength(63);
    expect(readdirSync(join(folder, 'checkpoints')).toSorted()).toEqual(['step-000050', 'step-000060']);
    const report = readFileSync(join(folder, 'REPORT.md'), 'utf8');
    for (const part of [
      'a line needs few steps',
      'orbits of comets',
      'y = ',
      'pnpm reproduce toy',
      'curves.svg',
      'Losses are mean squared errors.',
      '| paper |',
    ]) {
      expect(report).toContain(part);
    }
    expect(readJson(folder, 'environment.json')).toMatchObject({ node: process.version, engine: { name: 'cpu' } });
  });

  it('fails with exit code 1 and a plain statement when a target is missed', async () => {
    const out = temporaryFolder();
    const { code, stdout } = await runToy('--preset', 'laptop', '--out', out, '--set', 'points=50', ...usual);
    expect(code).toBe(1);
    expect(stdout).toMatch(/Missed: validationLoss is 0\.\d+; expected at most 0\.0001\. Claim: loss below the noise/);
    expect(stdout).toContain('this run changed points=50');
    expect(readJson(onlyRun(out), 'summary.json').targets[0].pass).toBe(false);
  });

  it('equals an undisturbed run after kills and resumes', async () => {
    const [undisturbed, killed] = [temporaryFolder(), temporaryFolder()];
    await runToy('--preset', 'quick', '--out', undisturbed, ...usual);
    for (const step of [4, 15, 38, 59]) await killAtStep(killed, step);
    const { code, stdout } = await runToy('--resume', '--out', killed, ...usual);
    expect(code).toBe(0);
    expect(stdout).toContain('Continuing at step 50:');
    expect(outcome(onlyRun(killed))).toEqual(outcome(onlyRun(undisturbed)));
  });

  it('refuses to resume under another configuration, unless told to', async () => {
    const out = temporaryFolder();
    await killAtStep(out, 25);
    const folder = onlyRun(out);
    const refused = await runToy('--resume', folder, '--set', 'steps=70', '--set', 'optimizer.name=plain', ...usual);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('steps is 70, in the run 60; optimizer.name is plain, in the run momentum.');
    expect((await runToy('--resume', folder, '--seed', '2', '--change-config', ...usual)).stderr).toContain(
      'a run keeps its seed',
    );
    const changed = await runToy('--resume', folder, '--set', 'steps=70', '--change-config', ...usual);
    expect(changed.code).toBe(0);
    expect(readJson(folder, 'config.json').changed).toEqual([{ step: 20, key: 'steps', from: 60, to: 70 }]);
    expect(readFileSync(join(folder, 'REPORT.md'), 'utf8')).toContain('The configuration was changed during the run');
    expect((await runToy('--resume', folder, ...usual)).code).toBe(0);
  });

  it('stops at a loss that is not finite and keeps the last good checkpoint', async () => {
    const out = temporaryFolder();
    const { code, stderr } = await runToy('--preset', 'quick', '--set', 'breakAt=37', '--out', out, ...usual);
    const folder = onlyRun(out);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `Error: step 37: trainLoss is NaN; the run stopped and its last good checkpoint is kept in ${join(folder, 'checkpoints')}`,
    );
    expect(stderr).toContain(`pnpm reproduce toy --resume ${folder} --set optimizer.learningRate=0.1 --change-config`);
    expect(readdirSync(join(folder, 'checkpoints')).toSorted()).toEqual(['step-000020', 'step-000030']);
    const again = await runToy(
      '--resume',
      folder,
      '--set',
      'breakAt=null',
      '--set',
      'optimizer.learningRate=0.1',
      '--change-config',
      ...usual,
    );
    expect(again.code).toBe(0);
  });

  it('does not save weights that are not finite', async () => {
    const out = temporaryFolder();
    const { code, stderr } = await runToy(
      '--preset',
      'quick',
      '--set',
      'optimizer.learningRate=1e30',
      '--out',
      out,
      ...usual,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/step \d+: .* is (NaN|-?Infinity); the run stopped/);
    expect(readdirSync(join(onlyRun(out), 'checkpoints'))).toEqual([]);
  });

  it('saves results for the repository with thinned metrics', async () => {
    const out = temporaryFolder();
    const results = new URL('./toy/results/', import.meta.url);
    try {
      await runToy('--preset', 'quick', '--seed', '3', '--set', 'steps=300', '--save-results', '--out', out, ...usual);
      const folder = join(results.pathname, 'quick-seed3');
      expect(readdirSync(folder).toSorted()).toEqual([
        'config.json',
        'curves.svg',
        'metrics.jsonl',
        'samples.line.txt',
        'summary.json',
      ]);
      const records = readMetrics(folder);
      expect(records.length).toBeLessThan(120);
      expect(records.filter((record) => 'validationLoss' in record)).toHaveLength(15);
      expect(records[0]!.step).toBe(1);
      expect(records.at(-1)!.step).toBe(300);
    } finally {
      rmSync(results, { recursive: true, force: true });
    }
  });
});

describe('lockRun', () => {
  it('keeps a second writer out and lets it in afterwards', () => {
    const folder = temporaryFolder();
    const lock = lockRun(folder);
    expect(() => lockRun(folder)).toThrow(`process ${process.pid} on ${hostname()} is writing it; wait for it to end`);
    lock.release();
    lockRun(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['a dead process', JSON.stringify({ pid: 2 ** 22 + 1, token: 'x', host: hostname(), started: null })],
    [
      'an earlier process with our id',
      JSON.stringify({ pid: process.pid, token: 'x', host: hostname(), started: null }),
    ],
    ['a write that was cut short', '{"pid":'],
  ])('takes over the lock of %s', (_, content) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'run.lock'), content);
    lockRun(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('respects a lock of another machine', () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'run.lock'),
      JSON.stringify({ pid: 1, token: 'x', host: 'elsewhere.example', started: null }),
    );
    expect(() => lockRun(folder)).toThrow('process 1 on elsewhere.example');
  });
});
