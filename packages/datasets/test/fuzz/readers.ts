/** The readers of foreign files, each with good files to damage and the errors that it may answer with. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync, gzipSync, inflateSync } from 'node:zlib';
import { loadModelWeights } from '../../../core/src/model-folder.ts';
import { decodeSafetensors } from '../../../core/src/safetensors/decode.ts';
import { encodeSafetensors } from '../../../core/src/safetensors/encode.ts';
import { SafetensorsError } from '../../../core/src/safetensors/format.ts';
import { readCifar } from '../../src/formats/cifar.ts';
import { FormatError } from '../../src/formats/format-error.ts';
import { imagesFromIdx } from '../../src/formats/idx-images.ts';
import { readIdx } from '../../src/formats/idx.ts';
import { readTar } from '../../src/formats/tar.ts';
import { gunzipBytes } from '../../src/node/gunzip.ts';
import { decodeImage } from '../../src/node/image.ts';
import { readLabelledText } from '../../src/text/labelled-text.ts';
import { ByteLevelTokenizer } from '../../src/tokenizers/byte-level.ts';
import { readByteLevelFiles, readTokenizerFiles, tokenizerFiles } from '../../src/tokenizers/tokenizer-files.ts';
import type { Tokenizer } from '../../src/tokenizers/tokenizer.ts';
import { WordPieceTokenizer } from '../../src/tokenizers/word-piece.ts';
import { cifarFile, idxFile, tarFile } from '../formats/official-files.ts';
import { jpegFile, pngFile, pngLines } from '../node/image-files.ts';
import { FuzzRandom, mutate } from './mutate.ts';

interface FuzzReader {
  name: string;
  seeds: readonly Uint8Array[];
  /** Makes checksums right again, so that damage behind them is reached too; used for half of the files. */
  repair?: (bytes: Uint8Array, random: FuzzRandom) => void;
  /** Whether the files are JSON: half of them then stay JSON, and a value in them is another one. */
  json?: boolean;
  /** Reads, and throws where what it got is inconsistent. */
  read: (bytes: Uint8Array) => unknown;
  /** How it may refuse a file. */
  refusal: abstract new (...parameters: never[]) => Error;
}

/** How one damaged file fared. */
export type FuzzOutcome = 'read' | 'refused';

const noise = new FuzzRandom(7);
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, () => noise.below(256));
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

const idxSeeds = [idxFile([6, 7, 5], bytesOf(210)), idxFile([20], bytesOf(20)), idxFile([2, 3, 4, 3], bytesOf(72))];
const cifarSeed = cifarFile([[1], [9]], (record, plane, place) => (record + plane + place) % 256);
const tarSeeds = [
  tarFile([
    { name: 'batches/', kind: '5' },
    { name: 'batches/data.bin', data: cifarSeed },
    { name: 'batches/meta.txt', data: new TextEncoder().encode(names.join('\n')) },
  ]),
  tarFile([
    { name: 'header', kind: 'x', data: new TextEncoder().encode('20 mtime=1234567890\n') },
    { name: 'long.txt', prefix: 'a/b/c', data: bytesOf(600) },
  ]),
];
const pngSeeds = [
  pngFile({ width: 13, height: 9, lines: pngLines(bytesOf(13 * 9 * 3), 39) }),
  pngFile({ width: 8, height: 8, colorType: 6, lines: pngLines(bytesOf(256), 32) }),
  pngFile({
    width: 9,
    height: 5,
    depth: 2,
    colorType: 3,
    lines: pngLines(bytesOf(15), 3),
    chunks: [['PLTE', bytesOf(12)]],
  }),
  pngFile({ width: 2, height: 2, colorType: 0, interlace: 1, lines: Uint8Array.of(0, 1, 0, 2, 0, 3, 4) }),
  pngFile({
    width: 4,
    height: 3,
    depth: 16,
    colorType: 2,
    lines: pngLines(bytesOf(72), 24),
    chunks: [['tRNS', bytesOf(6)]],
  }),
];
const safetensorsSeeds = [
  encodeSafetensors({
    weight: { dtype: 'float32', shape: [3, 4], data: new Float32Array(12).fill(1) },
    'bias.é': { dtype: 'float16', shape: [5], data: new Uint16Array(5) },
    empty: { dtype: 'int64', shape: [0], data: new BigInt64Array(0) },
  }),
  encodeSafetensors({ step: { dtype: 'int32', shape: [], data: Int32Array.of(7) } }, { metadata: { format: 'pt' } }),
];

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytesOfJson = (value: unknown): Uint8Array => bytesOfText(JSON.stringify(value));

