import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { useBackend } from '@milestones/backend';
import { WordTokenizer } from '@milestones/datasets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTranslator,
  encodePretrained,
  fromPretrained,
  TextPair,
  translate,
  type Translator,
} from '../src/index.ts';
import { savePretrained } from '../src/node.ts';

const folder = mkdtempSync(join(tmpdir(), 'seq2seq-'));
let model: Translator;

beforeAll(async () => {
  await useBackend('cpu');
  model = createTranslator({
    kind: 'attention',
    sourceVocabulary: 8,
    targetVocabulary: 7,
    embedding: 4,
    hidden: 4,
    layers: 1,
    reverseSource: false,
    maximumLength: 20,
  }).initialize(3);
  model.text = new TextPair({
    sourceLanguage: 'de',
    targetLanguage: 'en',
    source: WordTokenizer.learn(['ein mann fährt .'], { split: 'de', lowercase: true }),
    target: WordTokenizer.learn(['a man rides'], { split: 'en', lowercase: true }),
  });
  await savePretrained(model, folder);
});

afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

describe('fromPretrained', () => {
  it('reads what savePretrained wrote, from a path or a URL: weights, configuration and vocabularies', async () => {
    const texts = ['Ein Mann fährt.', 'Mann'];
    const expected = await translate(model.eval(), texts, { maximumLength: 5 });
    for (const source of [folder, pathToFileURL(folder)]) {
      const loaded = await fromPretrained(source);
      expect(loaded.config).toEqual(model.config);
      expect(loaded.training).toBe(false);
      expect(loaded.text!.toJSON()).toEqual(model.text!.toJSON());
      expect(await translate(loaded, texts, { maximumLength: 5 })).toEqual(expected);
      loaded.dispose();
    }
  });

  it('reads half-precision weights', async () => {
    const half = join(folder, 'half');
    await savePretrained(model, half, { float16: true });
    const loaded = await fromPretrained(half);
    const [exact, rounded] = [model, loaded].map((one) => one.stateDict()['head.weight']!.dataSync());
    exact!.forEach((value, index) => expect(Math.abs(rounded![index]! - value)).toBeLessThan(1e-4));
    loaded.dispose();
  });

  it('reads the committed network, which translates', async () => {
    const committed = await fromPretrained('multi30k-de-en');
    expect(committed.parameterCount()).toBe(4_850_948);
    const texts = ['Ein Mann fährt Fahrrad.', 'Zwei Hunde spielen im Schnee.'];
    const translations = await translate(committed, texts);
    expect(translations.map(({ text }) => text)).toEqual(['a man is riding a bicycle.', 'two dogs play in the snow.']);
    committed.dispose();
  });

  const damaged = async (file: string, change: (content: string) => string): Promise<string> => {
    const place = mkdtempSync(join(folder, 'damaged-'));
    await savePretrained(model, place);
    writeFileSync(join(place, file), change(readFileSync(join(place, file), 'utf8')));
    return place;
  };

  it('refuses a vocabulary that does not match the weights', async () => {
    const place = await damaged('vocabulary.json', (json) => json.replace(',"mann"', ''));
    await expect(fromPretrained(place)).rejects.toThrow(
      'the source vocabulary has 7 tokens and the model 8; the files belong to different models',
    );
  });

  it('says what is wrong with other files', async () => {
    await expect(fromPretrained(join(folder, 'nowhere'))).rejects.toThrow(
      'has no readable config.json; give a folder with config.json, model.safetensors, vocabulary.json, or one of the names: multi30k-de-en',
    );
    await expect(fromPretrained(await damaged('config.json', () => '{'))).rejects.toThrow('config.json of');
    await expect(
      fromPretrained(await damaged('config.json', (json) => json.replace('seq2seq', 'gpt-mini'))),
    ).rejects.toThrow('is not the configuration of a seq2seq model');
    await expect(fromPretrained(await damaged('vocabulary.json', () => '{}'))).rejects.toThrow(
      'do not name their languages',
    );
    await expect(
      fromPretrained(await damaged('config.json', (json) => json.replace('"hidden": 4', '"hidden": 5'))),
    ).rejects.toThrow('of another shape');
  });
});

describe('encodePretrained', () => {
  it('refuses a model without vocabularies, or with those of another model', async () => {
    const { text } = model;
    model.text = undefined;
    await expect(encodePretrained(model)).rejects.toThrow('this model has no vocabularies');
    model.text = new TextPair({ sourceLanguage: '', targetLanguage: '', source: text!.target, target: text!.target });
    await expect(encodePretrained(model)).rejects.toThrow('the source vocabulary has 7 tokens and the model 8');
    model.text = text;
  });
});
