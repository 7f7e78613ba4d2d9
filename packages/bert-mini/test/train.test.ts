import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { generateText, learnWordPieces, type LabelledText } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  accuracy,
  BertClassifier,
  BertForPretraining,
  createOptimizer,
  examplesOf,
  fineTune,
  fineTuningSchema,
  LstmClassifier,
  maskedLoss,
  pretrain,
  PretrainingBatches,
  pretrainingSchema,
  unigramLoss,
} from '../src/index.ts';
import { batchesByLength } from '../src/fine-tune.ts';

const lines = generateText({ characters: 12_000, seed: 1 }).split('\n').slice(0, -1);
const tokenizer = learnWordPieces(lines, { vocabularySize: 160 });
const documents = [lines.slice(0, 100), lines.slice(100)].map((part) => tokenizer.encode(part.join(' ')));
const model = {
  vocabularySize: 160,
  contextLength: 24,
  features: 16,
  layers: 1,
  heads: 2,
  dropout: 0.1,
  initialDeviation: 0.2,
};
const config = v.parse(pretrainingSchema, { steps: 6, length: 24, batchSize: 4, learningRate: 0.002 });

beforeAll(async () => {
  await useBackend('cpu');
});

describe('PretrainingBatches', () => {
  const batchesOf = (change: Partial<typeof config>, stream = 'a'): PretrainingBatches =>
    new PretrainingBatches({ documents, tokenizer, config: { ...config, ...change }, seed: 3, stream });

  it('frames pieces, hides words, and is a function of the step', () => {
    const batches = batchesOf({});
    const batch = batches.at(5);
    expect(batches.hidden).toBe(4);
    expect([batch.tokens.length, batch.labels.length]).toEqual([96, 16]);
    for (let row = 0; row < 4; row++) {
      expect(batch.tokens[row * 24]).toBe(tokenizer.special.start);
      expect(batch.tokens[row * 24 + 23]).toBe(tokenizer.special.separator);
      const places = [...batch.places.subarray(row * 4, row * 4 + 4)];
      expect(places.every((place) => place > row * 24 && place < row * 24 + 23)).toBe(true);
    }
    expect(batchesOf({}).at(5)).toEqual(batch);
    expect(batchesOf({}, 'b').at(5)).not.toEqual(batch);
  });

  it('hides other words each time, or the same', () => {
    const hiddenOf = (masking: 'dynamic' | 'fixed', epoch: number): Map<string, string> => {
      const batches = batchesOf({ masking, batchSize: 1 });
      const rows = new Map<string, string>();
      for (let step = 0; step < batches.batchesPerEpoch; step++) {
        const { tokens, places, labels } = batches.at(epoch * batches.batchesPerEpoch + step);
        const original = Int32Array.from(tokens);
        places.forEach((place, index) => (original[place] = labels[index]!));
        rows.set(original.join(), places.join());
      }
      return rows;
    };
    expect(hiddenOf('fixed', 0)).toEqual(hiddenOf('fixed', 1));
    expect(hiddenOf('dynamic', 0)).not.toEqual(hiddenOf('dynamic', 1));
  });

  it('joins parts that follow each other, and parts of two documents', () => {
    const batches = batchesOf({ nextSentence: true, batchSize: 1 });
    let elsewhere = 0;
    for (let step = 0; step < 60; step++) {
      const { tokens, segments, places, labels, elsewhere: other } = batches.at(step);
      elsewhere += other[0]!;
      places.forEach((place, index) => (tokens[place] = labels[index]!));
      expect([tokens[0], tokens[11], tokens[22]]).toEqual([2, 3, 3]);
      expect([segments[11], segments[12], segments[22], segments[23]]).toEqual([0, 1, 1, 0]);
      const both = `${tokens.slice(1, 11).join()},${tokens.slice(12, 22).join()}`;
      const follows = documents.some((ids) => `,${ids.join()},`.includes(`,${both},`));
      expect(follows).toBe(other[0] === 0);
    }
    expect(elsewhere).toBeGreaterThan(15);
    expect(elsewhere).toBeLessThan(45);
  });

  it('refuses a text without a full batch', () => {
    expect(() => batchesOf({ batchSize: 4000 })).toThrow('sequences of 24 tokens and a batch 4000');
  });
});

