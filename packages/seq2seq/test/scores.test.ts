import { bleu } from '@milestones/core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { configSchema, learningRateSchedule, lengthPicture, scoresByLength, trainingSchema } from '../src/index.ts';
import { comparisons, metricName, netsOf } from '../src/experiments.ts';

describe('learningRateSchedule', () => {
  it('is the paper’s: 0.7 for five epochs, then halved every half epoch', () => {
    const rate = learningRateSchedule(v.parse(trainingSchema, {}));
    const epoch = 93_750;
    expect([0, 5 * epoch - 1, 5 * epoch, 5.5 * epoch - 1, 5.5 * epoch, 7.5 * epoch - 1].map(rate)).toEqual([
      0.7,
      0.7,
      0.35,
      0.35,
      0.175,
      0.7 / 2 ** 5,
    ]);
  });

  it('can be constant, or half a cosine', () => {
    const [constant, cosine] = (['constant', 'cosine'] as const).map((schedule) =>
      learningRateSchedule(v.parse(trainingSchema, { schedule, steps: 100 })),
    );
    expect(constant!(99)).toBe(0.7);
    expect(cosine!(0)).toBeCloseTo(0.7, 5);
    expect(cosine!(50)).toBeCloseTo(0.35, 5);
    expect(cosine!(100)).toBe(0);
  });
});

describe('scoresByLength', () => {
  const sources = [2, 3, 4, 5, 6, 7].map((length) => new Int32Array(length + 1));
  const references = ['a b c d', 'e f g h', 'i j k l', 'm n o p', 'q r s t', 'u v w x'];
  const hypotheses = ['a b c d', 'e f g h', 'i j k l', 'z z z z', 'q r s z', 'u v w x'];

  it('parts the sentences into groups of like length, none lost', () => {
    const scores = scoresByLength({ source: sources, target: [] }, hypotheses, references, {
      lowercase: false,
      buckets: 3,
    });
    expect(scores.map(({ from, to, sentences }) => [from, to, sentences])).toEqual([
      [2, 3, 2],
      [4, 5, 2],
      [6, 7, 2],
    ]);
    expect(scores[0]!.bleu).toBeCloseTo(100, 5);
    expect(scores[2]!.bleu).toBeCloseTo(bleu(hypotheses.slice(4), references.slice(4)).score, 10);
  });

  it('keeps sentences of one length together', () => {
    const same = [1, 1, 1, 1, 9].map((length) => new Int32Array(length + 1));
    const texts = references.slice(0, 5);
    const scores = scoresByLength({ source: same, target: [] }, texts, texts, { lowercase: false, buckets: 4 });
    expect(scores.reduce((sum, { sentences }) => sum + sentences, 0)).toBe(5);
    expect(scores.map(({ from, to }) => [from, to])).toEqual([[1, 9]]);
  });
});

describe('netsOf and comparisons', () => {
  const config = v.parse(configSchema, { experiment: { nets: ['reversed', 'straight', 'attention'], seeds: 2 } });

  it('the controlled pair differs in the order of the source alone', () => {
    const nets = netsOf(config, 4);
    expect(nets.map(({ name }) => name)).toEqual([
      'reversed seed 4',
      'straight seed 4',
      'attention seed 4',
      'reversed seed 5',
      'straight seed 5',
      'attention seed 5',
    ]);
    const [reversed, straight, attention] = nets;
    expect({ ...reversed!.config, reverseSource: false }).toEqual(straight!.config);
    expect(reversed!.seed).toBe(straight!.seed);
    expect(attention!.config.kind).toBe('attention');
    expect(metricName(nets[3]!, 'exact')).toBe('reversedSeed5Exact');
    expect(metricName(netsOf(v.parse(configSchema, {}), 1)[0]!, 'exact')).toBe('exact');
  });

  it('computes lowest, mean and gains', () => {
    const metrics = {
      reversedSeed4Exact: 99,
      reversedSeed5Exact: 97,
      straightSeed4Exact: 90,
      straightSeed5Exact: 92,
      reversedSeed4TestBleu: 20,
      straightSeed4TestBleu: 22,
      attentionSeed4TestBleu: 33,
    };
    expect(comparisons(config, 4, metrics)).toMatchObject({
      reversedLowestExact: 97,
      reversedMeanExact: 98,
      reversalExactGain: 7,
      reversalTestBleuGain: -2,
      attentionGain: 11,
    });
  });
});

describe('pictures', () => {
  it('a picture of BLEU by length has a line for each model', () => {
    const scores = [
      { from: 1, to: 5, sentences: 10, bleu: 30 },
      { from: 6, to: 6, sentences: 12, bleu: 20 },
    ];
    const svg = lengthPicture([
      { name: 'plain', scores },
      { name: 'attention', scores },
    ]);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg).toContain('1–5 (10)');
    expect(svg).toContain('>6 (12)<');
  });
});