const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'fi', '##lm', '##s', '語', 'é', '!'];
const wordPieces = new WordPieceTokenizer(pieces);
// GPT-2's letters for the 256 bytes, in the order of their code points: all that it takes besides the pairs.
const byteLetters = Array.from({ length: 324 }, (_, code) => String.fromCodePoint(code)).filter(
  (letter, code) => (code > 32 && code < 127) || (code > 160 && code < 324 && code !== 173 && letter !== ''),
);
const byteLevel = new ByteLevelTokenizer({
  vocabulary: Object.fromEntries([...byteLetters, 'th', 'the', 'Ġa'].map((token, id) => [token, id])),
  merges: ['t h', 'th e', 'Ġ a'],
});
const idsOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));
const wordPieceJson = {
  version: '1.0',
  added_tokens: [{ id: 4, content: '[MASK]', special: true }],
  normalizer: { type: 'BertNormalizer', lowercase: true, strip_accents: null, handle_chinese_chars: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: { type: 'WordPiece', unk_token: '[UNK]', vocab: idsOf(pieces) },
};
const byteLevelJson = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
  model: { type: 'BPE', vocab: JSON.parse(tokenizerFiles(byteLevel)['vocab.json']!), merges: byteLevel.merges },
};

/** Reads a tokenizer, and checks that it can be used: text becomes ids of the vocabulary. */
function checkTokenizer(read: () => Tokenizer): void {
  let tokenizer;
  try {
    tokenizer = read();
  } catch (error) {
    // Whatever the constructors throw is passed on as a refusal; a slip of theirs is none.
    const { cause } = error as Error;
    throw cause instanceof TypeError || cause instanceof RangeError ? cause : error;
  }
  const ids = tokenizer.encode('The films, a 語 é!\n');
  if (ids.some((id) => !(id >= 0 && id < tokenizer.vocabularySize))) throw new Error(`inconsistent: ids ${ids}`);
}

