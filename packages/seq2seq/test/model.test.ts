import { readFileSync } from 'node:fs';
import { tf, useBackend } from '@milestones/backend';
import { valueAndGradients } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTranslator, Seq2Seq, translationLoss, type Translator, type TranslatorOptions } from '../src/index.ts';

interface Numbers {
  shape: number[];
  values: number[];
}

interface Reference {
  config: TranslatorOptions;
  source: number[][];
  lengths: number[];
  target: number[][];
  weights: Record<string, Numbers>;
  logits: Numbers;
  loss: number;
  gradients: Record<string, Numbers>;
}

const references = JSON.parse(readFileSync(new URL('./fixtures/seq2seq.json', import.meta.url), 'utf8')) as Record<
  string,
  Reference
>;

function modelOf({ config, weights }: Reference): Translator {
  const model = createTranslator(config);
  const state = Object.fromEntries(
    Object.entries(weights).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
  );
  model.loadStateDict(state);
  tf.dispose(state);
  return model.eval();
}

type Batch = [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];

function tensorsOf({ source, lengths, target }: Pick<Reference, 'source' | 'lengths' | 'target'>): Batch {
  return [
    tf.tensor2d(source, undefined, 'int32'),
    tf.tensor1d(lengths, 'int32'),
    tf.tensor2d(target, undefined, 'int32'),
  ];
}

function largestDifference(actual: tf.Tensor, expected: Numbers): number {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.dataSync();
  return expected.values.reduce((worst, value, index) => Math.max(worst, Math.abs(value - values[index]!)), 0);
}

describe.each(['cpu', 'wasm', 'onnx'] as const)('against independent PyTorch models, on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it.each(Object.entries(references))('%s: logits, loss and every gradient', (_name, reference) => {
    const model = modelOf(reference);
    const [source, lengths, target] = tensorsOf(reference);
    const previous = tf.slice(target, [0, 0], [target.shape[0], target.shape[1] - 1]);
    const { logits } = model.decode(model.encode(source, lengths), previous);
    expect(largestDifference(logits, reference.logits)).toBeLessThan(1e-5);
    const { value, gradients } = valueAndGradients(
      () => tf.div(translationLoss(model, source, lengths, target), source.shape[0]),
      model.trainableParameters(),
    );
    expect(Math.abs(value.dataSync()[0]! - reference.loss)).toBeLessThan(1e-5);
    const expected = { ...reference.gradients };
    // Two biases have one gradient; the fixture of the one-bias form has one of them.
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(largestDifference(gradient, expected[name]!), name).toBeLessThan(1e-5);
    }
    model.dispose();
  });
});

describe.each(Object.entries(references))('%s', (_name, reference) => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  const lossOf = (model: Translator, batch: Batch): number =>
    tf.tidy(() => translationLoss(model, ...batch).dataSync()[0]!);

  it('a sentence’s loss does not depend on its batch mates or on its padding', () => {
    const model = modelOf(reference);
    const together = lossOf(model, tensorsOf(reference));
    let apart = 0;
    reference.source.forEach((source, index) => {
      const [length, target] = [reference.lengths[index]!, reference.target[index]!];
      const words = target.filter((token) => token !== 0);
      const alone = lossOf(model, tensorsOf({ source: [source.slice(0, length)], lengths: [length], target: [words] }));
      const padded = { source: [[...source, 0, 0]], lengths: [length], target: [[...target, 0]] };
      expect(lossOf(model, tensorsOf(padded))).toBeCloseTo(alone, 5);
      // What stands in the padding of the source must not be seen.
      const filled = [...source.slice(0, length), 5, 6];
      expect(lossOf(model, tensorsOf({ source: [filled], lengths: [length], target: [words] }))).toBeCloseTo(alone, 5);
      apart += alone;
    });
    expect(together).toBeCloseTo(apart, 4);
    model.dispose();
  });

  it('word by word, the scores are those of the whole translation', () => {
    const model = modelOf(reference);
    const [source, lengths, target] = tensorsOf(reference);
    const T = target.shape[1] - 1;
    const B = source.shape[0];
    const encoded = model.encode(source, lengths);
    const whole = model.decode(encoded, tf.slice(target, [0, 0], [B, T])).logits.arraySync();
    let { state } = encoded;
    for (let t = 0; t < T; t++) {
      const previous = tf.squeeze(tf.slice(target, [0, t], [B, 1]), [1]) as tf.Tensor1D;
      const advanced = model.advance({ state, memory: encoded.memory }, previous);
      advanced.logits.arraySync().forEach((row, b) => {
        row.forEach((score, v) => expect(score).toBeCloseTo(whole[t]![b]![v]!, 5));
      });
      ({ state } = advanced);
    }
    model.dispose();
  });
});

describe('sizes', () => {
  it.each([
    ['multi30k-plain', 13_898_501],
    ['multi30k-attention', 20_518_405],
    ['sutskever', 384_112_000],
    ['bahdanau', 81_452_000],
  ] as const)('%s has %i weights, counted without allocating them', (size, count) => {
    const before = tf.memory().numBytes;
    expect(createTranslator(size).parameterCount()).toBe(count);
    expect(tf.memory().numBytes).toBe(before);
  });

  it('the paper’s network has 384,000,000 weights in its matrices, 64,000,000 of them recurrent', () => {
    const matrices = [...new Seq2Seq('sutskever').namedParameters()].filter(([, { shape }]) => shape.length === 2);
    const total = (path: RegExp): number =>
      matrices.filter(([name]) => path.test(name)).reduce((sum, [, { size }]) => sum + size, 0);
    expect(total(/./)).toBe(384_000_000);
    expect(total(/coder\./)).toBe(64_000_000);
    expect(total(/Embedding/)).toBe(240_000_000);
  });

  it('begins with U(−0.08, 0.08) everywhere, the biases too', async () => {
    await useBackend('cpu');
    const small = { sourceVocabulary: 50, targetVocabulary: 50, embedding: 20, hidden: 20, layers: 2 };
    const model = new Seq2Seq(small).initialize(1);
    for (const [name, { value }] of model.namedParameters()) {
      const values = value.dataSync();
      expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(0.08);
      expect(Math.max(...values.map(Math.abs)), name).toBeGreaterThan(0.07);
    }
    model.dispose();
  });
});

describe('configurations', () => {
  it.each([
    [{ kind: 'attention', layers: 2 }, 'layers: the attention model has one layer; set layers to 1'],
    [{ maxout: 5 }, 'kind: maxout and alignment belong to the attention model'],
    [{ hidden: 0 }, 'hidden'],
    ['huge', "there is no size 'huge'; there are: sutskever, bahdanau, multi30k-plain, multi30k-attention"],
  ])('refuses %j', (options, message) => {
    expect(() => createTranslator(options as TranslatorOptions)).toThrow(message);
  });

  it('refuses the configuration of the other model', () => {
    expect(() => new Seq2Seq('multi30k-attention')).toThrow("of kind 'attention' arrived for the model 'plain'");
  });
});
