/** Finite differences, engines, leaks and errors of every loss. */
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import {
  binaryCrossEntropyLoss,
  crossEntropyLoss,
  gaussianNegativeLogLikelihoodLoss,
  diceLoss,
  huberLoss,
  meanAbsoluteErrorLoss,
  meanSquaredErrorLoss,
  smoothL1Loss,
  softCrossEntropyLoss,
} from '../../src/losses/index.ts';
import { Random } from '../../src/random/random.ts';
import { checkGradients, checkLeaks, compareEngines, expectClose } from '../../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

function uniform(shape: number[], from: number, to: number, seed = 5): tf.Tensor {
  const random = new Random(seed);
  const size = shape.reduce((product, each) => product * each, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => from + (to - from) * random.uniform()),
    shape,
  );
}

const labels = (): tf.Tensor => tf.tensor([0, 3, -1, 1, 2, 2], [2, 3], 'int32');
const whole = (): tf.Tensor => tf.tensor([0, 3, 3, 1, 2, 2], [2, 3], 'int32');

/** Each loss as a function of tensors that it can be differentiated by, far from its kinks. */
const LOSSES: Record<string, { loss: (...inputs: tf.Tensor[]) => tf.Tensor; inputs: () => tf.Tensor[] }> = {
  'mean squared error': {
    loss: (a, b) => meanSquaredErrorLoss(a!, b!, { reduction: 'none' }),
    inputs: () => [uniform([2, 3], -1, 1), uniform([2, 3], -1, 1, 6)],
  },
  'mean absolute error': {
    loss: (a, b) => meanAbsoluteErrorLoss(a!, b!),
    inputs: () => [uniform([2, 3], 1, 2), uniform([2, 3], 0, 0.5)],
  },
  'Huber, quadratic part': {
    loss: (a, b) => huberLoss(a!, b!, { delta: 2, reduction: 'none' }),
    inputs: () => [uniform([2, 3], -0.9, 0.9), uniform([2, 3], -0.9, 0.9, 6)],
  },
  'Huber, linear part': {
    loss: (a, b) => huberLoss(a!, b!, { delta: 0.5, reduction: 'sum' }),
    inputs: () => [uniform([2, 3], 2, 3), uniform([2, 3], 0, 1)],
  },
  'smooth L1, both parts': {
    loss: (a, b) => smoothL1Loss(a!, b!, { beta: 0.5, reduction: 'none' }),
    inputs: () => [tf.tensor([0.1, -0.2, 0.9, -1.4]), tf.tensor([0, 0, 0, 0])],
  },
  Dice: {
    loss: (a) => diceLoss(a!, tf.tensor([1, 0, 0, 0, 0, 1, 0, 0], [1, 4, 2]), { reduction: 'none' }),
    inputs: () => [uniform([1, 4, 2], 0.1, 0.9)],
  },
  'binary cross-entropy': {
    loss: (a) => binaryCrossEntropyLoss(a!, tf.tensor([0, 1, 0.3, 1, 0, 1], [2, 3]), { reduction: 'none' }),
    inputs: () => [uniform([2, 3], -3, 3)],
  },
  'cross-entropy': {
    loss: (a) => crossEntropyLoss(a!, whole(), { reduction: 'none' }),
    inputs: () => [uniform([2, 3, 4], -2, 2)],
  },
  'cross-entropy, smoothed, some ignored': {
    loss: (a) => crossEntropyLoss(a!, labels(), { labelSmoothing: 0.1, ignoreIndex: -1 }),
    inputs: () => [uniform([2, 3, 4], -2, 2)],
  },
  'cross-entropy against probabilities': {
    loss: (a) => crossEntropyLoss(a!, tf.softmax(uniform([2, 3, 4], -1, 1, 9)), { reduction: 'sum' }),
    inputs: () => [uniform([2, 3, 4], -2, 2)],
  },
  'Gaussian negative log-likelihood': {
    loss: (a, b, c) => gaussianNegativeLogLikelihoodLoss(a!, b!, c!, { full: true, reduction: 'none' }),
    inputs: () => [uniform([2, 3], -1, 1), uniform([2, 3], -1, 1, 6), uniform([2, 3], 0.5, 2, 7)],
  },
};

