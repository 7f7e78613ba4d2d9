import { describe, expect, it } from 'vitest';
import { figurePoints, generateFigures } from '../../src/index.ts';

const figures = generateFigures({ count: 300, seed: 3 });

describe('generated figures', () => {
  it('depend on the seed and the part alone, figure by figure', () => {
    const fewer = generateFigures({ count: 4, seed: 3 });
    expect(fewer.images).toEqual(figures.images.subarray(0, fewer.images.length));
    expect(fewer.points).toEqual(figures.points.subarray(0, fewer.points.length));
    expect(generateFigures({ count: 4, seed: 3, part: 'test' }).points).not.toEqual(fewer.points);
  });

  it('have the colour of the limb at its point, as far as nothing lies over it', () => {
    const { images, points, size } = figures;
    const right: number[] = figurePoints.map(() => 0);
    const visible: number[] = figurePoints.map(() => 0);
    for (let figure = 0; figure < figures.count; figure++) {
      figurePoints.forEach((name, index) => {
        const [x, y] = [0, 1].map((axis) => Math.floor(points[(figure * figurePoints.length + index) * 2 + axis]!));
        if (x! < 0 || y! < 0 || x! >= size || y! >= size) return;
        const [red, green, blue] = images.subarray(((figure * size + y!) * size + x!) * 3);
        visible[index]!++;
        const matches =
          name === 'head' ? red! + green! > 2 * blue! : name.startsWith('left') ? red! > blue! : blue! > red!;
        right[index]! += Number(matches);
      });
    }
    right.forEach((count, index) => expect(count / visible[index]!).toBeGreaterThan(0.9));
    visible.forEach((count) => expect(count).toBeGreaterThan(0.97 * figures.count));
  });

  it('state the extent of the points', () => {
    const own = figures.points.subarray(0, 10);
    const spread = [0, 1].map((axis) => {
      const values = own.filter((_, index) => index % 2 === axis);
      return Math.max(...values) - Math.min(...values);
    });
    expect(figures.extents[0]).toBeCloseTo(Math.max(...spread), 4);
  });

  it('refuses what it cannot draw', () => {
    expect(() => generateFigures({ count: 1, size: 4 })).toThrow('1 figures of 4 pixels were asked for');
  });
});
