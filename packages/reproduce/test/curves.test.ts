import { describe, expect, it } from 'vitest';
import { curvesSvg } from '../src/index.ts';
import { defaultCharts, linearTicks } from '../src/curves.ts';
import type { TargetResult } from '../src/targets.ts';

const records = [
  { step: 0, trainLoss: 4 },
  { step: 50, trainLoss: 2, validationLoss: 3 },
  { step: 100, trainLoss: 1, validationLoss: 2, accuracy: 0.5 },
];

describe('curvesSvg', () => {
  it('puts metrics of one kind into one panel', () => {
    expect(defaultCharts(records)).toEqual([
      { title: 'Loss', metrics: ['trainLoss', 'validationLoss'] },
      { title: 'Accuracy', metrics: ['accuracy'] },
    ]);
  });

  it('draws lines to scale, with bands and published values of the targets', () => {
    const target: TargetResult = {
      metric: 'validationLoss',
      step: 50,
      claim: 'c',
      paper: null,
      published: 3,
      expected: [2.5, 3.5],
      measured: 3,
      pass: true,
    };
    const svg = curvesSvg(records, [target], [{ title: 'Loss <a & b>', metrics: ['trainLoss', 'validationLoss'] }]);
    expect(svg).toContain('Loss &lt;a &amp; b>');
    // x: steps 0…100 over 68…732. y: values 0.85…4.15 over 330…64, so that 3 is at 156.7 and 2.5…3.5 is 80.6 high.
    expect(svg).toContain('M68 76.1L400 237.3L732 317.9');
    expect(svg).toContain('M400 156.7L732 237.3');
    expect(svg).toContain('<circle cx="400" cy="156.7"');
    expect(svg).toContain('<rect x="391" y="116.4" width="18" height="80.6"');
    expect(svg).toMatch(/>expected<\/text>[\s\S]*>published<\/text>/);
  });

  it('has an average over noisy lines, and a file without metrics', () => {
    const noisy = Array.from({ length: 5000 }, (_, step) => ({ step, loss: 2 + (step % 2) }));
    const svg = curvesSvg(noisy);
    expect(svg).toContain('stroke-opacity="0.25"');
    expect(svg.length).toBeLessThan(60_000);
    expect(curvesSvg([])).toContain('No metrics were logged.');
  });

  it('draws logarithmic axes and single points', () => {
    const svg = curvesSvg([{ step: 5, loss: 0.01 }], [], [{ title: 'Loss', metrics: ['loss'], scale: 'log' }]);
    expect(svg).toContain('<circle');
    expect(svg).toContain('>0.01</text>');
    expect(svg).not.toContain('NaN');
  });

  it('chooses round ticks', () => {
    expect(linearTicks([0, 5000], 8)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(linearTicks([1.62, 4.08], 6)).toEqual([2, 2.5, 3, 3.5, 4]);
    expect(linearTicks([0, 0.3], 6)).toEqual([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]);
  });
});
