import { describe, expect, it } from 'vitest';
import { Progress } from '../src/index.ts';

function record(columns?: number) {
  const written: string[] = [];
  return {
    written,
    stream: { write: (text: string) => written.push(text), ...(columns !== undefined && { columns }) },
  };
}

describe('Progress', () => {
  it('draws bar, counter, values, rate and remaining time', () => {
    const { written, stream } = record(80);
    let time = 0;
    const progress = new Progress({ total: 100, bar: true, stream, now: () => time });
    for (let step = 1; step <= 50; step++) {
      time += 100;
      progress.update(step, { trainLoss: 1.23456 });
    }
    const bar = '█'.repeat(15) + '░'.repeat(14);
    expect(written.at(-1)).toBe(`${bar} step 50/100 · trainLoss 1.235 · 10/s · 5.0 s left`);
    progress.finish();
    progress.finish();
    expect(written.at(-1)).toBe('\n');
  });

  it.each([80, 40, 24, 12, 5, 1])('stays on one line of a terminal with %i columns', (columns) => {
    const { written, stream } = record(columns);
    let time = 0;
    const progress = new Progress({ total: 123_456, bar: true, stream, now: () => (time += 200) });
    for (let step = 1; step < 30; step++) progress.update(step, { trainLoss: 1 / 3, validationLoss: 2 / 3 });
    for (const line of written) expect([...line.replace('\r\u001b[2K', '')].length).toBeLessThan(columns);
  });

  it('writes a plain line now and then without a terminal', () => {
    const { written, stream } = record();
    let time = 0;
    const progress = new Progress({ total: 600, bar: false, stream, now: () => time });
    for (let step = 1; step <= 600; step++) {
      time += 100;
      progress.update(step, { loss: 2 });
    }
    progress.finish();
    expect(written.length).toBeGreaterThanOrEqual(6);
    expect(written.length).toBeLessThanOrEqual(9);
    for (const control of ['\r', '\u001b']) expect(written.join('')).not.toContain(control);
    expect(written[1]).toMatch(/^step \d+\/600 · loss 2 · 10\/s · \d+ s left\n$/);
    expect(written.at(-1)).toBe('step 600/600 · loss 2 · 10/s · 1 min 00 s\n');
  });

  it('does not count the steps of an earlier process for the rate, and writes notes above the bar', () => {
    const { written, stream } = record(80);
    let time = 0;
    const progress = new Progress({ total: 1000, start: 900, bar: true, stream, now: () => time });
    time = 1000;
    progress.update(910);
    expect(written.at(-1)).toContain('10/s · 9.0 s left');
    progress.note('a note');
    expect(written.slice(-3, -1)).toEqual(['\r\u001b[2K', 'a note\n']);
    expect(written.at(-1)).toContain('step 910/1000');
  });
});
