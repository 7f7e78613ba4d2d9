import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rates, readSummary, spaceFile, startToy, sweep, temporaryFolder } from './sweep-command.ts';

const text = (...parts: string[]): string => readFileSync(join(...parts), 'utf8');

// Each trial is a process; a busy machine takes its time to start them.
describe('a sweep on this machine', { timeout: 90_000 }, () => {
  it('runs every trial, reports the best one, and repeats to the same table', async () => {
    const out = temporaryFolder();
    const { code, stdout, stderr } = await startToy(out, rates, '--trials', '6', '--workers', '3');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/6 finished · best validationLoss/);
    const { trials, best, milestone, search } = readSummary(out);
    expect([milestone, search, trials.length]).toEqual(['toy', 'random', 6]);
    expect(trials.every(({ state }) => state === 'finished')).toBe(true);
    // The toy's loss after 20 steps with seed 1.
    for (const { settings, value } of trials) {
      expect(value).toBeCloseTo((Math.log10(Number(settings!['rate'])) + 2) ** 2 + 0.01 + 0.05, 12);
    }
    expect(best!.value).toBe(Math.min(...trials.map(({ value }) => value!)));
    expect(best!.command).toBe(`pnpm reproduce toy --seed 1 --set rate=${best!.settings['rate']}`);
    const report = text(out, 'toy', 'one', 'REPORT.md');
    for (const part of ['## Best trial', '![validationLoss by trial](best.svg)', '## Which settings mattered']) {
      expect(report).toContain(part);
    }
    expect(text(out, 'toy', 'one', 'best.svg').match(/<circle/g)).toHaveLength(6);

    const again = temporaryFolder();
    await startToy(again, rates, '--trials', '6', '--workers', '1');
    expect(readSummary(again).trials).toEqual(trials);
  });

  it('goes over a grid of seeds and folds and averages over them', async () => {
    const out = temporaryFolder();
    const space = {
      kind: { kind: 'category', values: ['b', 'a'] },
      seed: { kind: 'integer', from: 1, to: 2 },
      fold: { kind: 'category', values: [0, 1] },
    };
    expect((await startToy(out, space, '--search', 'grid', '--workers', '4')).code).toBe(0);
    const { trials, groups, best } = readSummary(out);
    expect(trials).toHaveLength(8);
    expect(best!.settings).toEqual({ kind: 'a', seed: 1, fold: 0 });
    expect(best!.command).toContain('--seed 1 --set kind=a --set fold=0');
    // (log10 0.1 + 2)² + 1/20, and on average 0.015 for the seed and 0.05 for the fold.
    expect(groups.map(({ settings }) => settings)).toEqual([{ kind: 'a' }, { kind: 'b' }]);
    expect(groups[0]!.mean).toBeCloseTo(1 + 0.05 + 0.015 + 0.05, 12);
    expect(groups[0]!.deviation).toBeCloseTo(Math.sqrt((4 * (0.05 ** 2 + 0.005 ** 2)) / 3), 12);
    expect(text(out, 'toy', 'one', 'REPORT.md')).toContain('## Over seeds and folds');
  });

  it('comes closer by Bayesian search, and says which setting mattered', async () => {
    const out = temporaryFolder();
    const space = { ...rates, fold: { kind: 'category', values: [0, 1] } };
    const flags = ['--search', 'bayes', '--trials', '12', '--workers', '2'];
    expect((await startToy(out, space, ...flags)).code).toBe(0);
    const { best, importance } = readSummary(out);
    // The best possible: rate 0.01 on fold 0. A rate off by a factor of 1.8 costs 0.065.
    expect(best!.value).toBeLessThan(0.06 + 0.065);
    expect(importance.map(({ name }) => name)).toEqual(['rate', 'fold']);
    expect(text(out, 'toy', 'one', 'REPORT.md')).toMatch(/\| rate +\| +\d+ % \|/);
  });

  it('begins a trial whose process was killed again, from its last checkpoint', async () => {
    const out = temporaryFolder();
    const { code, stdout } = await startToy(out, rates, '--trials', '2', '--workers', '2', '--set', 'dieAt=15');
    expect(code).toBe(0);
    expect(stdout).toContain('attempt 1 died (SIGKILL)');
    const folder = join(out, 'toy', 'one', 'trials', '0000');
    expect(text(folder, 'attempt-2', 'output.txt')).toContain('Continuing at step 10');
    const quiet = temporaryFolder();
    await startToy(quiet, rates, '--trials', '2');
    expect(readSummary(out).trials).toEqual(readSummary(quiet).trials);
    const run = join(folder, 'attempt-2', 'toy', 'from-attempt-1');
    expect(text(run, 'metrics.jsonl').split('\n')).toHaveLength(21);
  });

  it('gives up a trial whose processes always die', async () => {
    const out = temporaryFolder();
    const flags = ['--trials', '1', '--attempts', '2', '--set', 'dieAt=5', '--set', 'steps=9'];
    const { code, stdout } = await startToy(out, rates, ...flags);
    expect(code).toBe(1); // it dies before its first checkpoint, and again
    expect(stdout).toContain('2 attempts died without a result');
    expect(readSummary(out)).toMatchObject({ best: null, trials: [{ state: 'failed', value: null }] });
  });

  it('records a run that fails with its own words, and goes on', async () => {
    const out = temporaryFolder();
    const space = { ...rates, fails: { kind: 'category', values: [false, true] } };
    const { code, stdout } = await startToy(out, space, '--trials', '6');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Trial \d failed \(step 3: the loss is NaN\.\)/);
    const { trials } = readSummary(out);
    for (const { settings, state } of trials) expect(state).toBe(settings!['fails'] === true ? 'failed' : 'finished');
    expect(new Set(trials.map(({ state }) => state)).size).toBe(2);
  });

  it('ends hopeless trials early where a rule is given', async () => {
    const out = temporaryFolder();
    const space = { rate: { kind: 'category', values: [0.01, 0.011, 0.012, 1] } };
    const flags = ['--search', 'grid', '--workers', '1', '--stop', 'median:5', '--set', 'slow=80', '--set', 'steps=60'];
    const { code, stdout } = await startToy(out, space, ...flags);
    expect(code).toBe(0);
    expect(stdout).toContain('by the rule median:5');
    expect(readSummary(out).trials.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished', 'stopped']);
  });

  it('stops at a signal with checkpoints, and resumes to the table of an undisturbed sweep', async () => {
    const out = temporaryFolder();
    const flags = ['--trials', '4', '--workers', '2', '--set', 'pause=60'];
    const folder = join(out, 'toy', 'one');
    const going = startToy(out, rates, ...flags);
    const checkpoints = join(folder, 'trials', '0001', 'attempt-1');
    await until(
      () => existsSync(checkpoints) && readdirSync(checkpoints, { recursive: true }).join(' ').includes('step-000010'),
    );
    process.kill(process.pid, 'SIGTERM');
    const stopped = await going;
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain(`Continue with: pnpm sweep resume ${folder}`);
    const resumed = await sweep('resume', 'one', '--out', out, '--workers', '4');
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(text(folder, 'trials', '0001', 'attempt-2', 'output.txt')).toMatch(/Continuing at step 1\d/);
    const quiet = temporaryFolder();
    await startToy(quiet, rates, '--trials', '4');
    expect(readSummary(out).trials).toEqual(readSummary(quiet).trials);
  });

  it('survives its own death: runs save a checkpoint, and resume takes over their trials and the lock', async () => {
    const out = temporaryFolder();
    const program = fileURLToPath(new URL('toy/run.mjs', import.meta.url));
    const flags = ['--name', 'one', '--trials', '3', '--workers', '2', '--set', 'pause=60', '--out', out];
    const child = spawn(process.execPath, [program, 'toy', '--space', spaceFile(rates), ...flags], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const attempt = join(out, 'toy', 'one', 'trials', '0001', 'attempt-1');
    const written = (): string => (existsSync(attempt) ? readdirSync(attempt, { recursive: true }).join(' ') : '');
    await until(() => written().includes('step-000010'));
    child.kill('SIGKILL');
    await ended;
    const resumed = await sweep('resume', 'one', '--out', out, '--workers', '3');
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(text(dirname(attempt), 'attempt-2', 'output.txt')).toMatch(/Continuing at step 1\d/);
    const quiet = temporaryFolder();
    await startToy(quiet, rates, '--trials', '3');
    expect(readSummary(out).trials).toEqual(readSummary(quiet).trials);
  });

  it('shows where the trials stand', async () => {
    const out = temporaryFolder();
    await startToy(out, rates, '--trials', '3');
    const { code, stdout } = await sweep('status', '--out', out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Sweep one of toy: random search, 3 trials, minimize validationLoss\n3 finished/);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3 + 2 + 3);
    expect((await sweep('report', 'one', '--out', out)).stdout).toContain(join(out, 'toy', 'one', 'REPORT.md'));
  });
});