/** The reader of an index, in a folder with the two files that a whole index names. */
async function readIndex(bytes: Uint8Array): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'milestones-fuzz-index-'));
  try {
    writeFileSync(join(folder, 'one.safetensors'), safetensorsSeeds[0]!);
    writeFileSync(join(folder, 'two.safetensors'), safetensorsSeeds[1]!);
    writeFileSync(join(folder, 'model.safetensors.index.json'), bytes);
    for (const { data, shape } of Object.values(await loadModelWeights('fuzz', folder))) checkSize(data, ...shape);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const checkSize = (data: { length: number }, ...sides: number[]): void => {
  const wanted = sides.reduce((product, side) => product * side, 1);
  if (data.length !== wanted) throw new Error(`inconsistent: ${data.length} bytes for sizes ${sides.join('×')}`);
};

export const readers: readonly FuzzReader[] = [
  {
    name: 'idx',
    seeds: idxSeeds,
    read(bytes) {
      const array = readIdx(bytes);
      checkSize(array.data, ...array.shape);
      const [count = 0] = array.shape;
      const labels = { shape: [count], data: new Uint8Array(Math.min(count, 1000)) };
      if (array.shape.length > 2) imagesFromIdx('fuzz', array, labels, names);
    },
    refusal: FormatError,
  },
  {
    name: 'idx.gz',
    seeds: idxSeeds.map((seed) => new Uint8Array(gzipSync(seed))),
    read: async (bytes) => readIdx(await gunzipBytes(bytes, 1 << 16, 'fuzz')),
    refusal: FormatError,
  },
  {
    name: 'tar and CIFAR',
    seeds: tarSeeds,
    repair: repairTar,
    read(bytes) {
      for (const { name, data } of readTar(bytes)) {
        if (/(^|\/)\.\.(\/|$)|^\/|[\\:]/.test(name)) throw new Error(`inconsistent: the name ${name} came through`);
        if (name.endsWith('.bin')) {
          const { images, count } = readCifar(data, { name, labelBytes: 1, classNames: names });
          checkSize(images, count, 32, 32, 3);
        }
      }
    },
    refusal: FormatError,
  },
  {
    name: 'CIFAR',
    seeds: [cifarSeed],
    read: (bytes) => readCifar(bytes, { name: 'fuzz', labelBytes: 1, classNames: names }),
    refusal: FormatError,
  },
  {
    name: 'PNG',
    seeds: pngSeeds,
    repair: repairPng,
    read: readImage,
    refusal: FormatError,
  },
  {
    name: 'JPEG',
    seeds: [jpegFile(17, 11), jpegFile(32, 24, 40), progressiveJpeg()],
    read: readImage,
    refusal: FormatError,
  },
  {
    name: 'safetensors',
    seeds: safetensorsSeeds,
    read(bytes) {
      for (const { data, shape } of Object.values(decodeSafetensors(bytes).tensors)) checkSize(data, ...shape);
    },
    refusal: SafetensorsError,
  },
  {
    name: 'index.json',
    seeds: [
      bytesOfJson({
        metadata: { total_size: 10 },
        weight_map: { weight: 'one.safetensors', 'bias.é': 'one.safetensors', step: 'two.safetensors' },
      }),
    ],
    json: true,
    read: readIndex,
    refusal: Error,
  },
  {
    name: 'vocab.txt',
    seeds: [bytesOfText(`${pieces.join('\n')}\n`), bytesOfText(pieces.join('\r\n'))],
    read: (bytes) => checkTokenizer(() => readTokenizerFiles({ 'vocab.txt': textOf(bytes) })),
    refusal: FormatError,
  },
  {
    name: 'vocab.json',
    seeds: [bytesOfText(tokenizerFiles(byteLevel)['vocab.json']!)],
    json: true,
    read: (bytes) => checkTokenizer(() => readByteLevelFiles(textOf(bytes), tokenizerFiles(byteLevel)['merges.txt']!)),
    refusal: FormatError,
  },
  {
    name: 'merges.txt',
    seeds: [bytesOfText(tokenizerFiles(byteLevel)['merges.txt']!)],
    read: (bytes) => checkTokenizer(() => readByteLevelFiles(tokenizerFiles(byteLevel)['vocab.json']!, textOf(bytes))),
    refusal: FormatError,
  },
  {
    name: 'tokenizer.json',
    seeds: [wordPieceJson, byteLevelJson, wordPieces.toJSON(), byteLevel.toJSON()].map(bytesOfJson),
    json: true,
    read: (bytes) => checkTokenizer(() => readTokenizerFiles({ 'tokenizer.json': textOf(bytes) })),
    refusal: FormatError,
  },
  {
    name: 'labelled table',
    seeds: [bytesOfText('id\tsentence\tlabel\n0\ta gripping film \t1\n1\t"no" é\t0\r\n\n2\tso so\t1\n')],
    read(bytes) {
      const { first, labels } = readLabelledText(bytes);
      checkSize(labels!, first.length);
    },
    refusal: FormatError,
  },
];

/** The damaged file number `index` of a reader: always the same one. */
export function fuzzFile(reader: FuzzReader, index: number): Uint8Array {
  const random = new FuzzRandom(Math.imul(index + 1, 0x9e3779b1) ^ reader.name.length);
  if (reader.json === true && random.below(2) === 0) return damageJson(random.pick(reader.seeds), random);
  const bytes = mutate(random.pick(reader.seeds), random.pick(reader.seeds), random);
  if (reader.repair && random.below(2) === 0) reader.repair(bytes, random);
  return bytes;
}

/** Reads a damaged file. Throws what the reader should not have thrown. */
export async function fuzzOne(reader: FuzzReader, bytes: Uint8Array): Promise<FuzzOutcome> {
  try {
    await reader.read(bytes);
    return 'read';
  } catch (error) {
    // A plain Error is what a reader without a class of its own says; its subclasses are accidents.
    const isOwn = reader.refusal === Error ? (error as object).constructor === Error : error instanceof reader.refusal;
    if (isOwn && (error as Error).message.length > 30) return 'refused';
    throw error;
  }
}

function readImage(bytes: Uint8Array): void {
  const { data, height, width, channels } = decodeImage(bytes, { background: [0, 0, 0], maxPixels: 1 << 22 });
  checkSize(data, height, width, channels);
}

const strangeValues = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  '',
  'a',
  '[PAD]',
  '__proto__',
  [],
  {},
  ['a'],
  { a: 1 },
] as const;

