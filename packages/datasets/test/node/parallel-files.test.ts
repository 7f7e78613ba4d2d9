import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DataSet, registry } from '../../src/index.ts';
import { DownloadError, loadMulti30k, loadParallelText } from '../../src/node.ts';
import { loadTranslationPart } from '../../src/node/multi30k.ts';
import { sha256, temporaryFolder } from './local-server.ts';

describe('loadParallelText', () => {
  it('reads two files, and names them in errors', async () => {
    const folder = await temporaryFolder();
    const [source, target] = [join(folder, 'own.de'), join(folder, 'own.en')];
    await writeFile(source, 'Ein Hund.\nZwei Hunde.\n');
    await writeFile(target, 'A dog.\nTwo dogs.\n');
    const text = await loadParallelText(source, target, { sourceLanguage: 'de', targetLanguage: 'en' });
    expect(text.source).toEqual(['Ein Hund.', 'Zwei Hunde.']);
    expect(text.targetLanguage).toBe('en');
    await writeFile(target, 'A dog.\n');
    await expect(loadParallelText(source, target)).rejects.toThrow(`${source} has 2 lines and ${target} has 1`);
    await expect(loadParallelText(source, join(folder, 'none'))).rejects.toThrow(/none could not be read \(ENOENT/);
  });
});

describe('loadMulti30k', () => {
  it('names what there is', async () => {
    const data = await temporaryFolder();
    const options = { data, offline: true };
    await expect(loadMulti30k('test' as never, options)).rejects.toThrow(
      "choose one of 'train', 'validation', 'test2016'",
    );
    await expect(loadMulti30k('train', { ...options, pair: 'de-fr' as never })).rejects.toThrow(
      "the language pair \"de-fr\" arrived; choose 'de-en' (German to English) or 'en-de'",
    );
    const error: unknown = await loadMulti30k('validation', options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as Error).message).toContain('val.de.gz in the folder');
  });
  it('does not take other files for its own', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'multi30k'));
    await writeFile(join(data, 'multi30k', 'val.de.gz'), gzipSync('Ein Hund.\n'));
    await expect(loadMulti30k('validation', { data, offline: true })).rejects.toThrow(DownloadError);
  });
  it('reads either direction, and counts the pairs', async () => {
    const data = await temporaryFolder();
    const contents = {
      'val.de.gz': gzipSync('Ein Hund.\nZwei Hunde.\n'),
      'val.en.gz': gzipSync('A dog.\nTwo dogs.\n'),
    };
    const entry: DataSet = {
      ...registry.multi30k,
      files: Object.entries(contents).map(([name, content]) => ({
        name,
        urls: ['http://127.0.0.1:9/'],
        sha256: sha256(content),
        bytes: content.length,
      })),
      splits: { validation: { size: 2, unit: 'sentence pairs' } },
    };
    await mkdir(join(data, 'multi30k'));
    for (const [name, content] of Object.entries(contents)) await writeFile(join(data, 'multi30k', name), content);
    const options = { data, offline: true };
    const text = await loadTranslationPart(entry, 'validation', 'val', 'en-de', options);
    expect(text).toEqual({
      name: 'multi30k validation',
      source: ['A dog.', 'Two dogs.'],
      target: ['Ein Hund.', 'Zwei Hunde.'],
      sourceLanguage: 'en',
      targetLanguage: 'de',
    });
    const other = { ...entry, splits: { validation: { size: 3, unit: 'sentence pairs' } } };
    await expect(loadTranslationPart(other, 'validation', 'val', 'de-en', options)).rejects.toThrow(
      'multi30k validation: 2 pairs arrived instead of 3',
    );
  });
});
