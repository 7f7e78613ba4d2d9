import { afterEach, describe, expect, it } from 'vitest';
import {
  type AugmentationStep,
  type ImageBatch,
  ImageBatches,
  type ImageBatchesOptions,
  evaluationBatches,
  generateShapes,
} from '../../src/index.ts';

const dataset = generateShapes({ count: 50, size: 12 });
const mean = [0.4, 0.5, 0.6];
const deviation = [0.2, 0.3, 0.25];
/** One of every kind. */
const everything: readonly AugmentationStep[] = [
  { kind: 'padAndCrop', pixels: 2 },
  { kind: 'flip' },
  { kind: 'resize', size: 16 },
  { kind: 'randomCrop', size: 14 },
  { kind: 'randomResizedCrop', size: 10 },
  { kind: 'colorJitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8 },
  { kind: 'grayscale', probability: 0.2 },
  { kind: 'blur', size: 3 },
  { kind: 'colorPca' },
  { kind: 'normalize', mean, deviation },
  { kind: 'centerCrop', size: 8 },
];

const open: ImageBatches[] = [];

function create(options: Partial<ImageBatchesOptions> = {}): ImageBatches {
  const batches = new ImageBatches({
    dataset,
    batchSize: 8,
    seed: 1,
    augmentation: everything,
    workers: 0,
    ...options,
  });
  open.push(batches);
  return batches;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((batches) => batches.dispose()));
});

async function take(batches: ImageBatches, count: number): Promise<ImageBatch[]> {
  const taken = [];
  for (let index = 0; index < count; index++) taken.push(await batches.next());
  return taken;
}