/** One to three values replaced, removed, or doubled under another name. */
function damageJson(seed: Uint8Array, random: FuzzRandom): Uint8Array {
  const root = [JSON.parse(textOf(seed))] as unknown[];
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    let [parent, key]: [object, string] = [root, '0'];
    for (;;) {
      const value: unknown = (parent as Record<string, unknown>)[key];
      if (typeof value !== 'object' || value === null || Object.keys(value).length === 0 || random.below(4) === 0)
        break;
      [parent, key] = [value, random.pick(Object.keys(value))];
    }
    const holder = parent as Record<string, unknown>;
    const action = random.below(4);
    if (action === 0 && !Array.isArray(parent)) delete holder[key];
    else if (action === 1 && !Array.isArray(parent)) holder[`${key}s`] = holder[key];
    else holder[key] = structuredClone(random.pick(strangeValues));
  }
  return bytesOfJson(root[0]);
}

/** Right checksums in every block that may be a header. */
function repairTar(bytes: Uint8Array): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes[at + 257] !== 117) continue;
    let sum = 256;
    for (let index = 0; index < 512; index++) if (index < 148 || index >= 156) sum += bytes[at + index]!;
    bytes.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  }
}

/** Right checksums of every chunk; at times the lines inside are changed too and packed anew. */
function repairPng(bytes: Uint8Array, random: FuzzRandom): void {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) return;
    if (bytes[at + 4] === 0x49 && bytes[at + 5] === 0x44 && random.below(2) === 0) {
      try {
        const lines = inflateSync(bytes.subarray(at + 8, end - 4), { maxOutputLength: 1 << 16 });
        lines[random.below(lines.length)] = random.below(256);
        const packed = deflateSync(lines);
        if (packed.length <= length) bytes.set(packed, at + 8);
      } catch {
        // Damaged before: it stays as it is.
      }
    }
    view.setUint32(end - 4, crc32(bytes.subarray(at + 4, end - 4)));
    at = end;
  }
}

/** A progressive JPEG of 16×16 grey pixels, two passes; the library for tests writes only baseline files. */
function progressiveJpeg(): Uint8Array {
  const segment = (marker: number, ...content: number[]): number[] => [
    0xff,
    marker,
    (content.length + 2) >> 8,
    (content.length + 2) & 255,
    ...content,
  ];
  return Uint8Array.of(
    0xff,
    0xd8,
    ...segment(0xdb, 0, ...new Array<number>(64).fill(1)),
    ...segment(0xc2, 8, 0, 16, 0, 16, 1, 1, 0x11, 0),
    // One code word of one bit each, 0: a difference of no bits, and the end of a block.
    ...segment(0xc4, 0x00, 1, ...new Array<number>(15).fill(0), 0),
    ...segment(0xc4, 0x10, 1, ...new Array<number>(15).fill(0), 0),
    ...segment(0xda, 1, 1, 0x00, 0, 0, 0),
    0x0f,
    ...segment(0xda, 1, 1, 0x00, 1, 63, 0),
    0x0f,
    0xff,
    0xd9,
  );
}
