import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { accuracy, perplexity, RunningMean } from '../src/metrics.ts';
import { checkLeaks, compareEngines, expectClose } from '../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('accuracy', () => {
  const logits = [
    [0.1, 0.9, 0],
    [2, 1, 0],
    [0, 0, 1],
    [5, 4, 3],
  ];
  it('is the share of right answers', () => {
    tf.tidy(() => {
      expectClose(accuracy(tf.tensor2d(logits), tf.tensor1d([1, 0, 1, 0], 'int32')), 0.75);
      expectClose(accuracy(tf.tensor(logits.flat(), [2, 2, 3]), tf.tensor2d([1, 0, 2, 1], [2, 2], 'int32')), 0.75);
    });
  });
  it('leaves ignored labels out', () => {
    tf.tidy(() => {
      const x = tf.tensor2d(logits);
      expectClose(accuracy(x, tf.tensor1d([1, -1, 1, -1], 'int32'), { ignoreIndex: -1 }), 0.5);
      expectClose(accuracy(x, tf.tensor1d([-1, -1, -1, -1], 'int32'), { ignoreIndex: -1 }), 0);
    });
  });
  it('agrees on cpu and wasm and leaves nothing behind', async () => {
    const step = (): tf.Tensor =>
      accuracy(tf.tensor2d(logits), tf.tensor1d([1, -1, 1, 0], 'int32'), { ignoreIndex: -1 });
    await compareEngines(step);
    await checkLeaks(() => tf.dispose(tf.tidy(step)));
  });
  it('refuses labels that do not fit', () => {
    tf.tidy(() => {
      const x = tf.tensor2d(logits);
      expect(() => accuracy(x, tf.tensor1d([1, 0], 'int32'))).toThrow(/\[4, 3\] and int32 labels of shape \[2\]/);
      expect(() => accuracy(x, tf.tensor1d([1, 0, 1, 0]))).toThrow(/float32 labels/);
    });
  });
});

describe('perplexity', () => {
  it('of a fair choice among 65 is 65', () => {
    expect(perplexity(Math.log(65))).toBeCloseTo(65, 10);
    tf.tidy(() => expectClose(perplexity(tf.scalar(Math.log(65))), 65));
  });
});

describe('RunningMean', () => {
  it('weighs what arrives', () => {
    const mean = new RunningMean();
    expect(mean.mean).toBeNaN();
    mean.add(1);
    mean.add(4, 2);
    expect(mean.mean).toBe(3);
    expect(mean.weight).toBe(3);
    mean.reset();
    expect(mean.weight).toBe(0);
  });
  it('continues from a saved state as if never stopped', () => {
    const whole = new RunningMean();
    const before = new RunningMean();
    for (const value of [0.1, 0.7, 0.3]) {
      whole.add(value);
      before.add(value);
    }
    const after = RunningMean.fromState(JSON.parse(JSON.stringify(before.state())) as ReturnType<RunningMean['state']>);
    whole.add(0.9, 3);
    after.add(0.9, 3);
    expect(after.mean).toBe(whole.mean);
  });
  it('refuses NaN and states that are none', () => {
    const mean = new RunningMean();
    expect(() => mean.add(Number.NaN)).toThrow(/value NaN with weight 1 arrived/);
    expect(() => mean.add(1, -1)).toThrow(/weight -1/);
    expect(() => RunningMean.fromState({ sum: null, weight: 1 } as never)).toThrow(/fromState: \{"sum":null/);
    expect(() => RunningMean.fromState(undefined as never)).toThrow(/fromState: undefined/);
  });
});
