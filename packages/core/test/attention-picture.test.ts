import { describe, expect, it } from 'vitest';
import { attentionPicture } from '../src/index.ts';

describe('attentionPicture', () => {
  const source = ['<a>', 'b'];
  const target = ['x', 'y & z', '.'];
  const weights = [[1, 0], [0.5, 0.5], Float32Array.of(0.25, 0.75)];

  it('has a cell for each pair of words, and escapes them', () => {
    const svg = attentionPicture([{ source, target, weights }]);
    expect(svg.match(/<rect/g)).toHaveLength(2 + 6);
    expect(svg).toContain('&lt;a&gt;');
    expect(svg).toContain('y &amp; z');
    expect(svg).toContain('fill-opacity="0.75"');
  });

  it('places panels side by side, each under its title', () => {
    const one = attentionPicture([{ title: 'head <1>', source, target, weights }]);
    const two = attentionPicture([
      { title: 'head <1>', source, target, weights },
      { title: 'head 2', source, target, weights },
    ]);
    const widthOf = (svg: string): number => Number(/ width="(\d+)"/.exec(svg)![1]);
    expect(two).toContain('head &lt;1&gt;');
    expect(widthOf(two)).toBe(2 * widthOf(one));
    expect(two).toContain(`translate(${widthOf(one)} 0)`);
  });

  it('refuses weights that do not fit the words', () => {
    expect(() => attentionPicture([{ source: ['a'], target: ['x', 'y'], weights: [[1]] }])).toThrow(
      '1 rows of 1 weights arrived for 2 target and 1 source words',
    );
  });
});
