import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOutput, captureProgram, onlyRunFolder } from '@milestones/reproduce/testing';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../reproduce/test/in-a-folder.ts';
import { experiments } from '../src/index.ts';
import { main } from '../src/reproduce.ts';

const out = temporaryFolder('fundamentals');

const run = (...argv: string[]) => captureOutput(() => main(argv));
const brief = ['--backend', 'cpu', '--set', 'numbers=100'];

describe('reproduce fundamentals', () => {
  it('runs one experiment into a folder with report, drawings and a command that repeats it', async () => {
    const { stdout } = await run('--experiment', 'outliers', ...brief, '--out', out());
    const folder = onlyRunFolder(out(), 'fundamentals');
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ milestone: 'fundamentals', preset: 'outliers-quick', seed: 1, steps: 300 });
    expect(summary.command).toBe(
      'pnpm reproduce fundamentals --experiment outliers --preset quick --seed 1 --backend cpu --set numbers=100',
    );
    expect(readdirSync(join(folder, 'samples'))).toEqual(['minimisers.svg', 'pull.svg']);
    expect(readFileSync(join(folder, 'samples', 'pull.svg'), 'utf8')).toMatch(/^<svg .*<polyline /s);
    const report = readFileSync(join(folder, 'REPORT.md'), 'utf8');
    expect(report).toContain('a tenth of outliers');
    expect(report).toMatch(/\| key +\| default +\| here +\|.*\n.*\n\| numbers /); // the defaults are not the paper's
    expect(stdout).toContain('the minimiser of Huber’s error');
  });

  it('opens a run folder again without its experiment being named', async () => {
    await run('--experiment', 'outliers', ...brief, '--out', out());
    const folder = onlyRunFolder(out(), 'fundamentals');
    await rm(join(folder, 'summary.json'));
    const { stderr } = await run('--resume', folder);
    expect(stderr).not.toContain('Error');
    expect(existsSync(join(folder, 'summary.json'))).toBe(true);
  });

  it('lists every experiment with family and claim', async () => {
    const { code, stdout } = await run('--list');
    expect(code).toBe(0);
    for (const { name } of experiments) expect(stdout).toContain(name);
  });

  it('has a dry run through all of them', async () => {
    const { code, stdout } = await run('--preset', 'quick', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('preset quick, seed 1');
  });

  it.each([
    [['--experiment', 'outlier'], 'did you mean outliers?'],
    [['--experiment'], 'no value arrived'],
    [['--experiment', 'outliers', '--preset', 'papre'], 'choose from quick'],
    [['--experiment', 'outliers', '--set', 'step=3'], 'did you mean steps?'],
    [['--resume'], 'of which experiment?'],
  ])('answers %s with what to do', async (argv, message) => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('the command', () => {
  const fundamentals = (...argv: string[]) =>
    captureProgram('fundamentals', argv, () => {
      vi.resetModules();
      return import('../src/cli.ts');
    });

  it('lists, helps and refuses', async () => {
    expect((await fundamentals('list')).stdout).toContain('outliers');
    expect((await fundamentals()).stdout).toContain('--experiment <name>');
    expect(await fundamentals('train')).toMatchObject({ code: 2 });
  });
});