describe('pre-training', () => {
  it('begins near ln V, learns, and continues where it stopped, bit for bit', async () => {
    const batches = new PretrainingBatches({ documents, tokenizer, config, seed: 1, stream: 'train' });
    const run = async (stop: boolean): Promise<{ losses: number[]; weights: Float32Array }> => {
      const net = new BertForPretraining(model).initialize(1);
      const optimizer = createOptimizer(net, config);
      const losses: number[] = [];
      const common = { model: net, optimizer, batches, config, seed: 1 };
      const onStep = (step: number, loss: number): boolean => {
        losses.push(loss);
        return stop && step === 3;
      };
      const done = await pretrain({ ...common, events: { onStep } });
      expect(done).toBe(stop ? 3 : 6);
      if (stop) await pretrain({ ...common, startStep: 3, events: { onStep: (_step, loss) => losses.push(loss) < 0 } });
      const weights = net.bert.embeddings.tokens.weight.value.dataSync<'float32'>();
      optimizer.dispose();
      return { losses, weights };
    };
    const whole = await run(false);
    expect(Math.abs(whole.losses[0]! - Math.log(160))).toBeLessThan(1.5);
    expect(whole.losses[5]).toBeLessThan(whole.losses[0]!);
    expect(await run(true)).toEqual(whole);
  });

  it('measures held-out text without a leak, and the loss by frequency', async () => {
    const net = new BertForPretraining(model).initialize(1);
    const batches = new PretrainingBatches({ documents, tokenizer, config, seed: 1, stream: 'held out' });
    const before = tf.memory().numTensors;
    const loss = await maskedLoss(net, batches, config, 2);
    expect(tf.memory().numTensors).toBe(before);
    expect(Math.abs(loss - Math.log(160))).toBeLessThan(1.5);
    expect(unigramLoss([Int32Array.of(0, 0, 0, 1)], Int32Array.of(0, 0, 1), 2)).toBeCloseTo(
      -(2 * Math.log(4 / 6) + Math.log(2 / 6)) / 3,
      6,
    );
  });
});

describe('fine-tuning', () => {
  const text: LabelledText = {
    name: 'own',
    first: Array.from({ length: 60 }, (_, index) =>
      index % 2 === 0 ? 'the cat sleeps.' : 'these dogs near the cat run.',
    ),
    second: undefined,
    labels: Int32Array.from({ length: 60 }, (_, index) => index % 2),
    classNames: ['no', 'yes'],
  };
  const settings = v.parse(fineTuningSchema, {
    epochs: 5,
    length: 24,
    batchSize: 8,
    learningRate: 0.01,
    biasCorrection: true,
  });
  const examples = examplesOf(text, tokenizer, 24);

  it('puts texts of like length together, each once, padded rows uncounted', async () => {
    const batches = batchesByLength(examples, 8, 24, new Random(1));
    expect(batches.flatMap((batch) => batch.examples).length).toBe(60);
    expect(new Set(batches.flatMap((batch) => batch.examples)).size).toBe(60);
    for (const { examples: rows, length } of batches) {
      expect([6, 12, 24]).toContain(length);
      expect(rows.every(({ ids }) => ids.length <= length)).toBe(true);
    }
    const net = new BertClassifier(model, text.classNames).initialize(1);
    const share = await accuracy(net, examples, settings);
    expect(share * 60).toBeCloseTo(Math.round(share * 60), 6);
  });

  it('learns a rule, with an LSTM too, and stops when asked', async () => {
    const net = new BertClassifier({ ...model, dropout: 0 }, text.classNames).initialize(1);
    expect(await fineTune(net, examples, settings, 1)).toBe(true);
    expect(net.training).toBe(false);
    expect(await accuracy(net, examples, settings)).toBeGreaterThan(0.95);
    const lstm = new LstmClassifier(160, 2, 8, 8).initialize(1);
    const losses: number[] = [];
    expect(await fineTune(lstm, examples, settings, 1, (_step, _steps, loss) => losses.push(loss) === 8)).toBe(false);
    expect(losses.length).toBe(8);
    expect(Math.abs(losses[0]! - Math.LN2)).toBeLessThan(0.5);
    expect(() => examplesOf({ ...text, labels: undefined }, tokenizer, 24)).toThrow('own has no labels');
    expect(() => examplesOf({ ...text, labels: Int32Array.of(0, 1, 2) }, tokenizer, 24)).toThrow(
      'text 3 of own has the label 2; 2 classes have the labels 0 to 1',
    );
  });
});
