import { tf, useBackend } from '@milestones/backend';
import { Adam, Random, RandomKey, SGD } from '@milestones/core';
import { generateDigits } from '@milestones/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { corruptLabels, evaluate, fit, Perceptron, perceptronSize } from '../src/classifier.ts';
import { thumbnails } from '../src/thumbnails.ts';

beforeAll(async () => {
  await useBackend('wasm');
});

describe('the classifier of the experiments', () => {
  const images = generateDigits({ count: 60 });

  it('learns its images, leaves no tensors, and repeats itself', async () => {
    const train = async (): Promise<number[]> => {
      const model = new Perceptron({ sizes: [784, 16, 10], dropout: 0.1, inputDropout: 0.1 }).initialize(1);
      expect(model.parameterCount()).toBe(perceptronSize([784, 16, 10]));
      const losses: number[] = [];
      await fit(model, {
        images,
        optimizer: new Adam(),
        learningRate: 0.01,
        steps: 60,
        batchSize: 20,
        seed: 1,
        onStep: (_step, loss) => void losses.push(loss),
      });
      expect(model.training).toBe(false);
      const { accuracy, loss, probabilities } = await evaluate(model, images);
      expect(accuracy).toBeGreaterThan(90);
      expect(probabilities.slice(0, 10).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      model.dispose();
      return [...losses, loss];
    };
    const before = tf.memory().numTensors;
    const losses = await train();
    expect(tf.memory().numTensors).toBe(before);
    expect(await train()).toEqual(losses);
  });

  it('gives chance to a net of zeros, whatever the size of the last batch', async () => {
    const model = new Perceptron({ sizes: [784, 10], weightInitializer: (shape) => tf.zeros([...shape]) }).initialize(
      1,
    );
    const many = generateDigits({ count: 510, size: 28 });
    expect((await evaluate(model, many)).loss).toBeCloseTo(Math.log(10), 5);
    expect(model.training).toBe(true);
    model.dispose();
  });

  it('takes a loss and an activation of its own', async () => {
    const model = new Perceptron({ sizes: [784, 4, 10], activation: tf.tanh }).initialize(1);
    const seen: number[] = [];
    await fit(model, {
      images,
      optimizer: new SGD(),
      learningRate: 0,
      steps: 2,
      batchSize: 100,
      seed: 1,
      loss: (logits, labels) => {
        expect(labels.shape).toEqual([60]); // no more than there are
        return tf.mul(tf.sum(logits), 0);
      },
      onStep: (_step, loss) => void seen.push(loss),
    });
    expect(seen.map(Math.abs)).toEqual([0, 0]);
    const key = tf.tensor1d([1, 2], 'int32');
    expect(model.forward(tf.zeros([2, 784]), new RandomKey(key)).shape).toEqual([2, 10]);
    model.dispose();
  });

  it('corrupts a share of the labels, one in K by its own', () => {
    const many = { ...generateDigits({ count: 100 }), count: 10_000, labels: new Uint8Array(10_000).fill(3) };
    const { labels } = corruptLabels(many, 0.5, new Random(1));
    const changed = labels.filter((label) => label !== 3).length / 10_000;
    expect(changed).toBeGreaterThan(0.43);
    expect(changed).toBeLessThan(0.47);
    expect(corruptLabels(many, 0, new Random(1)).labels).toEqual(Int32Array.from(many.labels));
  });

  it('shrinks images to means', () => {
    const dataset = { ...images, images: images.images.slice().fill(51), count: 2 };
    const small = thumbnails(dataset, 7);
    expect(small).toHaveLength(2);
    for (const value of small[1]!) expect(value).toBeCloseTo(0.2, 12);
  });
});
