import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dense, encodeOwnModel, loadOwnWeights, openOwnModel } from '../src/index.ts';
import { saveFolder } from '../src/node.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-model-'));
const absent = new URL('nowhere/', pathToFileURL(`${folder}/`));
const kind = {
  where: 'Toy.fromPretrained',
  what: 'a toy model',
  schema: v.strictObject({ milestone: v.literal('toy'), features: v.number() }),
  pretrained: { here: pathToFileURL(folder), gone: absent },
  moreFiles: ['words.json'],
  train: (name: string) => `train ${name}`,
};
const layer = new Dense(3, 2);

beforeAll(async () => {
  await useBackend('cpu');
  layer.initialize(1);
  const files = await encodeOwnModel(layer, { milestone: 'toy', features: 3 });
  await saveFolder(folder, { ...files, 'words.json': '["a"]' });
});

afterAll(() => {
  layer.dispose();
  rmSync(folder, { recursive: true });
});

/** A folder like the first one, with one file changed. */
async function changed(file: string, content: string | Uint8Array): Promise<string> {
  const other = mkdtempSync(join(folder, 'changed-'));
  const names = ['config.json', 'model.safetensors', 'words.json'];
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
  await saveFolder(other, { ...files, [file]: content });
  return other;
}

describe('openOwnModel', () => {
  it('gives configuration, other files and weights; from a path, a URL and a name', async () => {
    for (const source of [folder, `${folder}/`, pathToFileURL(folder), 'here']) {
      const opened = await openOwnModel(source, kind);
      expect(opened.config).toEqual({ milestone: 'toy', features: 3 });
      expect(await opened.json('words.json')).toEqual(['a']);
      const before = tf.memory().numTensors;
      const copy = new Dense(3, 2);
      await loadOwnWeights(copy, opened);
      expect(copy.weight.value.dataSync()).toEqual(layer.weight.value.dataSync());
      copy.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('widens half precision', async () => {
    const half = join(folder, 'half');
    await saveFolder(half, await encodeOwnModel(layer, { milestone: 'toy', features: 3 }, { dtype: 'float16' }));
    const weights = await (await openOwnModel(half, kind)).weights();
    const exact = layer.weight.value.dataSync();
    weights['weight']!.dataSync().forEach((value, index) => expect(Math.abs(value - exact[index]!)).toBeLessThan(1e-3));
    expect(weights['weight']!.dtype).toBe('float32');
    tf.dispose(weights);
  });

  it('leaves nothing behind when the weights are another model’s', async () => {
    const opened = await openOwnModel(folder, kind);
    const before = tf.memory().numTensors;
    await expect(loadOwnWeights(new Dense(4, 2), opened)).rejects.toThrow('weight');
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [
      'a folder that is not there',
      () => join(folder, 'nowhere'),
      /has no readable config\.json; give a folder with config\.json, model\.safetensors, words\.json, or one of the names: here, gone\./,
    ],
    [
      'a name whose files are absent',
      () => 'gone',
      /'gone' has no readable config\.json; these weights did not come with this copy of the package: train gone\./,
    ],
    ['no JSON', () => changed('config.json', '{'), /config\.json of .* is not JSON .*save the model anew/],
    [
      'another package’s',
      () => changed('config.json', '{"milestone": "gan"}'),
      /is not the configuration of a toy model/,
    ],
  ])('%s is an error with its remedy', async (_, source, message) => {
    await expect(openOwnModel(await source(), kind)).rejects.toThrow(message);
  });

  it('names a damaged or missing file when it is read', async () => {
    const damaged = await openOwnModel(await changed('words.json', 'a'), kind);
    await expect(damaged.json('words.json')).rejects.toThrow('words.json of');
    const cut = await openOwnModel(await changed('model.safetensors', new Uint8Array(5)), kind);
    await expect(cut.weights()).rejects.toThrow('5 bytes');
    const opened = await openOwnModel(await changed('words.json', '[]'), { ...kind, pretrained: {} });
    await expect(opened.json('other.json')).rejects.toThrow('has no readable other.json; give a folder with');
  });
});
