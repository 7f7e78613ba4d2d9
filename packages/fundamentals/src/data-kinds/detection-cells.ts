/** From boxes to the cells of a grid and back (Redmon et al. 2016, section 2), and how good a list of boxes is. */
import { averagePrecision, type Box, nonMaximumSuppression, overlapOf } from '@milestones/core';
import { type SceneObject, sceneShapes } from '@milestones/datasets';

/** Height and width of a cell in pixels. */
export const cell = 8;
/** K */
export const classes = sceneShapes.length;
/** Of a cell: whether an object is here; x, y, width, height; the classes. */
export const columns = 1 + 4 + classes;

/** What the net should say of a scene, [G · G, 6]: 1, x and y in the cell, width and height in cells, the class. */
export function cellTargets(objects: readonly SceneObject[], size: number): Float32Array {
  const grid = size / cell;
  const targets = new Float32Array(grid * grid * 6);
  for (const { box, shape } of objects) {
    const [left, top, right, bottom] = box.map((value) => value / cell) as [number, number, number, number];
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const at = Math.floor(y) * grid + Math.floor(x);
    targets.set([1, x % 1, y % 1, right - left, bottom - top, shape], at * 6);
  }
  return targets;
}

/** A box that the net sees, or its like. */
export interface Detection {
  box: Box;
  shape: number;
  score: number;
}

/** Boxes from probabilities and places of the cells of one scene, [G · G, 5 + K], flat; at most one for each object. */
export function readCells(values: ArrayLike<number>, size: number): Detection[] {
  const grid = size / cell;
  const found = Array.from({ length: grid * grid }, (_, place): Detection => {
    const [here, x, y, width, height, ...kinds] = Array.from({ length: columns }, (__, index) => {
      return values[place * columns + index]!;
    }) as [number, number, number, number, number, ...number[]];
    const [middleX, middleY] = [(place % grid) + x, Math.floor(place / grid) + y];
    const [left, right] = [cell * (middleX - width / 2), cell * (middleX + width / 2)];
    const [top, bottom] = [cell * (middleY - height / 2), cell * (middleY + height / 2)];
    const best = kinds.indexOf(Math.max(...kinds));
    return { box: [left, top, right, bottom], shape: best, score: here * kinds[best]! };
  });
  const kept = nonMaximumSuppression(
    found.map(({ box }) => box),
    found.map(({ score }) => score),
    0.5,
  );
  return kept.map((index) => found[index]!);
}

/** Mean over shapes of the average precision, where a box is right from an overlap of `threshold` on. */
export function meanAveragePrecision(
  found: readonly (readonly Detection[])[],
  scenes: readonly (readonly SceneObject[])[],
  threshold: number,
): number {
  const precisions = sceneShapes.map((_, shape) => {
    const all = found.flatMap((each, scene) =>
      each.filter((one) => one.shape === shape).map((one) => ({ ...one, scene })),
    );
    const left = scenes.map((objects) => objects.filter((object) => object.shape === shape));
    const total = left.flat().length;
    const judged = all
      .toSorted((a, b) => b.score - a.score)
      .map(({ box, score, scene }) => {
        const match = left[scene]!.findIndex((object) => overlapOf(object.box, box) >= threshold);
        if (match >= 0) left[scene]!.splice(match, 1); // An object is found once; a second box on it is wrong.
        return { score, correct: match >= 0 };
      });
    return averagePrecision(judged, total);
  });
  return precisions.reduce((sum, value) => sum + value, 0) / precisions.length;
}
