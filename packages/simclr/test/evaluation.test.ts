import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { generateShapes } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  augmentationSchema,
  firstRows,
  linearProbeAccuracy,
  nearestNeighborAccuracy,
  nearestNeighbors,
  neighborPicture,
  partnerAccuracy,
  representImages,
  representPixels,
  SimCLR,
  viewsToPair,
  type Representations,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

const rows = (values: number[][], labels: number[]): Representations => ({
  values: Float32Array.from(values.flat()),
  features: values[0]!.length,
  labels: Int32Array.from(labels),
  count: values.length,
});

/** Points around the corners of a square, of the class of their corner. */
function corners(count: number, seed: number, spread: number): Representations {
  const random = new Random(seed);
  const labels = Array.from({ length: count }, (_, index) => index % 4);
  const at = (label: number, axis: number): number => ((label >> axis) & 1 ? 1 : -1) + spread * random.normal();
  return rows(
    labels.map((label) => [100 * at(label, 0), 0.01 * at(label, 1), 7]),
    labels,
  );
}

describe('nearest neighbours', () => {
  const bank = rows(
    [
      [1, 0],
      [0, 2],
      [3, 3],
      [-1, 0],
      [5, 0.5],
    ],
    [0, 1, 1, 2, 0],
  );

  it('are found by the cosine, nearest first', async () => {
    const { indices, cosines } = await nearestNeighbors(bank, rows([[10, 0], [0, -0.1]], [0, 2]), 5); // prettier-ignore
    expect([...indices.subarray(0, 5)]).toEqual([0, 4, 2, 1, 3]);
    expect(cosines[2]).toBeCloseTo(Math.SQRT1_2, 6);
    expect([...indices.subarray(5, 7)]).toEqual([0, 3]); // Both at cosine 0: in the order of the bank.
  });

  it('vote, equally or by their cosine', async () => {
    const query = rows([[10, 1]], [0]);
    const accuracy = (neighbors: number, temperature = 0) =>
      nearestNeighborAccuracy(bank, query, { neighbors, temperature, classes: 3 });
    expect(await accuracy(1)).toBe(100);
    // Of four two are 0 and two are 1: the class of the nearest wins.
    expect(await accuracy(4)).toBe(100);
    const near = rows([[1, 0], [0.8, 0.6], [0.8, 0.6]], [0, 1, 1]); // prettier-ignore
    const asked = rows([[1, 0]], [0]); // prettier-ignore
    expect(await nearestNeighborAccuracy(near, asked, { neighbors: 3, classes: 2 })).toBe(0);
    expect(await nearestNeighborAccuracy(near, asked, { neighbors: 3, temperature: 0.07, classes: 2 })).toBe(100);
  });

  it('of more rows than one block', async () => {
    const random = new Random(4);
    const labels = Array.from({ length: 5400 }, (_, index) => index % 4);
    const many = rows(
      labels.map((label) => Array.from({ length: 8 }, (_, axis) => (axis === label ? 3 : 0) + random.normal())),
      labels,
    );
    const { indices } = await nearestNeighbors(many, many, 2);
    expect(labels.every((_, row) => indices[2 * row] === row && indices[2 * row + 1] !== row)).toBe(true);
    expect(await nearestNeighborAccuracy(many, many, { neighbors: 5, classes: 4 })).toBeGreaterThan(90);
  });

  it('refuse what does not fit', async () => {
    await expect(nearestNeighbors(bank, rows([[1, 2, 3]], [0]), 1)).rejects.toThrow(
      'a bank of 2 features and queries of 3',
    );
    await expect(nearestNeighbors(bank, bank, 6)).rejects.toThrow('6 neighbours of 5 are wanted');
    await expect(nearestNeighbors(bank, bank, 0)).rejects.toThrow('give a number from 1 to 5');
  });
});

describe('the linear probe', () => {
  const options = { epochs: 20, batchSize: 50, learningRate: 0.05, classes: 4, seed: 1 };

  it('learns from features of any size, and does not depend on their scale', async () => {
    const [train, test] = [corners(400, 1, 0.2), corners(200, 2, 0.2)];
    expect(await linearProbeAccuracy(train, test, options)).toBeGreaterThan(98);
  });

  it('keeps nothing, and takes a batch larger than the data', async () => {
    const data = corners(8, 1, 0.1);
    const before = tf.memory().numTensors;
    expect(await linearProbeAccuracy(data, data, { ...options, epochs: 100 })).toBe(100);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses representations of two kinds', async () => {
    await expect(linearProbeAccuracy(corners(8, 1, 0), rows([[1, 2]], [0]), options)).rejects.toThrow(
      '3 features to train on and 2 to test on arrived',
    );
  });
});

describe('representations', () => {
  const images = generateShapes({ count: 7, seed: 1, size: 8 });
  const augmentation = v.parse(augmentationSchema, {});

  it('are of frozen networks in evaluation mode, whatever the batch', async () => {
    const model = new SimCLR({ encoder: 'small', widths: [4, 5], strides: [1, 2], output: 3 }).initialize(1);
    const weights = async (): Promise<number[][]> =>
      Promise.all(Object.values(model.stateDict()).map(async (tensor) => [...(await tensor.data())]));
    const before = await weights();
    const count = tf.memory().numTensors;
    const whole = await representImages(model, images);
    const parts = await representImages(model, images, 3);
    expect(tf.memory().numTensors).toBe(count);
    expect([whole.h.features, whole.z.features, whole.h.count]).toEqual([5, 3, 7]);
    whole.h.values.forEach((value, index) => expect(parts.h.values[index]).toBeCloseTo(value, 5));
    expect(whole.h.labels).toEqual(Int32Array.from(images.labels));
    expect(await weights()).toEqual(before);
    expect(model.training).toBe(true);
    model.dispose();
  });

  it('of two views that know each other find each other', async () => {
    const views = await viewsToPair(images, augmentation, { count: 5, seed: 1 });
    expect([views.count, views.height, [...views.labels]]).toEqual([10, 8, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]]);
    expect(views.images.subarray(0, 192)).not.toEqual(views.images.subarray(5 * 192, 6 * 192));
    expect(await partnerAccuracy(rows([[1, 0], [0, 1], [1, 0.1], [0.1, 1]], [0, 1, 0, 1]))).toBe(100); // prettier-ignore
    expect(await partnerAccuracy(rows([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [0, 1, 0, 1]))).toBe(0); // prettier-ignore
    expect(await partnerAccuracy(rows([[1, 0], [0, 1], [1, 0], [0, 1]], [0, 1, 0, 1]))).toBe(100); // prettier-ignore
  });

  it('without a head are the same twice', async () => {
    const model = new SimCLR({ encoder: 'small', widths: [4], strides: [2], head: 'none' }).initialize(1);
    const { h, z } = await representImages(model, images);
    expect(z.values).toEqual(h.values);
    model.dispose();
  });

  it('can be the pixels, and be cut to the first', () => {
    const pixels = representPixels(images);
    expect([pixels.features, pixels.count, pixels.values[3]]).toEqual([192, 7, Math.fround(images.images[3]! / 255)]);
    expect(firstRows(pixels, 2)).toMatchObject({ count: 2, features: 192 });
    expect(firstRows(pixels, 9).count).toBe(7);
  });

  it('are drawn with their neighbours', async () => {
    const side = { images, representations: representPixels(images) };
    const picture = await neighborPicture(side, side, { rows: 3, neighbors: 2 });
    expect([picture.height, picture.width, picture.channels]).toEqual([3 * 10 + 2, 3 * 10 + 2, 3]);
  });
});
