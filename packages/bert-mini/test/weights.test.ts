import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { decodeSafetensors, encodeSafetensors } from '@milestones/core';
import { generateText, learnWordPieces, WordPieceTokenizer } from '@milestones/datasets';
import * as v from 'valibot';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readWithHubClient } from '../../core/test/hub-reader.ts';
import {
  BertClassifier,
  BertForPretraining,
  classify,
  createOptimizer,
  fillMask,
  pretrain,
  pretrained,
  PretrainingBatches,
  pretrainingSchema,
} from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

const fixture = fileURLToPath(new URL('./fixtures/bert-tiny', import.meta.url));
const config = JSON.parse(readFileSync(join(fixture, 'config.json'), 'utf8')) as Record<string, unknown>;
let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-bert-'));
  await cp(fixture, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tokens = [[2, 12, 13, 14, 3]];
const valuesOf = (make: () => tf.Tensor): Float32Array => tf.tidy(() => make().dataSync<'float32'>());

describe('savePretrained and fromPretrained', () => {
  it('give the same word logits bit for bit, and the names of the hub', async () => {
    const before = tf.memory().numTensors;
    const model = await BertForPretraining.fromPretrained(folder);
    expect(tf.memory().numTensors - before).toBe(model.namedParameters().size);
    await savePretrained(model, join(folder, 'again'));
    const again = await BertForPretraining.fromPretrained(join(folder, 'again'));
    const logits = (of: BertForPretraining): Float32Array =>
      valuesOf(() =>
        of.wordLogits(of.bert.forward({ tokens: tf.tensor2d(tokens, undefined, 'int32') }), tf.range(0, 5, 1, 'int32')),
      );
    expect(logits(again)).toEqual(logits(model));
    expect(again.tokenizer!.toJSON()).toEqual(model.tokenizer!.toJSON());
    const { tensors, metadata } = decodeSafetensors(await readFile(join(folder, 'again', 'model.safetensors')));
    expect(metadata['format']).toBe('pt');
    expect(tensors['bert.encoder.layer.1.attention.output.LayerNorm.weight']!.shape).toEqual([8]);
    expect(tensors['bert.encoder.layer.0.intermediate.dense.weight']!.shape).toEqual([20, 8]);
    expect(tensors['cls.predictions.bias']!.shape).toEqual([24]);
    model.dispose();
    again.dispose();
  });

  it('keep a classifier with its classes, and read its encoder from pre-training alone not', async () => {
    const tokenizer = (await BertForPretraining.fromPretrained(folder)).tokenizer;
    const model = new BertClassifier({ vocabularySize: 24, contextLength: 12, features: 8, layers: 1, heads: 2 }, [
      'bad',
      'good',
    ]);
    model.initialize(3);
    model.tokenizer = tokenizer;
    await savePretrained(model, join(folder, 'classifier'));
    const again = await BertClassifier.fromPretrained(join(folder, 'classifier'));
    expect(again.classNames).toEqual(['bad', 'good']);
    expect(await classify(again, 'a gripping film')).toEqual(
      await classify(model.eval() as BertClassifier, 'a gripping film'),
    );
    await expect(BertClassifier.fromPretrained(folder)).rejects.toThrow('has no classifier');
    await expect(BertForPretraining.fromPretrained(join(folder, 'classifier'))).rejects.toThrow(
      'missing: cls.predictions',
    );
  });

  it('read shards in half precision', async () => {
    const { tensors } = decodeSafetensors(await readFile(join(folder, 'model.safetensors')));
    await rm(join(folder, 'model.safetensors'));
    const map: Record<string, string> = {};
    for (const part of [0, 1]) {
      const file = `model-0000${part + 1}-of-00002.safetensors`;
      const own = Object.entries(tensors).filter((_entry, index) => index % 2 === part);
      for (const [name] of own) map[name] = file;
      await writeFile(join(folder, file), encodeSafetensors(Object.fromEntries(own), { dtype: 'float16' }));
    }
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    const model = await BertForPretraining.fromPretrained(folder);
    expect(model.bert.pooler.weight.value.shape).toEqual([8, 8]);
    const shard = join(folder, 'model-00001-of-00002.safetensors');
    await writeFile(shard, (await readFile(shard)).subarray(0, 600));
    await expect(BertForPretraining.fromPretrained(folder)).rejects.toThrow('model-00001-of-00002.safetensors');
  });
});

describe('a model that was trained here', () => {
  it('is the same after saving, bit for bit, and other readers find its weights', async () => {
    const lines = generateText({ characters: 3000, seed: 1 }).split('\n');
    const tokenizer = learnWordPieces(lines, { vocabularySize: 120 });
    const settings = v.parse(pretrainingSchema, { steps: 3, length: 12, batchSize: 4, nextSentence: true });
    const model = new BertForPretraining({
      vocabularySize: 120,
      contextLength: 12,
      features: 8,
      layers: 2,
      heads: 2,
      hidden: 20,
    });
    model.initialize(1);
    model.tokenizer = tokenizer;
    const documents = [tokenizer.encode(lines.join(' '))];
    const batches = new PretrainingBatches({ documents, tokenizer, config: settings, seed: 1, stream: 'a' });
    const optimizer = createOptimizer(model, settings);
    expect(await pretrain({ model, optimizer, batches, config: settings, seed: 1 })).toBe(3);
    await savePretrained(model, folder);

    const again = await BertForPretraining.fromPretrained(folder);
    const logits = (of: BertForPretraining): Float32Array[] => {
      const encoded = (): tf.Tensor3D => of.bert.forward({ tokens: tf.tensor2d(tokens, undefined, 'int32') });
      const words = valuesOf(() => of.wordLogits(encoded(), tf.range(0, 5, 1, 'int32')));
      return [words, valuesOf(() => of.sentenceLogits(encoded()))];
    };
    expect(logits(again)).toEqual(logits(model));

    const { tensors: read, metadata } = await readWithHubClient(join(folder, 'model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    const parameters = model.namedParameters();
    expect(Object.keys(read).length).toBe(parameters.size);
    const weights = parameters.get('bert.blocks.1.expand.weight')!.value;
    expect(read['bert.encoder.layer.1.intermediate.dense.weight']).toEqual({
      shape: [20, 8],
      values: valuesOf(() => tf.transpose(weights)), // PyTorch's layers are [out, in]
    });
    expect(read['bert.embeddings.word_embeddings.weight']!.values).toEqual(
      parameters.get('bert.embeddings.tokens.weight')!.value.dataSync(),
    );
    optimizer.dispose();
    tf.dispose([model.stateDict(), again.stateDict()]);
  });
});

describe('weights of this package', () => {
  it('tell what a sentence of a film review says, and fill gaps', async () => {
    const sentiment = await BertClassifier.fromPretrained('tiny-sst-2');
    expect(sentiment.bert.parameterCount()).toBe(1_478_528);
    for (const [text, name] of [
      ['a gripping film', 'positive'],
      ['a dull and lifeless mess', 'negative'],
    ] as const) {
      const [guess] = await classify(sentiment, text);
      expect([text, guess!.name]).toEqual([text, name]);
      expect(guess!.probability).toBeGreaterThan(0.9);
    }
    sentiment.dispose();
    const model = await BertForPretraining.fromPretrained('tiny-wikitext-2');
    const [gap] = await fillMask(model, 'the film was [MASK].', 5);
    expect(gap!.map(({ word }) => word)).toContain('funny');
    model.dispose();
  });

  it('are said to be made by the preset, where they did not come with it', async () => {
    const places = pretrained as Record<string, URL>;
    const own = places['tiny-sst-2']!;
    places['tiny-sst-2'] = pathToFileURL(`${folder}/nothing/`);
    try {
      await expect(BertClassifier.fromPretrained('tiny-sst-2')).rejects.toThrow(
        /did not come with this copy.*reproduce --preset laptop/s,
      );
    } finally {
      places['tiny-sst-2'] = own;
    }
  });
});

describe('fromPretrained names', () => {
  const withConfig = async (change: Record<string, unknown>): Promise<Promise<BertForPretraining>> => {
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }));
    return BertForPretraining.fromPretrained(folder);
  };

  it('a configuration and weights that disagree', async () => {
    await expect(withConfig({ hidden_size: 16 })).rejects.toThrow(
      'embeddings.word_embeddings.weight is [24, 8] and should be [24, 16]',
    );
    await expect(withConfig({ num_hidden_layers: 3 })).rejects.toThrow(
      'missing: encoder.layer.2.attention.self.query.weight',
    );
    await expect(withConfig({ num_hidden_layers: 1 })).rejects.toThrow('unexpected: encoder.layer.1');
    await expect(withConfig({ model_type: 'gpt2' })).rejects.toThrow('is not of a BERT that can be read here');
    await expect(withConfig({ hidden_act: 'relu' })).rejects.toThrow('hidden_act');
  });

  it('a tokenizer of another model', async () => {
    await writeFile(join(folder, 'vocab.txt'), `${readFileSync(join(fixture, 'vocab.txt'), 'utf8')}more\n`);
    await expect(BertForPretraining.fromPretrained(folder)).rejects.toThrow('has 25 tokens and the model 24');
    await writeFile(join(folder, 'vocab.txt'), 'a\nb\n');
    await expect(BertForPretraining.fromPretrained(folder)).rejects.toThrow('has no [PAD]');
    await cp(join(fixture, 'vocab.txt'), join(folder, 'vocab.txt'));
    await expect(withConfig({ vocab_size: 30522 })).rejects.toThrow('has 24 tokens and the model 30522');
    await rm(join(folder, 'vocab.txt'));
    const byteLevel = fileURLToPath(new URL('../../gpt-mini/test/fixtures/gpt2-tiny/', import.meta.url));
    for (const name of ['vocab.json', 'merges.txt']) await cp(join(byteLevel, name), join(folder, name));
    await expect(withConfig({})).rejects.toThrow("is not BERT's (WordPiece); the files belong to different models");
  });
});

