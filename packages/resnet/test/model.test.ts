import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ResidualMlp,
  ResNet,
  subsampleAndPad,
  type ResidualMlpOptions,
  type ResNetOptions,
  type ResNetSize,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('the number of weights, without allocating one', () => {
  it.each<[ResNetSize, number]>([
    ['cifar-20', 269_722],
    ['cifar-32', 464_154],
    ['cifar-44', 658_586],
    ['cifar-56', 853_018],
    ['cifar-110', 1_727_962],
    ['cifar-1202', 19_421_274],
    ['imagenet-18', 11_689_512],
    ['imagenet-34', 21_797_672],
    ['imagenet-50', 25_557_032],
    ['imagenet-101', 44_549_160],
    ['imagenet-152', 60_192_808],
  ])('%s has %i', (size, count) => {
    const before = tf.memory().numTensors;
    expect(new ResNet(size).parameterCount()).toBe(count);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([20, 32, 44, 56, 110, 1202])('option B adds 2,752 to depth %i, and plain equals option A', (depth) => {
    const [padding, projection, none] = (['padding', 'projection', 'none'] as const).map((shortcut) =>
      new ResNet({ depth, shortcut }).parameterCount(),
    );
    expect(projection! - padding!).toBe(2752);
    expect(none).toBe(padding);
  });

  it.each([
    [18, 11_173_962],
    [50, 23_520_842],
  ])('ResNet-%i for small images and 10 classes has %i', (depth, count) => {
    const model = new ResNet({ family: 'imagenet-small', depth, width: 64, shortcut: 'projection' });
    expect(model.parameterCount()).toBe(count);
  });

  it('of the dense nets: 10, 20 and 50 layers of 50 units', () => {
    const count = (depth: number, batchNorm: boolean): number =>
      new ResidualMlp({ inputs: 784, depth, residual: true, batchNorm }).parameterCount();
    // 784 · 50 + (depth − 2) · 50² + 50 · 10 + 10, and a bias or two numbers of a norm for every hidden unit
    expect(count(10, false)).toBe(39_200 + 8 * 2500 + 510 + 9 * 50);
    expect(count(50, true)).toBe(39_200 + 48 * 2500 + 510 + 49 * 100);
  });
});

describe('shapes', () => {
  it('are those of the paper: three halvings of a CIFAR image, one vector of 64', () => {
    const model = new ResNet({ depth: 8 }).initialize(1).eval();
    const images = tf.zeros([2, 32, 32, 3]) as tf.Tensor4D;
    expect(model.features(images).shape).toEqual([2, 64]);
    expect(model.forward(images).shape).toEqual([2, 10]);
    const shapes = model.blocks.reduce<number[][]>(
      (found, block) => {
        const x = tf.zeros<tf.Rank.R4>(found.at(-1) as [number, number, number, number]);
        return [...found, block.forward(x).shape];
      },
      [[2, 32, 32, 16]],
    );
    expect(shapes).toEqual([
      [2, 32, 32, 16],
      [2, 32, 32, 16],
      [2, 16, 16, 32],
      [2, 8, 8, 64],
    ]);
    model.dispose();
  });

  it('of an ImageNet net: 224 → 7 pixels, 512 or 2048 features', () => {
    const model = new ResNet({ family: 'imagenet', depth: 18, width: 4, shortcut: 'projection' }).initialize(1).eval();
    expect(model.features(tf.zeros([1, 64, 64, 3]) as tf.Tensor4D).shape).toEqual([1, 32]);
    model.dispose();
  });
});

describe('subsampleAndPad (option A)', () => {
  it('takes every second pixel and puts half of the new channels before, half after', () => {
    const x = tf.tensor4d(
      Array.from({ length: 1 * 4 * 4 * 2 }, (_, index) => index + 1),
      [1, 4, 4, 2],
    );
    const y = subsampleAndPad(x, 2, 4);
    expect(y.shape).toEqual([1, 2, 2, 4]);
    expect([...y.dataSync()]).toEqual([0, 1, 2, 0, 0, 5, 6, 0, 0, 17, 18, 0, 0, 21, 22, 0]);
  });

  it('sends the gradient back to the pixels that were taken', () => {
    const gradient = tf.grad((x) => tf.sum(subsampleAndPad(x as tf.Tensor4D, 2, 2)))(tf.ones([1, 2, 2, 1]));
    expect([...gradient.dataSync()]).toEqual([1, 0, 0, 0]);
  });

  it('does not take channels away', () => {
    expect(() => subsampleAndPad(tf.ones([1, 2, 2, 4]) as tf.Tensor4D, 2, 2)).toThrow('padding only adds channels');
  });
});

describe('a block', () => {
  it('with a correction of zero passes what is positive, option A', () => {
    const model = new ResNet({ depth: 8 }).initialize(1).eval();
    const [block] = model.blocks;
    for (const layer of block!.layers) layer.norm.scale.assign(tf.zeros([16]));
    const x = tf.randomUniform([1, 4, 4, 16], -1, 1, 'float32', 7) as tf.Tensor4D;
    expect(block!.forward(x).dataSync()).toEqual(tf.relu(x).dataSync());
    model.dispose();
  });

  it('without a shortcut passes nothing then', () => {
    const model = new ResNet({ depth: 8, shortcut: 'none' }).initialize(1).eval();
    const [block] = model.blocks;
    for (const layer of block!.layers) layer.norm.scale.assign(tf.zeros([16]));
    expect(tf.max(block!.forward(tf.ones([1, 4, 4, 16]) as tf.Tensor4D)).dataSync()[0]).toBe(0);
    model.dispose();
  });
});

describe('a dense net whose blocks begin as the identity', () => {
  const logitsOf = (options: Partial<ResidualMlpOptions>): Float32Array => {
    const model = new ResidualMlp({ inputs: 4, units: 5, depth: 8, residual: true, ...options }).initialize(1).eval();
    model.head.weight.assign(tf.ones([5, 10])); // Heads of nets of other depths draw other weights.
    const images = tf.randomUniform([3, 2, 2, 1], 0, 1, 'float32', 7) as tf.Tensor4D;
    const values = model.forward(images).dataSync() as Float32Array;
    model.dispose();
    return values;
  };

  it('is at first as deep as its first layer', () => {
    expect(logitsOf({ identityStart: true })).toEqual(logitsOf({ identityStart: true, depth: 4 }));
    expect(logitsOf({ identityStart: false })).not.toEqual(logitsOf({ identityStart: true }));
  });

  it('needs shortcuts and batch norms', () => {
    const plain = { residual: false };
    expect(logitsOf({ ...plain, identityStart: true })).toEqual(logitsOf(plain));
    expect(() => logitsOf({ identityStart: true, batchNorm: false })).toThrow('set it to true');
  });
});

describe('mistakes', () => {
  it.each<[ResNetOptions | string, string, string]>([
    [{ depth: 21 }, '6n + 2 layers and 21 is not', 'choose 20 or 26'],
    [{ depth: 3 }, '6n + 2 layers and 3 is not', 'choose 8 or 14'],
    [{ family: 'imagenet', depth: 35 }, 'no ImageNet network of 35 layers', '18, 34, 50, 101, 152'],
    ['cifar-21', "no size 'cifar-21'", 'cifar-20'],
  ])('%j', (options, problem, remedy) => {
    const build = (): ResNet => new ResNet(options as ResNetOptions);
    expect(build).toThrow(problem);
    expect(build).toThrow(remedy);
  });

  it('names images of other channels', () => {
    const model = new ResNet({ depth: 8 }).initialize(1);
    expect(() => model.forward(tf.ones([1, 8, 8, 1]) as tf.Tensor4D)).toThrow('images of 1 channels arrived');
    model.dispose();
  });

  it('names an odd depth of a dense net', () => {
    expect(() => new ResidualMlp({ inputs: 4, depth: 5, residual: true })).toThrow('give an even number');
  });
});
