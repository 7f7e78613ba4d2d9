import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FormatError, WordPieceTokenizer } from '../../src/index.ts';
import { loadLabelledText, loadSst2, loadText, loadTokenizer, loadWikiText2, saveTokenizer } from '../../src/node.ts';
import { findZipFile } from '../../src/formats/zip.ts';
import { temporaryFolder } from './local-server.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A ZIP archive of one deflated and one stored file. */
function zipFile(files: Record<string, { content: Uint8Array; deflate: boolean }>): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, { content, deflate }] of Object.entries(files)) {
    const packed = deflate ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), Buffer.from(packed));
    directory.push(entry, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

describe('zip', () => {
  const archive = zipFile({
    'a/one.txt': { content: encode('one '.repeat(50)), deflate: true },
    'a/two.txt': { content: encode('two'), deflate: false },
  });

  it('finds files', () => {
    expect(findZipFile(archive, 'a/one.txt', 'x.zip')).toMatchObject({ deflated: true, size: 200 });
    expect(new TextDecoder().decode(findZipFile(archive, 'a/two.txt', 'x.zip').packed)).toBe('two');
  });

  it('refuses damaged archives and missing files', () => {
    expect(() => findZipFile(archive, 'b', 'x.zip')).toThrow('x.zip: there is no b in it, only a/one.txt, a/two.txt');
    for (let length = 0; length < archive.length; length += 7) {
      expect(() => findZipFile(archive.subarray(0, length), 'a/one.txt', 'x.zip')).toThrow(FormatError);
    }
  });
});

describe('text sets', () => {
  it('names the file to put by hand when it may not download', async () => {
    const data = await temporaryFolder();
    await expect(loadWikiText2('test', { data, offline: true })).rejects.toThrow(join(data, 'wikitext-2', 'test.txt'));
    await expect(loadSst2('train', { data, offline: true })).rejects.toThrow(join(data, 'sst-2', 'SST-2.zip'));
    await expect(loadSst2('dev' as never)).rejects.toThrow('the part "dev" arrived');
    await expect(loadWikiText2('valid' as never)).rejects.toThrow('the part "valid" arrived');
  });

  it('does not use an unpacked file that is not the published one', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'sst-2'));
    await writeFile(join(data, 'sst-2', 'dev.tsv'), 'sentence\tlabel\nx\t1\n');
    const notices: string[] = [];
    const loading = loadSst2('validation', { data, offline: true, onNotice: (notice) => notices.push(notice) });
    await expect(loading).rejects.toThrow('SST-2.zip');
    expect(notices[0]).toContain('dev.tsv has 19 bytes instead of 94931');
  });
});

describe('own files', () => {
  it('loads texts and tables, and says what is wrong with them', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'own.tsv'), 'sentence\tlabel\nfine\t1\n');
    expect((await loadLabelledText(join(folder, 'own.tsv'))).first).toEqual(['fine']);
    await writeFile(join(folder, 'own.txt'), 'some text');
    expect(await loadText(join(folder, 'own.txt'))).toBe('some text');
    await writeFile(join(folder, 'empty.txt'), '\n');
    await expect(loadText(join(folder, 'empty.txt'))).rejects.toThrow('there is no text in this file');
    await expect(loadText(join(folder, 'none.txt'))).rejects.toThrow('give the path of a text file');
    await writeFile(join(folder, 'latin.txt'), Uint8Array.of(0x61, 0x0a, 0xe9));
    await expect(loadText(join(folder, 'latin.txt'))).rejects.toThrow('latin.txt: line 2 is not valid UTF-8');
  });

  it('saves and loads tokenizers', async () => {
    const folder = await temporaryFolder();
    const tokenizer = new WordPieceTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a'], { lowerCase: false });
    await saveTokenizer(folder, tokenizer);
    expect((await loadTokenizer(folder)).toJSON()).toEqual(tokenizer.toJSON());
    await writeFile(join(folder, 'vocab.txt'), 'a\n');
    await expect(loadTokenizer(folder)).rejects.toThrow('the vocabulary of 1 tokens has no [PAD]');
    await expect(loadTokenizer(join(folder, 'none'))).rejects.toThrow("of the tokenizer's files arrived: none");
  });
});
