import { describe, expect, it } from 'vitest';
import type { SweepDefinition } from '../src/definition.ts';
import type { SweepTrial } from '../src/ledger.ts';
import { stopAdvice } from '../src/stop-rules.ts';
import { formatStatus, LiveText } from '../src/status.ts';
import type { Attempt } from '../src/trial-record.ts';

const definition = {
  name: 'one',
  milestone: 'toy',
  preset: 'quick',
  search: 'random',
  goal: 'maximize',
  metric: 'accuracy',
} as SweepDefinition;

const attempt: Attempt = { number: 1, token: 't', worker: 'host:7', place: '/', started: '', end: null };
const curve = [
  { step: 10, value: 0.1 },
  { step: 20, value: 0.2 },
];

function trial(index: number, value?: number): SweepTrial {
  const base: SweepTrial = { index, attempts: [], progress: null, result: null, settings: { rate: 0.25 } };
  if (value === undefined) return base;
  const result = { state: 'finished' as const, value, metrics: {}, curve, reason: null, minutes: 1 };
  return { ...base, attempts: [{ ...attempt, end: 'recorded' }], result };
}

const running: SweepTrial = { ...trial(4), attempts: [attempt], progress: { step: 20, curve } };

describe('the table of trials', () => {
  it('counts, names the best and shows each trial', () => {
    expect(formatStatus(definition, [trial(0, 0.5), trial(1, 0.75), running, trial(5)]).split('\n')).toEqual([
      'Sweep one of toy quick: random search, 4 trials, maximize accuracy',
      '2 finished, 1 running, 1 waiting · best accuracy 0.75 (trial 1)',
      '',
      'trial  state     accuracy  step  tries  worker  rate  remark',
      '─────  ────────  ────────  ────  ─────  ──────  ────  ──────',
      '    0  finished       0.5            1          0.25',
      '    1  finished      0.75            1          0.25',
      '    4  running        0.2    20      1  host:7  0.25',
      '    5  waiting                                  0.25',
    ]);
  });

  it('keeps to the rows of a terminal: those under way, then the best', () => {
    const lines = formatStatus(definition, [trial(0, 0.5), trial(1, 0.75), trial(2), running], { rows: 2 }).split('\n');
    expect(lines.slice(5).map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '))).toEqual([
      '4 running',
      '1 finished',
      '… and',
    ]);
  });

  it('draws over itself in a terminal, under the lines that stay', () => {
    const written: string[] = [];
    const stream = { isTTY: true, rows: 24, columns: 10, write: (text: string) => written.push(text) };
    const live = new LiveText(stream as unknown as NodeJS.WriteStream);
    live.draw('a line of 16 chr\nanother');
    live.note('stays');
    expect(written).toEqual([
      'a line of 16 chr\nanother\n',
      '\u001B[3A\u001B[0J',
      'stays\n',
      'a line of 16 chr\nanother\n',
    ]);
  });
});

describe('a rule that ends trials early', () => {
  it('is asked once for every value, also for those that came since the last look', () => {
    const sweep = { ...definition, stop: { rule: 'halving', step: 10 } } as SweepDefinition;
    const advice = stopAdvice(sweep)!;
    const ahead = [trial(0, 0.5), trial(1, 0.75), trial(2, 0.6)].map((one) => ({
      ...one,
      result: { ...one.result!, curve: [{ step: 10, value: 0.9 }] },
    }));
    // Hopeless at the rung of step 10, although the newest value, at step 20, is at none.
    expect(advice([...ahead, running], 4)).toBe('ended at step 10 by the rule halving:10');
    expect(advice([...ahead, running], 4)).toBe(null);
    expect(stopAdvice({ ...definition, stop: null })).toBe(undefined);
  });
});
