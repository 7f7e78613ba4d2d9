import { describe, expect, it } from 'vitest';
import { checkTargets, formatDuration, formatNumber, formatTable, markdownTable, targetTable } from '../src/index.ts';
import { missedTarget } from '../src/target-table.ts';
import type { TargetDefinition } from '../src/targets.ts';

const target = (changes: Partial<TargetDefinition>): TargetDefinition => ({
  metric: 'loss',
  claim: 'learns',
  paper: null,
  published: null,
  expected: [1, 2],
  ...changes,
});

describe('checkTargets', () => {
  const log = [
    { step: 5, loss: 3 },
    { step: 10, loss: 2.5 },
    { step: 10, other: 1 },
    { step: 10, loss: 1.5 },
  ];

  it('compares final metrics, or the last record of a step, both ends included', () => {
    const targets = [target({}), target({ step: 10 }), target({ step: 5 }), target({ expected: [null, 1] })];
    const results = checkTargets(targets, { loss: 1 }, log);
    expect(results.map(({ measured, pass }) => [measured, pass])).toEqual([
      [1, true],
      [1.5, true],
      [3, false],
      [1, true],
    ]);
  });

  it('fails what was never measured', () => {
    const [never, notAtStep] = checkTargets([target({ metric: 'x' }), target({ step: 7 })], { loss: 1 }, log);
    expect(never).toMatchObject({ measured: null, pass: false });
    expect(notAtStep).toMatchObject({ measured: null, pass: false });
    expect(missedTarget(notAtStep!)).toBe('Missed: loss at step 7 was not measured; expected 1 to 2. Claim: learns');
  });

  it('is printed as a table', () => {
    const results = checkTargets(
      [target({ paper: 1.5 }), target({ expected: [3, null], published: 0.12345 })],
      { loss: 1.23456 },
      [],
    );
    expect(
      targetTable(results)
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual([
      'claim   paper  published    expected  measured  pass',
      '──────  ─────  ─────────  ──────────  ────────  ────',
      'learns    1.5          –      1 to 2     1.235  yes',
      'learns      –     0.1235  at least 3     1.235  NO',
    ]);
  });
});

describe('tables', () => {
  it('wrap their widest text column to fit', () => {
    const text = formatTable(['what', 'n'], [['a claim of many words that is too long', '1']], {
      align: 'lr',
      width: 30,
    });
    expect(text.split('\n').every((line) => line.length <= 30)).toBe(true);
    expect(text).toContain('a claim of many words that   1\nis too long');
  });

  it('escape Markdown', () => {
    expect(markdownTable(['a', 'b'], [['x|y', 'two\nlines']], { align: 'lr' })).toBe(
      '| a    |            b |\n| ---- | -----------: |\n| x\\|y | two<br>lines |',
    );
  });
});

describe('numbers for people', () => {
  it('have four digits, and durations their usual units', () => {
    expect([1.82149, 209729, 1e-9, -0.5, null, undefined, Number.NaN].map(formatNumber)).toEqual([
      '1.821',
      '209,729',
      '1e-9',
      '-0.5',
      '–',
      '–',
      'NaN',
    ]);
    expect([4.23, 42, 185, 7621, -1].map(formatDuration)).toEqual(['4.2 s', '42 s', '3 min 05 s', '2 h 07 min', '–']);
  });
});