describe('predictions', () => {
  it('fills gaps, one list for each', async () => {
    const model = await BertForPretraining.fromPretrained(folder);
    const before = tf.memory().numTensors;
    const guesses = await fillMask(model, 'Paris is the [MASK] of [MASK].', 3);
    expect(tf.memory().numTensors).toBe(before);
    expect(guesses.map((list) => list.length)).toEqual([3, 3]);
    expect(guesses[0]![0]!.probability).toBeGreaterThanOrEqual(guesses[0]![1]!.probability);
    await expect(fillMask(model, 'Paris is the capital.')).rejects.toThrow(
      'there is no [MASK] among the first 7 tokens',
    );
  });

  it('reads the first 510 tokens of a long text, as the release does', async () => {
    const model = new BertClassifier({ vocabularySize: 24, features: 4, layers: 1, heads: 1 }, ['bad', 'good']);
    model.initialize(1);
    const tokenizer = new WordPieceTokenizer(readFileSync(join(fixture, 'vocab.txt'), 'utf8').trim().split('\n'));
    model.tokenizer = tokenizer;
    const [word] = tokenizer.vocabulary().slice(12);
    const long = `${`${word} `.repeat(510)}${'[MASK] '.repeat(300)}`;
    expect(tokenizer.frame(long, undefined, { maximumLength: 512 }).ids.length).toBe(512);
    expect(await classify(model, long)).toEqual(await classify(model, `${word} `.repeat(510)));
    model.dispose();
  });

  it('cuts text that is too long, and needs a tokenizer', async () => {
    const model = new BertClassifier({ vocabularySize: 24, contextLength: 12, features: 8, layers: 1, heads: 2 }, [
      'bad',
      'good',
    ]);
    model.initialize(1);
    await expect(classify(model, 'a')).rejects.toThrow('this model has no tokenizer');
    model.tokenizer = new WordPieceTokenizer(readFileSync(join(fixture, 'vocab.txt'), 'utf8').trim().split('\n'));
    const long = await classify(model, 'the film was good '.repeat(200));
    expect(long[0]!.probability + long[1]!.probability).toBeCloseTo(1, 5);
    expect(model.training).toBe(true);
    const tooLong = tf.zeros<tf.Rank.R2>([1, 13], 'int32');
    expect(() => model.bert.forward({ tokens: tooLong })).toThrow('13 tokens arrived for a model of at most 12');
    const pair = await classify(model, 'a film', 'it was good');
    expect(pair.map(({ name }) => name).toSorted()).toEqual(['bad', 'good']);
  });
});
