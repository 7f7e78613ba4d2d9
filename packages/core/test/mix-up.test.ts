import { beforeAll, describe, expect, it } from 'vitest';
import { compile, tf, useBackend } from '@milestones/backend';
import { crossEntropyLoss, mixUp, mixUpWeight, Random, softCrossEntropyLoss } from '../src/index.ts';
import { compareEngines, expectClose, withEngine } from '../src/testing.ts';

const images = (): tf.Tensor4D => tf.tensor(new Random(1).normalArray(4 * 6), [4, 2, 3, 1]) as tf.Tensor4D;
const targets = (): tf.Tensor2D => tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1], [4, 3]);
const permutation = (): tf.Tensor1D => tf.tensor1d([2, 0, 3, 1], 'int32');

beforeAll(async () => {
  await useBackend('cpu');
});

describe('mixUp', () => {
  it('mixes images and targets in the same share, for the batch or for each image', () => {
    tf.tidy(() => {
      const shares = [0.9, 0.25, 0, 1];
      const x = images().arraySync();
      const y = targets().arraySync();
      const partners = [2, 0, 3, 1];
      for (const lambda of [tf.scalar(0.3), tf.tensor(shares, [4, 1, 1, 1])]) {
        const mixed = mixUp(images(), targets(), lambda, permutation());
        const share = (image: number): number => (lambda.rank === 0 ? 0.3 : shares[image]!);
        const blend = (own: number, other: number, image: number): number =>
          share(image) * own + (1 - share(image)) * other;
        const mixedImages = x.map((image, i) =>
          image.flat(2).map((value, at) => blend(value, x[partners[i]!]!.flat(2)[at]!, i)),
        );
        const mixedTargets = y.map((row, i) => row.map((value, at) => blend(value, y[partners[i]!]![at]!, i)));
        expectClose(mixed.images, { shape: [4, 2, 3, 1], values: mixedImages.flat() }, 1e-6);
        expectClose(mixed.targets, { shape: [4, 3], values: mixedTargets.flat() }, 1e-6);
        expectClose(tf.sum(mixed.targets, 1), [1, 1, 1, 1], 1e-6);
      }
    });
  });

  it('with λ = 1 changes nothing, and with λ = 0 exchanges', () => {
    tf.tidy(() => {
      const same = mixUp(images(), targets(), tf.scalar(1), permutation());
      expectClose(same.images, Array.from(images().dataSync()), 1e-6);
      const other = mixUp(images(), targets(), tf.scalar(0), permutation());
      expectClose(other.targets, Array.from(tf.gather(targets(), permutation()).dataSync()), 0);
    });
  });

  it('has a loss that is linear in the targets', () => {
    tf.tidy(() => {
      const logits = tf.tensor2d(new Random(3).normalArray(12), [4, 3]);
      const labels = [tf.tensor1d([0, 2, 1, 2], 'int32'), tf.tensor1d([1, 0, 2, 2], 'int32')] as const;
      const mixed = mixUp(images(), targets(), tf.scalar(0.3), permutation());
      const [own, other] = labels.map((each) => crossEntropyLoss(logits, each).dataSync()[0]!);
      expectClose(softCrossEntropyLoss(logits, mixed.targets), 0.3 * own! + 0.7 * other!, 1e-6);
    });
  });

  it('agrees on all engines, and can be part of a compiled step', async () => {
    const [x, y, order, lambda] = [images(), targets(), permutation(), tf.scalar(0.4)];
    const both = (): Record<string, tf.Tensor> => ({ ...mixUp(x, y, lambda, order) });
    await compareEngines(both, ['cpu', 'wasm', 'onnx']);
    const expected = Array.from(both()['images']!.dataSync());
    await withEngine('onnx', async () => {
      const step = compile(
        (a: tf.Tensor4D, b: tf.Tensor2D, share: tf.Scalar, other: tf.Tensor1D) => mixUp(a, b, share, other).images,
      );
      expectClose(await step(x, y, lambda, order), expected, 1e-6);
      await step.dispose();
    });
  });

  it('says what does not fit', () => {
    expect(() => mixUp(images(), targets(), tf.ones([4]), permutation())).toThrow(
      'mixUp: lambda has the shape [4]; give a scalar, or [4, 1, 1, 1] for 4 images.',
    );
    expect(() => mixUp(images(), targets(), tf.scalar(1), tf.tensor1d([0, 1], 'int32'))).toThrow(
      'a int32 permutation of shape [2]',
    );
    expect(() => mixUp(images(), targets(), tf.scalar(1), tf.tensor1d([0, 1, 2, 3]))).toThrow('a float32 permutation');
  });
});

describe('mixUpWeight', () => {
  it('is 1 for α = 0, which draws nothing', () => {
    const random = new Random(1);
    expect(mixUpWeight(random, 0)).toBe(1);
    expect(random.state().counter).toBe(0);
  });

  it('is symmetric about a half', () => {
    const random = new Random(2);
    let sum = 0;
    for (let index = 0; index < 4000; index++) sum += mixUpWeight(random, 0.2);
    expect(sum / 4000).toBeCloseTo(0.5, 1);
  });
});
