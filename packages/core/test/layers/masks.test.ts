import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { MultiHeadAttention, causalMask, paddingMask } from '../../src/index.ts';
import { compareEngines, expectClose } from '../../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('paddingMask', () => {
  it('hides what lies behind the length', async () => {
    const mask = (): tf.Tensor => paddingMask(tf.tensor1d([2, 0, 3], 'int32'), 3);
    tf.tidy(() => {
      expect(mask().shape).toEqual([3, 1, 1, 3]);
      expect([...mask().dataSync()]).toEqual([0, 0, -1e9, -1e9, -1e9, -1e9, 0, 0, 0]);
    });
    await compareEngines(mask);
  });
  it('makes attention blind to the padding, together with the causal mask too', () => {
    const attention = new MultiHeadAttention({ features: 4, heads: 2 }).initialize(3);
    attention.eval();
    tf.tidy(() => {
      const sentence = tf.randomNormal([1, 3, 4], 0, 1, 'float32', 5);
      const noise = tf.randomNormal([1, 2, 4], 0, 9, 'float32', 6);
      const lengths = tf.tensor1d([3], 'int32');
      for (const causal of [false, true]) {
        const alone = attention.forward(sentence, causal ? { mask: causalMask(3, 3) } : {});
        const mask = causal ? tf.add(paddingMask(lengths, 5), causalMask(5, 5)) : paddingMask(lengths, 5);
        const padded = attention.forward(tf.concat([sentence, noise], 1), { mask });
        expectClose(tf.slice(padded, [0, 0, 0], [1, 3, 4]), alone);
      }
      // A sentence without any token gives numbers all the same.
      const empty = attention.forward(noise, { mask: paddingMask(tf.tensor1d([0], 'int32'), 2) });
      expect([...empty.dataSync()].every(Number.isFinite)).toBe(true);
    });
    attention.dispose();
  });
  it('refuses other lengths', () => {
    tf.tidy(() => {
      expect(() => paddingMask(tf.tensor1d([2]), 3)).toThrow('lengths of type float32 and shape [1] arrived');
      expect(() => paddingMask(tf.tensor2d([[2]], [1, 1], 'int32'), 3)).toThrow('give int32 [B]');
    });
  });
});