describe('a sweep refuses', () => {
  const refused = async (space: unknown, ...flags: string[]): Promise<string> => {
    const out = temporaryFolder();
    const { code, stderr } = await startToy(out, space, ...flags);
    expect(code).toBe(2);
    expect(existsSync(join(out, 'toy', 'one'))).toBe(false);
    return stderr;
  };

  it('a space with an empty range, before anything starts', async () => {
    const space = { rate: { kind: 'range', from: 0.1, to: 0.1 } };
    expect(await refused(space)).toMatch(/--space space\.json: space: rate is the empty range from 0\.1 to 0\.1; give/);
  });

  it('a parameter that the milestone does not know, with the milestone’s words', async () => {
    const space = { ...rates, depth: { kind: 'integer', from: 1, to: 3 } };
    expect(await refused(space)).toMatch(/space: toy refuses depth = 1: --set: unknown key "depth"; valid names: rate/);
  });

  it('a range that leaves the bounds of the milestone', async () => {
    const space = { rate: { kind: 'range', from: -1, to: 1 } };
    expect(await refused(space)).toContain(
      'toy refuses rate = -1: configuration from --set: rate is -1: it must be above 0',
    );
  });

  it('no value that is fine together with others', async () => {
    const space = {
      width: { kind: 'category', values: [8, 2] },
      kind: { kind: 'category', values: ['a', 'b'] },
    };
    const out = temporaryFolder();
    expect((await startToy(out, space, '--trials', '1')).code).toBeLessThan(2);
  });

  it('files that are missing or no JSON, and flags of the trials that the milestone refuses', async () => {
    expect(await refused('{ rate: 1 }')).toMatch(/space\.json: it is not readable as JSON \(.+\); repair/);
    expect(await refused(rates, '--set', 'rates=1')).toMatch(/refuses the trials' flags: --set: unknown key "rates"/);
    expect(await refused(rates, '--preset', 'quik')).toMatch(/refuses the trials' flags: --preset: toy has no preset/);
    const missing = await sweep('toy', '--space', 'nowhere.json', '--out', temporaryFolder());
    expect(missing.stderr).toMatch(/--space nowhere\.json: there is no such file/);
  });

  it('two sweeps of one name, and leaves the first one as it is', async () => {
    const out = temporaryFolder();
    await startToy(out, rates, '--trials', '2');
    const before = text(out, 'toy', 'one', 'summary.json');
    const { code, stderr } = await startToy(out, rates, '--trials', '3');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--name one: there is a sweep of this name in .*one; continue it with: sweep resume one/);
    expect(text(out, 'toy', 'one', 'summary.json')).toBe(before);
    expect(readdirSync(join(out, 'toy'))).toEqual(['one']);
  });

  it('to work on a sweep that another process works on', async () => {
    const out = temporaryFolder();
    await startToy(out, rates, '--trials', '1');
    const other = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)']);
    const lock = { pid: other.pid, token: 'theirs', host: (await import('node:os')).hostname(), started: null };
    writeFileSync(join(out, 'toy', 'one', 'sweep.lock'), JSON.stringify(lock));
    const { code, stderr } = await sweep('resume', 'one', '--out', out);
    other.kill();
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${other.pid}`);
  });

  it('to continue with other code than it began with', async () => {
    const out = temporaryFolder();
    await startToy(out, rates, '--trials', '1');
    const path = join(out, 'toy', 'one', 'sweep.json');
    const definition = JSON.parse(text(path)) as Record<string, unknown>;
    expect(definition['version']).toMatchObject({ release: '1.2.3' });
    writeFileSync(path, JSON.stringify({ ...definition, version: { release: '1.2.2', code: '0123456789ab' } }));
    const { code, stderr } = await sweep('resume', 'one', '--out', out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/started with toy 1\.2\.2 \(code 0123456789ab\), here is 1\.2\.3 \(code .{12}\), and/);
  });

  it('a metric that the runs do not report, after the first of them', async () => {
    const out = temporaryFolder();
    const { code, stderr } = await startToy(out, rates, '--workers', '1', '--set', 'silent=true');
    expect(code).toBe(2);
    expect(stderr).toContain('the runs of toy report no validationLoss; name one of accuracy with --metric');
    expect(readdirSync(join(out, 'toy', 'one', 'trials')).filter((name) => name.endsWith('.json'))).toHaveLength(1);
  });

  it('names of sweeps that do not exist, and lists those that do', async () => {
    const out = temporaryFolder();
    expect((await sweep('status', '--out', out)).stderr).toContain('there is no sweep in');
    mkdirSync(join(out, 'toy', 'half'), { recursive: true });
    await startToy(out, rates, '--trials', '1');
    expect((await sweep('report', 'two', '--out', out)).stderr).toMatch(/no sweep called two in .* \(there: .*one\)/);
  });

  it('flags that it does not know or that are incomplete', async () => {
    const space = spaceFile(rates);
    const message = async (...argv: string[]) => (await sweep('toy', '--space', space, ...argv)).stderr;
    expect(await message('--trial', '3')).toMatch(/unknown flag --trial; did you mean --trials\?/);
    expect(await message('--trials', 'many')).toMatch(/--trials: "many" arrived; write a whole number of at least 1/);
    expect(await message('--trials')).toMatch(/--trials: no value arrived; write --trials <number>/);
    expect(await message('--search', 'magic')).toMatch(/choose from random, grid, bayes/);
    expect(await message('--stop', 'halving')).toMatch(/such as halving:100/);
    expect(await message('--name', 'a/b')).toMatch(/--name: "a\/b" arrived/);
    expect((await sweep('status', '--trials', '3')).stderr).toMatch(/sweep status: --trials has no meaning here/);
    expect((await sweep('toy')).stderr).toMatch(/no --space arrived/);
    expect((await sweep('--help')).stdout).toContain('--queue <address>');
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
