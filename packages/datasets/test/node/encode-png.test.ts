import { describe, expect, it } from 'vitest';
import { imageGrid } from '../../src/index.ts';
import { decodeImage, encodePng } from '../../src/node.ts';

describe('encodePng', () => {
  it.each([1, 3] as const)('an image of %i channels is what a decoder reads again', (channels) => {
    const image = { height: 3, width: 5, channels, data: Uint8Array.from({ length: 15 * channels }, (_, i) => i * 5) };
    expect(decodeImage(encodePng(image), { channels })).toMatchObject(image);
  });

  it('refuses data of another size', () => {
    expect(() => encodePng({ height: 2, width: 2, channels: 1, data: new Uint8Array(5) })).toThrow(
      'encodePng: 5 bytes arrived for an image of 2×2×1',
    );
  });
});

describe('imageGrid', () => {
  it('puts images side by side, cuts off what is outside 0 to 1, and leaves the ground between them', () => {
    const grid = imageGrid([0, 1, 2, -1, 0.5], { height: 1, width: 1, channels: 1 }, { columns: 3, gap: 1, ground: 9 });
    expect(grid).toMatchObject({ height: 5, width: 7, channels: 1 });
    const row = (index: number): number[] => [...grid.data.subarray(index * 7, (index + 1) * 7)];
    expect(row(1)).toEqual([9, 0, 9, 255, 9, 255, 9]);
    expect(row(3)).toEqual([9, 0, 9, 128, 9, 9, 9]);
  });

  it('is square unless told otherwise', () => {
    expect(imageGrid(new Float32Array(9 * 12), { height: 2, width: 2, channels: 3 })).toMatchObject({
      height: 14,
      width: 14,
    });
  });

  it.each([
    [[1, 2, 3], {}, '3 values arrived for images of 1×2×1'],
    [[1, 2], { columns: 0 }, '0 columns'],
    [[Number.NaN, 0], {}, 'image 0 holds NaN'],
  ])('%j, %j is refused', (values, options, message) => {
    expect(() => imageGrid(values, { height: 1, width: 2, channels: 1 }, options)).toThrow(message);
  });
});