describe.each(Object.keys(LOSSES))('%s', (name) => {
  const { loss, inputs } = LOSSES[name]!;

  it('has the gradient of finite differences', async () => {
    const tensors = inputs();
    await checkGradients(loss, tensors);
    tf.dispose(tensors);
  });

  it('agrees on cpu and wasm, value and gradient, and leaves nothing behind', async () => {
    const step = (): tf.Tensor[] => {
      const tensors = inputs();
      return [loss(...tensors), ...tf.grads((...all: tf.Tensor[]) => tf.sum(tf.square(loss(...all))))(tensors)];
    };
    await compareEngines(step);
    await checkLeaks(() => tf.dispose(tf.tidy(step)));
  });
});

describe('crossEntropyLoss', () => {
  it('is log K for equal logits', () => {
    tf.tidy(() => expectClose(crossEntropyLoss(tf.zeros([4, 65]), tf.zeros([4], 'int32')), Math.log(65), 1e-6));
  });

  it('is 0, with gradients of 0, when every label is ignored', () => {
    tf.tidy(() => {
      const ignored = tf.tensor1d([9, 9, 9], 'int32');
      const { value, grad } = tf.valueAndGrad((logits: tf.Tensor) =>
        crossEntropyLoss(logits, ignored, { ignoreIndex: 9 }).asScalar(),
      )(uniform([3, 2], -1, 1));
      expectClose(value, 0, 0);
      expectClose(grad, [0, 0, 0, 0, 0, 0], 0);
    });
  });

  it('gives a label outside the classes no target, on both engines', async () => {
    // Its one-hot row is zeros, and the loss log Σ exp(z − max z).
    const loss = (): tf.Tensor => crossEntropyLoss(tf.zeros([2, 3]), tf.tensor1d([-100, 77], 'int32'));
    await compareEngines(loss);
    tf.tidy(() => expectClose(loss(), Math.log(3), 1e-6));
  });

  it('refuses what does not fit', () => {
    tf.tidy(() => {
      const logits = tf.zeros([2, 3]);
      expect(() => crossEntropyLoss(logits, tf.zeros([3], 'int32'))).toThrow(
        /logits of shape \[2, 3\] and int32 targets of shape \[3\] arrived; give int32 labels of shape \[2\]/,
      );
      expect(() => crossEntropyLoss(logits, tf.zeros([2]))).toThrow(/float32 targets of shape \[2\]/);
      expect(() => crossEntropyLoss(logits, tf.zeros([2, 3], 'int32'))).toThrow(/int32 targets of shape \[2, 3\]/);
      expect(() => crossEntropyLoss(tf.zeros([3]), tf.scalar(1, 'int32'))).toThrow(/rank is at least 2/);
      expect(() => crossEntropyLoss(logits, tf.zeros([2], 'int32'), { labelSmoothing: 1.1 })).toThrow(/smoothing 1.1/);
      expect(() => crossEntropyLoss(logits, tf.zeros([2, 3]), { ignoreIndex: 0 })).toThrow(/ignoreIndex names a label/);
      expect(() => crossEntropyLoss(logits, tf.zeros([2], 'int32'), { reduction: 'average' as 'mean' })).toThrow(
        /reduction "average" arrived; choose mean, sum or none/,
      );
    });
  });
});

