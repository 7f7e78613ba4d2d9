import { describe, expect, it } from 'vitest';
import { CommandError, exportVerb, numberFlag, parseVerbFlags, runVerbs, wholeNumberFlag } from '../src/index.ts';
import { captureProgram } from '../src/testing.ts';

describe('runVerbs', () => {
  const seen: string[][] = [];
  const verb = (exit: number) => (argv: string[]) => {
    seen.push(argv);
    return Promise.resolve(exit);
  };
  const run = (...argv: string[]) =>
    captureProgram('tool', argv, () => runVerbs('tool', 'the usage\n', { reproduce: verb(0), play: verb(3) }));

  it('gives a verb the arguments after it, and the process its exit code', async () => {
    expect((await run('play', 'a', '--b')).code).toBe(3);
    expect(seen.at(-1)).toEqual(['a', '--b']);
  });

  it('prints the usage without a verb and for --help, but leaves the help of reproduce to reproduce', async () => {
    for (const argv of [[], ['--help'], ['-h'], ['play', '--help']]) {
      expect(await run(...argv)).toMatchObject({ code: 0, stdout: 'the usage\n' });
    }
    expect((await run('reproduce', '--help')).stdout).toBe('');
    expect(seen.at(-1)).toEqual(['--help']);
  });

  it('names the verbs where one is unknown, also one that every object has', async () => {
    for (const name of ['win', 'toString']) {
      const { code, stderr } = await run(name);
      expect([code, stderr]).toEqual([2, `Error: tool: '${name}' is not a command; there are reproduce and play.\n`]);
    }
  });
});

describe('parseVerbFlags', () => {
  it('finds flags and other arguments', () => {
    const { values, positionals } = parseVerbFlags('tool', 'usage', ['top', 'out'], ['a', '--top', '3', 'b'], true);
    expect({ ...values }).toEqual({ top: '3' });
    expect(positionals).toEqual(['a', 'b']);
  });

  it.each([
    [['--colour', 'red'], "Unknown option '--colour'"],
    [['--top'], 'argument missing'],
    [['now'], "'now' is no flag"],
  ])('refuses %j with the usage', (argv, message) => {
    const parse = (): unknown => parseVerbFlags('tool', 'the usage', ['top'], argv);
    expect(parse).toThrow(CommandError);
    expect(parse).toThrow(message);
    expect(parse).toThrow('The flags are:\n\nthe usage');
  });
});

describe('numbers', () => {
  it('are read from flags, or stand for those that were not given', () => {
    expect([numberFlag('a', undefined), numberFlag('a', '-0.5')]).toEqual([undefined, -0.5]);
    expect([wholeNumberFlag('a', undefined, Infinity), wholeNumberFlag('a', '0', 5, 0)]).toEqual([Infinity, 0]);
  });

  it.each(['', ' ', 'x', '1.5', '0', '1e400'])('%j is not a whole number of at least 1', (given) => {
    expect(() => wholeNumberFlag('top', given, 5)).toThrow(
      `--top: '${given}' arrived; give a whole number of at least 1.`,
    );
  });

  it.each(['', 'x'])('%j is not a number', (given) => {
    expect(() => numberFlag('top', given)).toThrow(`--top: '${given}' arrived; give a number.`);
  });
});

describe('exportVerb', () => {
  it('takes two places', async () => {
    const calls: string[][] = [];
    const verb = exportVerb((...places) => Promise.resolve(void calls.push(places)), 'a folder');
    expect(await verb(['a', 'b'])).toBe(0);
    expect(calls).toEqual([['a', 'b']]);
    await expect(verb(['a'])).rejects.toThrow('export: 1 arguments arrived; give a folder and a destination.');
  });
});
