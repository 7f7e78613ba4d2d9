import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { useBackend } from '@milestones/backend';
import { WordTokenizer } from '@milestones/datasets';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Transformer, translate } from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

let folder: string;

beforeAll(async () => {
  await useBackend('cpu');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-transformer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function newModel(): Transformer {
  const model = new Transformer({
    sourceVocabulary: 7,
    targetVocabulary: 6,
    shareEmbeddings: 'none',
    features: 8,
    heads: 2,
    feedForward: 8,
    encoderLayers: 1,
    decoderLayers: 1,
    maximumLength: 8,
  }).initialize(1);
  model.tokenizers = {
    source: WordTokenizer.learn(['a b c'], { split: 'spaces' }),
    target: WordTokenizer.learn(['x y'], { split: 'spaces' }),
  };
  return model;
}

describe('savePretrained and Transformer.fromPretrained', () => {
  it('keep the model and its vocabularies, from a path and from a URL', async () => {
    const model = newModel();
    const expected = await translate(model, ['a b', 'c'], { beams: 2 });
    await savePretrained(model, folder);
    expect((await readdir(folder)).toSorted()).toEqual([
      'config.json',
      'model.safetensors',
      'source-tokenizer.json',
      'target-tokenizer.json',
    ]);
    for (const place of [folder, pathToFileURL(folder)]) {
      const loaded = await Transformer.fromPretrained(place);
      expect(await translate(loaded, ['a b', 'c'], { beams: 2 })).toEqual(expected);
      loaded.dispose();
    }
    await savePretrained(model, folder, { dtype: 'float16' });
    const half = await Transformer.fromPretrained(folder);
    expect(half.parameterCount()).toBe(model.parameterCount());
  });

  it('refuse vocabularies that do not match the weights', async () => {
    const model = newModel();
    await savePretrained(model, folder);
    const target = await readFile(join(folder, 'target-tokenizer.json'), 'utf8');
    await writeFile(join(folder, 'source-tokenizer.json'), target);
    await expect(Transformer.fromPretrained(folder)).rejects.toThrow(
      'weights for 7 source and 6 target tokens, and tokenizers of 6 and 6',
    );
    model.tokenizers!.source = model.tokenizers!.target;
    await expect(savePretrained(model, folder)).rejects.toThrow('tokenizers of 6 and 6');
    model.tokenizers = undefined;
    await expect(savePretrained(model, folder)).rejects.toThrow('has no tokenizers');
  });

  it('name what is missing or damaged', async () => {
    await expect(Transformer.fromPretrained(folder)).rejects.toThrow('has no readable config.json; give a folder with');
    await savePretrained(newModel(), folder);
    await writeFile(join(folder, 'target-tokenizer.json'), '{');
    await expect(Transformer.fromPretrained(folder)).rejects.toThrow('target-tokenizer.json of');
    await writeFile(join(folder, 'config.json'), '{}');
    await expect(Transformer.fromPretrained(folder)).rejects.toThrow('is not the configuration of a transformer model');
  });
});
