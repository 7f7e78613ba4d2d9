import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { encodeSafetensors, tensorsToData } from '@milestones/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ResNet } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-resnet-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function newModel(): ResNet {
  const model = new ResNet({ depth: 8, width: 2, classes: 3 }).initialize(1);
  model.classNames = ['cat', 'dog', 'ship'];
  model.preprocessing = { size: 8, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
  return model;
}

describe('savePretrained and ResNet.fromPretrained', () => {
  it('give the same logits, bit for bit, from a path and from a URL', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    expect((await readdir(folder)).toSorted()).toEqual(['config.json', 'model.safetensors']);
    const images = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
    const expected = model.eval().forward(images).dataSync();
    for (const source of [folder, pathToFileURL(folder)]) {
      const loaded = await ResNet.fromPretrained(source);
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
    const loaded = await ResNet.fromPretrained(folder);
    expect(loaded.head.weight.value.dataSync()[0]).toBeCloseTo(model.head.weight.value.dataSync()[0]!, 3);
    model.dispose();
    loaded.dispose();
  });

  it('names what is missing or odd', async () => {
    await expect(ResNet.fromPretrained(folder)).rejects.toThrow('has no readable config.json');
    await writeFile(join(folder, 'config.json'), '{');
    await expect(ResNet.fromPretrained(folder)).rejects.toThrow('is not JSON');
    await writeFile(join(folder, 'config.json'), '{}');
    await expect(ResNet.fromPretrained(folder)).rejects.toThrow('is not the configuration of a resnet model');
    const file = join(folder, 'other.safetensors');
    await writeFile(file, encodeSafetensors({ a: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } }));
    await expect(ResNet.fromPretrained(file)).rejects.toThrow('does not hold a ResNet under torchvision’s names');
    await expect(savePretrained(new ResNet({ depth: 8 }), folder)).rejects.toThrow(
      'no class names or no preprocessing',
    );
  });
});

describe('predict', () => {
  const grey = { data: new Uint8Array(20 * 30).fill(100), height: 20, width: 30, channels: 1 };

  it('takes an image of any size, grey or in colour, and names classes, best first', async () => {
    const model = newModel().train();
    const before = tf.memory().numTensors;
    const predictions = await model.predict(grey, { top: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
    expect(predictions).toHaveLength(2);
    expect(['cat', 'dog', 'ship']).toContain(predictions[0]!.name);
    expect(predictions[0]!.probability).toBeGreaterThanOrEqual(predictions[1]!.probability);
    // The same as the logits of the prepared image: 100 / 255 everywhere.
    const input = tf.fill([1, 8, 8, 3], (100 / 255 - 0.5) / 0.25) as tf.Tensor4D;
    const probabilities = tf.softmax(model.eval().forward(input)).dataSync();
    expect(predictions[0]!.probability).toBeCloseTo(Math.max(...probabilities), 5);
    model.dispose();
  });

  it('refuses an alpha channel, and a network without preprocessing', async () => {
    const model = newModel();
    const data = new Uint8Array(4 * 4 * 4);
    await expect(model.predict({ data, height: 4, width: 4, channels: 4 })).rejects.toThrow(
      'leave out its alpha channel',
    );
    model.preprocessing = undefined;
    await expect(model.predict(grey)).rejects.toThrow('set model.preprocessing');
    model.dispose();
  });
});
