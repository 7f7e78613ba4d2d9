import { tf, useBackend } from '@milestones/backend';
import { Random, RandomKey } from '@milestones/core';
import { checkLeaks, expectClose } from '@milestones/core/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  DcganDiscriminator,
  DcganGenerator,
  Discriminator,
  drawNoise,
  generateFrom,
  Generator,
  interpolateImages,
  sampleImages,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const small = { noiseSize: 4, generatorHidden: [6, 6], discriminatorUnits: [5, 5], pieces: 3, imageSize: 4 };
const smallDcgan = { noiseSize: 4, width: 2, size: 8, imageSize: 6 };

describe('sizes', () => {
  it('the networks of 2014 have the published numbers of weights', () => {
    expect(new Generator().parameterCount()).toBe(2_503_984);
    expect(new Discriminator().parameterCount()).toBe(1_231_441);
  });

  it('the convolutional networks for 64×64 colour have those of the PyTorch example', () => {
    const options = { size: 64, imageSize: 64, channels: 3 } as const;
    expect(new DcganGenerator(options).parameterCount()).toBe(3_576_704);
    expect(new DcganDiscriminator(options).parameterCount()).toBe(2_765_568);
  });
});

describe('Generator', () => {
  it('begins at the mean image: σ(bias) is each pixel’s mean, kept away from 0 and 1', () => {
    const generator = new Generator({ ...small, imageSize: 2 }).initialize(1);
    generator.setOutputBias([0, 1, 0.25, 0.5, 0, 1, 0.75, 0.2]);
    expectClose(tf.sigmoid(generator.output.bias!.value), tf.tensor1d([1e-7, 1 - 1e-7, 0.5, 0.35]), 1e-6);
    generator.dispose();
  });

  it.each([
    [[0.5, 0.5, 0.5], '3 values arrived for images of 4 pixels'],
    [[0.5, 0.5, 0.5, 1.5], 'the value 1.5 arrived at place 3; pixels are numbers from 0 to 1'],
    [[0.5, Number.NaN, 0.5, 0.5], 'the value NaN arrived at place 1'],
  ])('refuses marginals of %j', (images, message) => {
    const generator = new Generator({ ...small, imageSize: 2 }).initialize(1);
    expect(() => generator.setOutputBias(images)).toThrow(message);
    generator.dispose();
  });

  it('refuses noise of a wrong shape', () => {
    const generator = new Generator(small).initialize(1);
    expect(() => tf.tidy(() => generator.forward(tf.zeros([2, 5])))).toThrow(
      'Generator: float32 noise of shape [2, 5] arrived; give float32 numbers of shape [B, 4]',
    );
    const convolutional = new DcganGenerator(smallDcgan).initialize(1);
    expect(() => tf.tidy(() => convolutional.forward(tf.zeros([4]) as unknown as tf.Tensor2D))).toThrow(
      'give float32 numbers of shape [B, 4]',
    );
    generator.dispose();
    convolutional.dispose();
  });

  it.each([
    [{ noiseSize: 0 }, 'Generator: noiseSize:'],
    [{ generatorHidden: [] }, 'generatorHidden:'],
    [{ width: 3 }, 'width'],
  ])('refuses %j', (options, message) => {
    expect(() => new Generator(options as object)).toThrow(message);
  });
});

describe('Discriminator', () => {
  it('drops pixels and units in training, with the key’s numbers, and nothing in evaluation', () => {
    tf.tidy(() => {
      const model = new Discriminator(small).initialize(3);
      for (const [, { value }] of model.trainableParameters()) value.assign(tf.randomUniform(value.shape, -1, 1));
      const images = tf.randomUniform([6, 16]);
      const judged = (step: number) => model.forward(images, new RandomKey(new Random(1).keyAt(step))).dataSync();
      model.train();
      expect(judged(1)).toEqual(judged(1));
      expect(judged(1)).not.toEqual(judged(2));
      model.eval();
      expect(judged(1)).toEqual(judged(2));
      model.dispose();
    });
  });
});

