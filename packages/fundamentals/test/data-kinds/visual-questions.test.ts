import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { QuestionNet } from '../../src/data-kinds/question-net.ts';
import { blindAccuracy, visualQuestions } from '../../src/data-kinds/visual-questions.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

const ask = (question: string, answer: string) => ({ scene: 0, words: question.split(' '), answer });

describe('blindAccuracy', () => {
  it('is how often the most common answer of each question is right', () => {
    const train = [ask('a', 'yes'), ask('a', 'yes'), ask('a', 'no'), ask('b', 'two')];
    expect(blindAccuracy(train, [ask('a', 'yes'), ask('a', 'no'), ask('b', 'two'), ask('c', 'two')])).toBe(0.5);
  });
});

describe('visual-questions', () => {
  it('answers depend on the image and on the question', () => {
    const net = new QuestionNet(10, 8).initialize(1);
    tf.tidy(() => {
      const images = tf.stack([tf.zeros([16, 16, 3]), tf.ones([16, 16, 3])]) as tf.Tensor4D;
      const question = (word: number): tf.Tensor2D => tf.fill([2, 7], word, 'int32') as tf.Tensor2D;
      const [first, second] = [1, 2].map((word) => net.forward(images, question(word)).arraySync() as number[][]);
      expect(first![0]).toHaveLength(14);
      expect(first![0]).not.toEqual(first![1]);
      expect(first![0]).not.toEqual(second![0]);
    });
    net.dispose();
  });

  it('learns from scenes and questions', async () => {
    const { metrics } = await runQuick(visualQuestions, { count: 200, testCount: 30, steps: 60 });
    // After so few updates it is about as good as the blind baseline; the quick preset shows that it sees.
    expect(metrics['blindAccuracy']).toBeGreaterThan(0.3);
    expect(metrics['blindAccuracy']).toBeLessThan(0.55);
    expect(metrics['accuracy']).toBeGreaterThan(0.25);
  });
});