describe('ImageBatches', () => {
  it('gives shape, labels and places', async () => {
    const batches = create({ augmentation: [] });
    const { images, shape, labels, indices } = await batches.next();
    expect(shape).toEqual([8, 12, 12, 3]);
    expect(images).toHaveLength(8 * 12 * 12 * 3);
    expect([...labels]).toEqual([...indices].map((index) => dataset.labels[index]));
    const size = 12 * 12 * 3;
    for (const [row, index] of indices.entries()) {
      const wanted = dataset.images.subarray(index * size, (index + 1) * size);
      expect(images.subarray(row * size, (row + 1) * size)).toEqual(Float32Array.from(wanted, (byte) => byte / 255));
    }
    expect(create().imageShape).toEqual([8, 8, 3]);
  });

  it('goes through every image once per epoch, and keeps the order where asked', async () => {
    const batches = create({ dropLast: false, augmentation: [] });
    expect(batches.batchesPerEpoch).toBe(7);
    const epochs = [await take(batches, 7), await take(batches, 7)].map((epoch) =>
      epoch.flatMap(({ indices }) => [...indices]),
    );
    for (const epoch of epochs) expect(new Set(epoch).size).toBe(50);
    expect(epochs[0]).not.toEqual(epochs[1]);
    const ordered = create({ shuffle: false, dropLast: false, augmentation: [] });
    const all = (await take(ordered, 8)).map(({ indices }) => [...indices]);
    expect(all[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(all[6]).toEqual([48, 49]);
    expect(all[7]).toEqual(all[0]);
    expect(create().batchesPerEpoch).toBe(6);
  });

  it('is the same to the bit for any number of workers and any prefetching', async () => {
    const wanted = await take(create(), 9);
    for (const [workers, prefetch] of [
      [1, 2],
      [3, 7],
      [2, 0],
    ] as const) {
      expect(await take(create({ workers, prefetch }), 9)).toEqual(wanted);
    }
  });

  it('draws for an image, not for its place: batch sizes change nothing', async () => {
    const size = 8 * 8 * 3;
    const byIndex = (batches: readonly ImageBatch[]): Map<number, Float32Array> => {
      const found = new Map<number, Float32Array>();
      for (const { images, indices } of batches) {
        for (const [row, index] of indices.entries()) found.set(index, images.slice(row * size, (row + 1) * size));
      }
      return found;
    };
    const large = byIndex(await take(create({ batchSize: 25 }), 2));
    const small = byIndex(await take(create({ batchSize: 5 }), 10));
    for (const [index, image] of large) expect(small.get(index)).toEqual(image);
  });

  it('resumes in the middle of an epoch', async () => {
    const batches = create({ workers: 1 });
    await take(batches, 9);
    const state = JSON.parse(JSON.stringify(batches.state()));
    const wanted = await take(batches, 5);
    const resumed = ImageBatches.fromState(state, { dataset, augmentation: everything, workers: 0 });
    open.push(resumed);
    expect(await take(resumed, 5)).toEqual(wanted);
    resumed.seek(9);
    expect(await resumed.next()).toEqual(wanted[0]);
    const other = { ...dataset, name: 'other' };
    expect(() => ImageBatches.fromState(state, { dataset: other })).toThrow(
      'the state was taken with 50 images of generated shapes train, but 50 of other arrived',
    );
    expect(() => ImageBatches.fromState({ kind: 'windows' } as never, { dataset })).toThrow('kind "windows"');
  });

  it('makes several views of an image, one after another', async () => {
    const batches = create({ views: 2 });
    const { images, shape, labels, indices } = await batches.next();
    expect(shape).toEqual([16, 8, 8, 3]);
    expect(indices).toHaveLength(8);
    expect(labels.slice(8)).toEqual(labels.slice(0, 8));
    const size = 8 * 8 * 3;
    for (let row = 0; row < 8; row++) {
      expect(images.slice(row * size, (row + 1) * size)).not.toEqual(images.slice((row + 8) * size, (row + 9) * size));
    }
    // Without anything random the views are equal.
    const plain = await create({ views: 2, augmentation: [{ kind: 'normalize', mean, deviation }] }).next();
    expect(plain.images.slice(0, plain.images.length / 2)).toEqual(plain.images.slice(plain.images.length / 2));
  });

  it('fails clearly after dispose', async () => {
    const batches = create({ workers: 1 });
    await batches.next();
    const pending = batches.at(100);
    await Promise.all([
      expect(pending).rejects.toThrow('the worker thread is gone: it was disposed'),
      batches.dispose(),
    ]);
    await expect(batches.next()).rejects.toThrow('the batches were disposed');
  });

  it('refuses what cannot work', () => {
    const making = (options: Partial<ImageBatchesOptions>) => () => create(options);
    expect(making({ batchSize: 51 })).toThrow('the batch size 51 arrived for 50 examples');
    expect(making({ workers: -1 })).toThrow('ImageBatches: workers -1 arrived; give a whole number from 0 to 64.');
    expect(making({ views: 0 })).toThrow('views 0 arrived');
    expect(making({ dataset: { ...dataset, count: 49 } })).toThrow('49 images of 12×12×3 need');
    expect(making({ dataset: { ...dataset, classNames: ['one'] } })).toThrow(
      'image 1 of generated shapes train has the label 1, but there are 1 classes',
    );
  });
});

describe('evaluationBatches', () => {
  it('goes through the data set once, in order', () => {
    const steps: AugmentationStep[] = [{ kind: 'normalize', mean, deviation }];
    const batches = [...evaluationBatches(dataset, 20, steps)];
    expect(batches.map(({ shape }) => shape)).toEqual([
      [20, 12, 12, 3],
      [20, 12, 12, 3],
      [10, 12, 12, 3],
    ]);
    expect(batches.flatMap(({ labels }) => [...labels])).toEqual([...dataset.labels]);
    const last = batches[2]!.images.at(-1)!;
    expect(last).toBeCloseTo((dataset.images.at(-1)! / 255 - 0.6) / 0.25, 5);
  });

  it('takes only steps that draw nothing', () => {
    expect(() => [...evaluationBatches(dataset, 10, [{ kind: 'flip' }])]).toThrow('the steps flip arrived');
    expect(() => [...evaluationBatches(dataset, 0)]).toThrow('a batch size of 0 arrived');
  });
});
