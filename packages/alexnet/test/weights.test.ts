import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { encodeSafetensors, tensorsToData, topClasses } from '@milestones/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CifarNet, encodePretrained, pretrained } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-alexnet-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function newModel(): CifarNet {
  const model = new CifarNet({ classes: 3, initialization: 'fanIn' }).initialize(1);
  model.classNames = ['cat', 'dog', 'ship'];
  model.preprocessing = { size: 32, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
  return model;
}

describe('savePretrained and CifarNet.fromPretrained', () => {
  it('give the same logits, bit for bit, from a path and from a URL', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    expect((await readdir(folder)).toSorted()).toEqual(['config.json', 'model.safetensors']);
    const images = tf.randomNormal([1, 32, 32, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
    const expected = model.eval().forward(images).dataSync();
    for (const source of [folder, pathToFileURL(folder)]) {
      const loaded = await CifarNet.fromPretrained(source);
      expect(loaded.training).toBe(false);
      expect(loaded.classNames).toEqual(model.classNames);
      expect(loaded.forward(images).dataSync()).toEqual(expected);
      loaded.dispose();
    }
    model.dispose();
  });

  it('reads weights saved as float16', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    const bytes = encodeSafetensors(await tensorsToData(model.stateDict()), { dtype: 'float16' });
    await writeFile(join(folder, 'model.safetensors'), bytes);
    const loaded = await CifarNet.fromPretrained(folder);
    expect(loaded.head.weight.value.dataSync()[0]).toBeCloseTo(model.head.weight.value.dataSync()[0]!, 3);
    model.dispose();
    loaded.dispose();
  });

  it('names what is missing or odd', async () => {
    await expect(CifarNet.fromPretrained(folder)).rejects.toThrow('has no readable config.json');
    await writeFile(join(folder, 'config.json'), '{');
    await expect(CifarNet.fromPretrained(folder)).rejects.toThrow('is not JSON');
    await writeFile(join(folder, 'config.json'), '{}');
    await expect(CifarNet.fromPretrained(folder)).rejects.toThrow('is not the configuration of an alexnet model');
    await expect(encodePretrained(new CifarNet())).rejects.toThrow('no class names or no preprocessing');
  });

  it('says how to make weights that are not in the package', async () => {
    const places = pretrained as Record<string, URL>;
    const own = places['cifar10-companion']!;
    places['cifar10-companion'] = pathToFileURL(`${folder}/`);
    try {
      await expect(CifarNet.fromPretrained('cifar10-companion')).rejects.toThrow(
        /did not come with this copy.*alexnet reproduce --preset laptop/s,
      );
    } finally {
      places['cifar10-companion'] = own;
    }
  });
});

describe('predict', () => {
  /** Something to see: a slope from left to right. */
  const image = {
    data: Uint8Array.from({ length: 40 * 60 }, (_, index) => 4 * (index % 60)),
    height: 40,
    width: 60,
    channels: 1,
  };

  it('takes an image of any size, grey or in colour, and names classes, best first', async () => {
    const model = newModel().train();
    const before = tf.memory().numTensors;
    const predictions = await model.predict(image, { top: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
    expect(predictions).toHaveLength(2);
    expect(['cat', 'dog', 'ship']).toContain(predictions[0]!.name);
    expect(predictions[0]!.probability).toBeGreaterThanOrEqual(predictions[1]!.probability);
    model.dispose();
  });

  it('averages the softmax over ten pieces: corners, middle, and all mirrored', async () => {
    const model = newModel();
    model.preprocessing = { ...model.preprocessing!, size: 40, crop: 32 };
    const found = await model.predict(image);
    // The middle 40 × 40 pixels, then pieces of 32.
    const value = (row: number, column: number): number => (image.data[row * 60 + 10 + column]! / 255 - 0.5) / 0.25;
    const pieces = [
      [0, 0],
      [0, 8],
      [8, 0],
      [8, 8],
      [4, 4],
    ].flatMap(([top, left]) =>
      [false, true].map((mirrored) =>
        Array.from({ length: 32 * 32 * 3 }, (_, index) => {
          const [row, column] = [Math.floor(index / 96), Math.floor((index % 96) / 3)];
          return value(top! + row, left! + (mirrored ? 31 - column : column));
        }),
      ),
    );
    const logits = model.eval().forward(tf.tensor4d(pieces.flat(), [10, 32, 32, 3]));
    const mean = tf.mean(tf.softmax(logits), 0).dataSync();
    const expected = topClasses(
      [...mean].map((probability) => Math.log(probability)),
      { names: model.classNames },
    );
    expect(found.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    found.forEach(({ probability }, place) => expect(probability).toBeCloseTo(expected[place]!.probability, 5));
    model.dispose();
  });

  it('refuses an alpha channel, and a network without preprocessing', async () => {
    const model = newModel();
    const data = new Uint8Array(4 * 4 * 4);
    await expect(model.predict({ data, height: 4, width: 4, channels: 4 })).rejects.toThrow(
      'leave out its alpha channel',
    );
    model.preprocessing = undefined;
    await expect(model.predict(image)).rejects.toThrow('set model.preprocessing');
    model.dispose();
  });
});
