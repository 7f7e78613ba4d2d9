import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { decodeSafetensors, encodeSafetensors, type TensorData } from '@milestones/core';
import { ByteLevelTokenizer } from '@milestones/datasets';
import * as v from 'valibot';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readWithHubClient } from '../../core/test/hub-reader.ts';
import {
  createOptimizer,
  createTrainStep,
  encodePretrained,
  generateTokens,
  Gpt,
  trainingSchema,
} from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

const fixture = fileURLToPath(new URL('./fixtures/gpt2-tiny', import.meta.url));
const expected = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8')) as {
  tokens: number[];
  logits: number[][];
  greedy: number[];
};
let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-gpt2-'));
  await cp(fixture, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function tensorsOf(path: string): Promise<Record<string, TensorData>> {
  return decodeSafetensors(await readFile(path)).tensors;
}

function logitsOf(model: Gpt): Float32Array {
  const tokens = tf.tensor2d([expected.tokens], undefined, 'int32');
  return tf.tidy(() => model.forward(tokens).dataSync<'float32'>());
}

function expectParity(model: Gpt, tolerance: number): void {
  const logits = logitsOf(model);
  const worst = expected.logits
    .flat()
    .reduce((most, value, index) => Math.max(most, Math.abs(value - logits[index]!)), 0);
  expect(worst).toBeLessThan(tolerance);
}

describe('a GPT-2 folder, written by an independent PyTorch model', () => {
  it('gives its logits and its greedy continuation', async () => {
    const before = tf.memory().numTensors;
    const model = await Gpt.fromPretrained(folder);
    expect(tf.memory().numTensors - before).toBe(model.namedParameters().size);
    expect(model.tokenizer).toBeInstanceOf(ByteLevelTokenizer);
    expectParity(model, 1e-5);
    const made: number[] = [];
    for await (const token of generateTokens(model, expected.greedy.slice(0, 3), { tokens: 11, temperature: 0 })) {
      made.push(token);
    }
    expect(made).toEqual(expected.greedy.slice(3));
    model.dispose();
  });

  it('is read in shards, in half precision, and without the prefix and the masks', async () => {
    const tensors = await tensorsOf(join(folder, 'model.safetensors'));
    const names = Object.keys(tensors).filter((name) => !name.endsWith('.attn.bias'));
    const short = (name: string): string => name.replace('transformer.', '');
    const map: Record<string, string> = {};
    for (const part of [0, 1]) {
      const file = `model-0000${part + 1}-of-00002.safetensors`;
      const own = names.filter((_name, index) => index % 2 === part);
      for (const name of own) map[short(name)] = file;
      const renamed = Object.fromEntries(own.map((name) => [short(name), tensors[name]!]));
      await writeFile(join(folder, file), encodeSafetensors(renamed, { dtype: part === 0 ? 'float16' : 'bfloat16' }));
    }
    await rm(join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    expectParity(await Gpt.fromPretrained(folder), 0.3);

    const shard = join(folder, 'model-00002-of-00002.safetensors');
    await writeFile(shard, (await readFile(shard)).subarray(0, 900));
    await expect(Gpt.fromPretrained(folder)).rejects.toThrow('model-00002-of-00002.safetensors');
  });

  it('comes back from savePretrained bit for bit, under the same names', async () => {
    const model = await Gpt.fromPretrained(folder);
    const again = join(folder, 'again');
    await savePretrained(model, again);
    expect((await readdir(again)).toSorted()).toEqual([
      'config.json',
      'merges.txt',
      'model.safetensors',
      'tokenizer_config.json',
      'vocab.json',
    ]);
    expect(logitsOf(await Gpt.fromPretrained(again))).toEqual(logitsOf(model));
    const written = await tensorsOf(join(again, 'model.safetensors'));
    const original = await tensorsOf(join(folder, 'model.safetensors'));
    for (const [name, tensor] of Object.entries(written)) expect(tensor).toEqual(original[name]);
    expect(Object.keys(written).length).toBe(Object.keys(original).length - 2);
    const own = await encodePretrained(model, { layout: 'milestones' });
    expect(Object.keys(own)).toEqual(['config.json', 'tokenizer.json', 'model.safetensors']);
  });

  it('trained further and saved, gives the same bit for bit, and other readers find its weights', async () => {
    const model = await Gpt.fromPretrained(folder);
    const before = logitsOf(model);
    const config = v.parse(trainingSchema, { learningRate: 0.01 });
    const optimizer = createOptimizer(model, config);
    const step = createTrainStep(model, optimizer, config);
    const tokens = tf.tensor2d([[1, 2, 3, 4]], undefined, 'int32');
    const inputs = [tokens, tokens, tf.scalar(0.01), tf.tensor1d([1, 2], 'int32')] as const;
    model.train();
    for (let index = 0; index < 3; index++) tf.dispose(await step(...inputs));
    model.eval();
    expect(logitsOf(model)).not.toEqual(before);
    await savePretrained(model, join(folder, 'tuned'));
    expect(logitsOf(await Gpt.fromPretrained(join(folder, 'tuned')))).toEqual(logitsOf(model));

    const { tensors, metadata } = await readWithHubClient(join(folder, 'tuned', 'model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    const expand = model.blocks[1]!.feedForward.expand.weight.value;
    const found = tensors['transformer.h.1.mlp.c_fc.weight'];
    // GPT-2's layers are [in, out], as ours.
    expect(found).toEqual({ shape: expand.shape, values: expand.dataSync() });
    expect(tensors['transformer.wte.weight']!.values).toEqual(model.tokenEmbedding.weight.value.dataSync());
    optimizer.dispose();
  });

  it('an output layer of its own is turned and comes back', async () => {
    const model = new Gpt({
      vocabularySize: 260,
      contextLength: 4,
      features: 4,
      layers: 1,
      heads: 1,
      tieWeights: false,
    });
    model.initialize(1);
    model.tokenizer = (await Gpt.fromPretrained(folder)).tokenizer;
    await savePretrained(model, join(folder, 'untied'));
    const tensors = await tensorsOf(join(folder, 'untied', 'model.safetensors'));
    expect(tensors['lm_head.weight']!.shape).toEqual([260, 4]);
    const again = await Gpt.fromPretrained(join(folder, 'untied'));
    expect(again.head!.weight.value.dataSync()).toEqual(model.head!.weight.value.dataSync());
  });
});

describe('Gpt.fromPretrained names', () => {
  const config = JSON.parse(readFileSync(join(fixture, 'config.json'), 'utf8')) as Record<string, unknown>;
  const withConfig = async (change: Record<string, unknown>): Promise<Promise<Gpt>> => {
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }));
    return Gpt.fromPretrained(folder);
  };

  it('what does not fit the configuration', async () => {
    await expect(withConfig({ n_embd: 16 })).rejects.toThrow('wte.weight is [260, 8] and should be [260, 16]');
    await expect(withConfig({ n_layer: 3 })).rejects.toThrow('missing: h.2.ln_1.weight, h.2.ln_1.bias');
    await expect(withConfig({ n_layer: 1 })).rejects.toThrow('unexpected: h.1.ln_1.weight');
    await expect(withConfig({ vocab_size: 200 })).rejects.toThrow(
      'has 260 tokens and the model 200; the files belong to different models',
    );
  });

  it('a tokenizer of another model', async () => {
    const ofBert = fileURLToPath(new URL('../../bert-mini/test/fixtures/bert-tiny/vocab.txt', import.meta.url));
    await cp(ofBert, join(folder, 'vocab.txt'));
    await expect(Gpt.fromPretrained(folder)).rejects.toThrow(
      "is BERT's (WordPiece); the files belong to different models",
    );
  });

  it('what GPT-2 did not have', async () => {
    await expect(withConfig({ activation_function: 'silu' })).rejects.toThrow('activation_function');
    await expect(withConfig({ n_inner: 5 })).rejects.toThrow('feed-forward layers of 5; only 4 · 8 are supported');
    await expect(withConfig({ scale_attn_by_inverse_layer_idx: true })).rejects.toThrow(
      'scale_attn_by_inverse_layer_idx',
    );
    await expect(withConfig({ model_type: 'llama' })).rejects.toThrow('nor of a GPT-2 model of the hub');
  });

  it('an architecture that GPT-2 cannot describe, when it is saved', async () => {
    const model = new Gpt({
      vocabularySize: 260,
      contextLength: 4,
      features: 4,
      layers: 1,
      heads: 1,
      bias: false,
    }).initialize(1);
    model.tokenizer = (await Gpt.fromPretrained(folder)).tokenizer;
    await expect(savePretrained(model, join(folder, 'other'))).rejects.toThrow("Save it with layout: 'milestones'");
    await savePretrained(model, join(folder, 'other'), { layout: 'milestones' });
    expect((await Gpt.fromPretrained(join(folder, 'other'))).tokenizer).toBeInstanceOf(ByteLevelTokenizer);
  });
});
