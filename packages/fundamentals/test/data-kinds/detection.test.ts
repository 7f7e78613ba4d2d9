import { useBackend } from '@milestones/backend';
import { generateScenes } from '@milestones/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { cellTargets, type Detection, meanAveragePrecision, readCells } from '../../src/data-kinds/detection-cells.ts';
import { detection } from '../../src/data-kinds/detection.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

const scenes = generateScenes({ count: 40, seed: 7 });

/** What a net that knows everything would say: probabilities 1, the exact places, the right classes. */
function perfect(targets: Float32Array): Float32Array {
  const said = new Float32Array((targets.length / 6) * 9);
  for (let cell = 0; cell < targets.length / 6; cell++) {
    said.set(targets.subarray(cell * 6, cell * 6 + 5), cell * 9);
    said[cell * 9 + 5 + targets[cell * 6 + 5]!] = 1;
  }
  return said;
}

const known = scenes.objects.map((objects): Detection[] =>
  readCells(perfect(cellTargets(objects, scenes.size)), scenes.size).filter(({ score }) => score > 0.5),
);

describe('cells', () => {
  it('carry boxes there and back', () => {
    const [objects, found] = [scenes.objects[0]!, known[0]!];
    expect(found).toHaveLength(objects.length);
    for (const { box, shape } of objects) {
      const match = found.find((each) => Math.abs(each.box[0] - box[0]) < 1e-4 && each.shape === shape);
      match!.box.forEach((value, side) => expect(value).toBeCloseTo(box[side]!, 4));
    }
  });
});

describe('meanAveragePrecision', () => {
  it('is 1 for all that is there, and 0 for boxes elsewhere or with other classes', () => {
    // Two middles in one cell are rare, and the grid can hold one of them alone.
    const held = scenes.objects.filter((objects, scene) => objects.length === known[scene]!.length);
    const found = known.filter((each, scene) => each.length === scenes.objects[scene]!.length);
    expect(held.length).toBeGreaterThan(30);
    expect(meanAveragePrecision(found, held, 0.5)).toBeCloseTo(1, 12);
    const moved = found.map((each) =>
      each.map(({ box, ...rest }) => ({ ...rest, box: box.map((value) => value + 20) as unknown as typeof box })),
    );
    expect(meanAveragePrecision(moved, held, 0.5)).toBeLessThan(0.1);
    const misnamed = found.map((each) => each.map(({ shape, ...rest }) => ({ ...rest, shape: (shape + 1) % 4 })));
    expect(meanAveragePrecision(misnamed, held, 0.5)).toBe(0);
  });

  it('counts a second box on an object as wrong', () => {
    const [disc] = scenes.objects.flat().filter(({ shape }) => shape === 0);
    const one = { box: disc!.box, shape: 0, score: 0.9 };
    const others = [1, 2, 3].map((shape) => scenes.objects.flat().find((object) => object.shape === shape)!);
    const truth = [[disc!], ...others.map((object) => [object])];
    const rest = others.map(({ box, shape }) => [{ box, shape, score: 1 }]);
    expect(meanAveragePrecision([[one, { ...one, score: 0.95 }], ...rest], truth, 0.5)).toBe(1);
    const twoDiscs = [[disc!], [{ ...disc! }], ...others.map((object) => [object])];
    const double = [
      [
        { ...one, score: 0.95 },
        { ...one, score: 0.94 },
      ],
      [one],
      ...rest,
    ];
    // Right, wrong, right: precisions 1 and 2/3 at the two discs.
    expect(meanAveragePrecision(double, twoDiscs, 0.5)).toBeCloseTo((3 + (1 + 2 / 3) / 2) / 4, 12);
  });
});

describe('detection', () => {
  it('learns where things are', async () => {
    const { metrics } = await runQuick(detection, { count: 400, testCount: 40, steps: 150 });
    expect(metrics['averagePrecision']).toBeGreaterThan(0.05);
    expect(metrics['averagePrecisionStrict']).toBeLessThanOrEqual(metrics['averagePrecision']!);
  });
});