describe('DcganGenerator and DcganDiscriminator', () => {
  it('put images into a black margin, take the margin off again, and judge one logit each', () => {
    tf.tidy(() => {
      const generator = new DcganGenerator(smallDcgan).initialize(1);
      const discriminator = new DcganDiscriminator(smallDcgan).initialize(2);
      const pixels = tf.randomUniform<tf.Rank.R4>([2, 6, 6, 1]);
      const inside = discriminator.fromPixels(pixels);
      expect(inside.shape).toEqual([2, 8, 8, 1]);
      expect(inside.dataSync()[0]).toBe(-1);
      expectClose(generator.toPixels(inside), tf.reshape(pixels, [2, 36]), 1e-6);
      expect(generator.forward(tf.zeros([2, 4])).shape).toEqual([2, 8, 8, 1]);
      expect(discriminator.forward(inside).shape).toEqual([2, 1]);
      generator.dispose();
      discriminator.dispose();
    });
  });

  it.each([
    [{ size: 24 }, 'the side is a power of two'],
    [{ size: 16, imageSize: 28 }, 'images of 28 pixels do not fit into 16; choose a size of 32'],
  ])('refuse %j', (options, message) => {
    expect(() => new DcganGenerator(options)).toThrow(message);
  });
});

describe('images from noise', () => {
  it('noise has mean 0 and variance 1, uniform between −√3 and √3', () => {
    for (const noise of ['uniform', 'gaussian'] as const) {
      const values = drawNoise({ noise, noiseSize: 10 }, 2000, new Random(1));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(0.03);
      expect(variance).toBeCloseTo(1, 1);
      expect(Math.max(...values) <= Math.sqrt(3)).toBe(noise === 'uniform');
    }
  });

  it('are the same for the same seed, whatever the batch, and leave the mode alone', async () => {
    const generator = new DcganGenerator(smallDcgan).initialize(1);
    generator.train();
    const whole = await sampleImages(generator, 7, 5);
    expect(await sampleImages(generator, 7, 5)).toEqual(whole);
    const noise = drawNoise(generator, 7, new Random(5, 'samples'));
    const inParts = await generateFrom(generator, noise, 3);
    expect(Math.max(...whole.map((value, index) => Math.abs(value - inParts[index]!)))).toBeLessThan(1e-5);
    expect(generator.training).toBe(true);
    generator.dispose();
  });

  it('ways begin and end at draws of their own, and go straight between', async () => {
    const generator = new Generator(small).initialize(1);
    const images = await interpolateImages(generator, { rows: 2, columns: 3, seed: 1 });
    expect(images).toHaveLength(2 * 3 * 16);
    const ends = await generateFrom(generator, drawNoise(generator, 4, new Random(1, 'interpolation')));
    expect(images.slice(0, 16)).toEqual(ends.slice(0, 16));
    expect(images.slice(32, 48)).toEqual(ends.slice(16, 32));
    generator.dispose();
  });

  it('lie between 0 and 1 where an engine rounds past them, and nowhere else', async () => {
    const generator = new Generator({ noiseSize: 1, generatorHidden: [1], imageSize: 1 }).initialize(1);
    const images = (values: number[]): Promise<Float32Array> => {
      generator.toPixels = (made) => tf.add(tf.mul(made as tf.Tensor2D, 0), tf.tensor2d(values, [values.length, 1]));
      return generateFrom(generator, new Float32Array(values.length));
    };
    expect([...(await images([1 + 2 ** -23, -1e-7, 0.5]))]).toEqual([1, 0, 0.5]);
    expect([...(await images([1.5, Number.NaN]))]).toEqual([1.5, Number.NaN]);
    generator.dispose();
  });

  it('are freed with what made them', async () => {
    const generator = new Generator(small).initialize(1);
    await checkLeaks(async () => void (await sampleImages(generator, 3, 1)));
    generator.dispose();
  });

  it('refuse noise that is cut short or not finite, and ways without ends', async () => {
    const generator = new Generator(small).initialize(1);
    await expect(generateFrom(generator, new Float32Array(5))).rejects.toThrow('takes 4 for each image, whole rows');
    await expect(generateFrom(generator, Float32Array.of(0, 1, Number.NaN, 0))).rejects.toThrow('holds NaN at place 2');
    expect(() => interpolateImages(generator, { rows: 1, columns: 1, seed: 1 })).toThrow('has at least its 2 ends');
    await expect(async () => sampleImages(generator, 0, 1)).rejects.toThrow('0 rows were asked for');
    generator.dispose();
  });
});