describe('diceLoss', () => {
  const mask = (): tf.Tensor => tf.tensor([1, 0, 1, 0, 0, 1, 0, 1], [1, 2, 2, 2]); // class 0 above, class 1 below

  it('is 0 for the mask itself, and near 1 for its opposite', () => {
    tf.tidy(() => {
      expectClose(diceLoss(mask(), mask()), 0, 1e-6);
      expectClose(diceLoss(tf.sub(1, mask()), mask(), { smoothing: 0.01 }), 1 - 0.01 / 4.01, 1e-6);
    });
  });

  it('is twice the overlap over both sizes: half of a region found gives 1 − 2 · 1 / (1 + 2)', () => {
    tf.tidy(() => {
      const half = tf.tensor([1, 0, 0, 0, 0, 0, 0, 1], [1, 2, 2, 2]);
      expectClose(diceLoss(half, mask(), { smoothing: 0, reduction: 'none' }), {
        shape: [1, 2],
        values: [1 / 3, 1 / 3],
      });
    });
  });

  it('does not punish a class that is neither there nor predicted', () => {
    tf.tidy(() => expectClose(diceLoss(tf.zeros([2, 5, 3]), tf.zeros([2, 5, 3])), 0, 0));
  });

  it('refuses what has no pixels between images and classes', () => {
    tf.tidy(() => {
      expect(() => diceLoss(tf.zeros([2, 3]), tf.zeros([2, 3]))).toThrow('give [images, pixels, classes]');
      expect(() => diceLoss(tf.zeros([1, 2, 3]), tf.zeros([1, 2, 3]), { smoothing: -1 })).toThrow('smoothing is -1');
    });
  });
});

describe('shapes and options', () => {
  it('must agree: broadcasting would pair every value with every other', () => {
    tf.tidy(() => {
      const column = tf.zeros([4, 1]);
      const row = tf.zeros([4]);
      expect(() => meanSquaredErrorLoss(column, row)).toThrow(
        'meanSquaredErrorLoss: prediction has the shape [4, 1] and target [4]; give them the same shape.',
      );
      expect(() => meanAbsoluteErrorLoss(column, row)).toThrow(/meanAbsoluteErrorLoss/);
      expect(() => huberLoss(column, row)).toThrow(/huberLoss/);
      expect(() => smoothL1Loss(column, row)).toThrow(/smoothL1Loss/);
      expect(() => diceLoss(column, row)).toThrow(/diceLoss/);
      expect(() => binaryCrossEntropyLoss(column, row)).toThrow(/logits has the shape \[4, 1\] and targets \[4\]/);
      expect(() => gaussianNegativeLogLikelihoodLoss(row, row, column)).toThrow(
        /mean has the shape \[4\] and variance/,
      );
    });
  });

  it('must be in range', () => {
    tf.tidy(() => {
      const x = tf.zeros([2]);
      expect(() => huberLoss(x, x, { delta: 0 })).toThrow(/delta is 0; give a finite number above 0/);
      expect(() => smoothL1Loss(x, x, { beta: -1 })).toThrow(/beta is -1; give a finite number above 0/);
      expect(() => gaussianNegativeLogLikelihoodLoss(x, x, x, { epsilon: -1 })).toThrow(/epsilon is -1/);
    });
  });
});

describe('softCrossEntropyLoss', () => {
  const logits = uniform([4, 3], -2, 2);
  const labelled = tf.tensor1d([2, 0, 1, 1], 'int32');
  const oneHot = tf.cast(tf.oneHot(labelled, 3), 'float32');

  it('of one-hot targets is the cross-entropy of the labels', () => {
    expectClose(softCrossEntropyLoss(logits, oneHot), crossEntropyLoss(logits, labelled), 1e-6);
    expectClose(
      softCrossEntropyLoss(logits, oneHot, { labelSmoothing: 0.1, reduction: 'none' }),
      crossEntropyLoss(logits, labelled, { labelSmoothing: 0.1, reduction: 'none' }),
      1e-6,
    );
  });

  it('takes smoothed targets in place of smoothing, and no smoothing for 0', () => {
    const smoothed = tf.add(tf.mul(oneHot, 0.9), 0.1 / 3);
    expectClose(
      softCrossEntropyLoss(logits, smoothed),
      crossEntropyLoss(logits, labelled, { labelSmoothing: 0.1 }),
      1e-6,
    );
    expectClose(crossEntropyLoss(logits, labelled, { labelSmoothing: 0 }), crossEntropyLoss(logits, labelled), 0);
  });

  it('refuses labels', () => {
    expect(() => softCrossEntropyLoss(logits, labelled)).toThrow('softCrossEntropyLoss: logits has the shape [4, 3]');
  });
});
