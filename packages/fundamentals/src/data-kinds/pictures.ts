/** What the nets for images see, as pictures. */
import { figurePoints, type FigureSet, imageGrid, type PixelImage, type SceneSet } from '@milestones/datasets';
import type { Detection } from './detection-cells.ts';

/** Ground, disc, square, triangle, plus. */
const paint = [
  [20, 20, 20],
  [220, 90, 60],
  [70, 150, 220],
  [240, 200, 60],
  [110, 190, 100],
];

/** A row of scenes, and below it a row of masks for each of `masks`, [N, H, W] each. */
export function drawMasks({ images, size }: SceneSet, masks: readonly Uint8Array[], count: number): PixelImage {
  const pixels = count * size * size;
  const rows = masks.map((each) => [...each.subarray(0, pixels)].flatMap((label) => paint[label]!));
  const values = [...images.subarray(0, 3 * pixels), ...rows.flat()].map((value) => value / 255);
  return imageGrid(values, { height: size, width: size, channels: 3 }, { columns: count });
}

/** Scenes at three times their size, with frames around what was found. */
export function drawBoxes({ images, size }: SceneSet, found: readonly Detection[][], count: number): PixelImage {
  const side = 3 * size;
  const values = new Float32Array(count * side * side * 3);
  for (let index = 0; index < values.length; index++) {
    const [scene, place] = [Math.floor(index / (side * side * 3)), Math.floor(index / 3) % (side * side)];
    const [y, x] = [Math.floor(place / side / 3), Math.floor((place % side) / 3)];
    values[index] = images[((scene * size + y) * size + x) * 3 + (index % 3)]! / 255;
  }
  const mark = (scene: number, x: number, y: number): void => {
    const at = ((scene * side + y) * side + x) * 3;
    values.fill(1, at, at + 3);
  };
  const onImage = (value: number): number => Math.max(0, Math.min(side - 1, Math.round(3 * value)));
  for (let scene = 0; scene < count; scene++) {
    for (const { box, score } of found[scene]!) {
      if (score < 0.5) continue;
      const [left, top, right, bottom] = box.map(onImage) as [number, number, number, number];
      for (let x = left; x <= right; x++) for (const y of [top, bottom]) mark(scene, x, y);
      for (let y = top; y <= bottom; y++) for (const x of [left, right]) mark(scene, x, y);
    }
  }
  return imageGrid(values, { height: side, width: side, channels: 3 });
}

/** A row of figures, and below it a row of maps for each point, as large as the figures. */
export function drawMaps({ images, size }: FigureSet, maps: Float32Array, count: number): PixelImage {
  const K = figurePoints.length;
  const pixels = size * size;
  const values = new Float32Array((1 + K) * count * pixels * 3);
  for (let index = 0; index < values.length; index++) {
    const [row, figure] = [Math.floor(index / (count * pixels * 3)), Math.floor(index / (pixels * 3)) % count];
    const place = Math.floor(index / 3) % pixels;
    const [y, x] = [Math.floor(place / size / 2), Math.floor((place % size) / 2)];
    values[index] =
      row === 0 ? images[index]! / 255 : maps[(figure * (pixels / 4) + (y * size) / 2 + x) * K + row - 1]!;
  }
  return imageGrid(values, { height: size, width: size, channels: 3 }, { columns: count });
}
