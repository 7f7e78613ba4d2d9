import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { encodeSafetensors, loadBytes, tensorsToData } from '@milestones/core';
import { CharacterTokenizer } from '@milestones/datasets';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateText, Gpt, languageModelLoss } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

const size = { vocabularySize: 5, contextLength: 6, features: 8, layers: 2, heads: 2 } as const;
let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-gpt-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function newModel(): Gpt {
  const model = new Gpt(size).initialize(1);
  model.tokenizer = new CharacterTokenizer('abcde');
  return model;
}

describe('savePretrained and Gpt.fromPretrained', () => {
  it('give the same logits, bit for bit, from a path and from a URL', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    expect((await readdir(folder)).toSorted()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    const tokens = tf.tensor2d([[1, 2, 3]], undefined, 'int32');
    const expected = model.eval().forward(tokens).dataSync();
    for (const source of [folder, pathToFileURL(folder)]) {
      const before = tf.memory().numTensors;
      const loaded = await Gpt.fromPretrained(source);
      expect(tf.memory().numTensors - before).toBe(loaded.namedParameters().size);
      expect(loaded.forward(tokens).dataSync()).toEqual(expected);
      expect(loaded.tokenizer!.encode('ea')).toEqual(Int32Array.from([4, 0]));
      expect(loaded.training).toBe(false);
    }
  });

  it('reads weights saved as float16', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    const bytes = encodeSafetensors(await tensorsToData(model.stateDict()), { dtype: 'float16' });
    await writeFile(join(folder, 'model.safetensors'), bytes);
    const loaded = await Gpt.fromPretrained(folder);
    const [first] = loaded.tokenEmbedding.weight.value.dataSync();
    expect(first).toBeCloseTo(model.tokenEmbedding.weight.value.dataSync()[0]!, 4);
  });

  it('needs a tokenizer to save', async () => {
    const model = newModel();
    model.tokenizer = undefined;
    await expect(savePretrained(model, folder)).rejects.toThrow('this model has no tokenizer; set model.tokenizer');
  });
});

describe('the weights shakespeare-char', () => {
  it('have learned Shakespeare: 209,729 weights, under 2 nats per character where guessing costs 4.17', async () => {
    const model = await Gpt.fromPretrained('shakespeare-char');
    expect(model.parameterCount()).toBe(209_729);
    const text = 'MENENIUS:\nWhat then, my friends? You shall not go to the king\nTill we have heard';
    const ids = model.tokenizer!.encode(text);
    const losses: number[] = [];
    for (let start = 0; start + 32 < ids.length; start += 16) {
      const tokens = tf.tensor2d([...ids.subarray(start, start + 32)], [1, 32], 'int32');
      const targets = tf.tensor2d([...ids.subarray(start + 1, start + 33)], [1, 32], 'int32');
      losses.push(tf.tidy(() => languageModelLoss(model, tokens, targets).dataSync()[0]!));
    }
    expect(losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toBeLessThan(2);
    model.dispose();
  });

  it('continue a prompt in the text’s own characters', async () => {
    const model = await Gpt.fromPretrained('shakespeare-char');
    const text = await generateText(model, 'ROMEO:', { tokens: 60, temperature: 0 });
    expect(text).toMatch(/^ROMEO:\n/);
    await expect(generateText(model, 'ROMÉO:')).rejects.toThrow('"É" (U+00C9) at position 3');
    model.dispose();
  });
});

describe('Gpt.fromPretrained says what is wrong with', () => {
  const broken = async (file: string, content: string | Uint8Array): Promise<Promise<Gpt>> => {
    await savePretrained(newModel(), folder);
    await writeFile(join(folder, file), content);
    return Gpt.fromPretrained(folder);
  };

  it('a name or folder that is not there', async () => {
    await expect(Gpt.fromPretrained('shakespear')).rejects.toThrow(
      "Gpt.fromPretrained: 'shakespear' has no readable config.json; give a folder with config.json, model.safetensors, tokenizer.json, or one of the names: shakespeare-char.",
    );
  });

  it.each([
    ['a configuration that is not JSON', 'config.json', '{', 'config.json of'],
    [
      'a configuration of something else',
      'config.json',
      '{"milestone":"bert-mini"}',
      'is not the configuration of a gpt-mini model',
    ],
    [
      'a tokenizer of another model',
      'tokenizer.json',
      '{"type":"character","vocabulary":"ab"}',
      'has 2 tokens and the model 5; the files belong to different models',
    ],
    ['truncated weights', 'model.safetensors', new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 123]), 'safetensors'],
  ])('%s', async (_what, file, content, message) => {
    await expect(broken(file, content)).rejects.toThrow(message);
  });

  it('weights of another shape, naming each', async () => {
    await savePretrained(newModel(), folder);
    const other = new Gpt({ ...size, features: 4 }).initialize(1);
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(await tensorsToData(other.stateDict())));
    await expect(Gpt.fromPretrained(folder)).rejects.toThrow('tokenEmbedding.weight is [5, 4] and should be [5, 8]');
  });
});

describe('loadBytes', () => {
  it('names a file that is not there', async () => {
    await expect(loadBytes(join(folder, 'none'))).rejects.toThrow('there is no file');
  });
});
