/** What `pnpm tokenizers:check` does; see scripts/tokenizers-check.mjs. */
import { learnWordPieces } from '../../src/tokenizers/learn-word-pieces.ts';
import { readByteLevelFiles, readWordPieceFile } from '../../src/tokenizers/tokenizer-files.ts';
import { FuzzRandom } from '../fuzz/mutate.ts';
import {
  difference,
  type Encode,
  gpt2Tokenizer,
  gptTokenizer,
  huggingFaceByteLevel,
  huggingFaceWordPiece,
  randomText,
} from './oracles.ts';

/**
 * @param read the text of a file of the data cache, where it is there
 * @returns how many comparisons failed
 */
export function compareAll(read: (name: string) => string | undefined, print: (line: string) => void): number {
  const random = new FuzzRandom(2018);
  const corpora: [string, string[]][] = [
    ['5,000 random texts', Array.from({ length: 5000 }, () => randomText(random))],
  ];
  for (const name of ['wikitext-2/test.txt', 'sst-2/test.tsv']) {
    const text = read(name);
    if (text === undefined) print(`${name} is not in the data cache: not compared.`);
    else corpora.push([name, [...text.split(/(?<=\n)/), text]]);
  }
  const encoder = read('gpt2-bpe/encoder.json');
  const merges = read('gpt2-bpe/vocab.bpe');
  const byteLevel = encoder && merges ? readByteLevelFiles(encoder, merges) : gpt2Tokenizer();
  const corpus = (read('wikitext-2/train.txt') ?? manyTexts(random)).split('\n');
  const start = performance.now();
  const learned = learnWordPieces(corpus, { vocabularySize: 8192 });
  const seconds = (performance.now() - start) / 1000;
  const megabytes = corpus.reduce((sum, line) => sum + line.length + 1, 0) / 1e6;
  print(
    `learned ${learned.vocabularySize} word pieces from ${megabytes.toFixed(1)} million characters in ${seconds.toFixed(1)} s`,
  );
  const released = read('bert-uncased-vocab/vocab.txt');
  const uncased = released === undefined ? learned : readWordPieceFile(released);
  const cased = readWordPieceFile(uncased.vocabulary().join('\n'), { lowerCase: false });

  const pairs: [string, Encode, Encode][] = [
    ['byte-level BPE and gpt-tokenizer', (text) => byteLevel.encode(text), gptTokenizer],
    ['byte-level BPE and @huggingface/tokenizers', (text) => byteLevel.encode(text), huggingFaceByteLevel(byteLevel)],
    ['WordPiece and @huggingface/tokenizers', (text) => uncased.encode(text), huggingFaceWordPiece(uncased)],
    ['cased WordPiece and @huggingface/tokenizers', (text) => cased.encode(text), huggingFaceWordPiece(cased)],
    ['byte-level BPE, decoded, and the text', (text) => codes(byteLevel.decode(byteLevel.encode(text))), codes],
  ];
  let failures = 0;
  for (const [corpusName, texts] of corpora) {
    for (const [pair, ours, theirs] of pairs) {
      const found = difference(texts, ours, theirs);
      print(
        `${found === undefined ? 'equal ' : 'DIFFER'}  ${pair}, ${corpusName}${found === undefined ? '' : `: ${found.slice(0, 500)}`}`,
      );
      if (found !== undefined) failures++;
    }
  }
  const text = read('wikitext-2/valid.txt') ?? manyTexts(random);
  for (const [name, encode] of [
    ['byte-level BPE', (line: string) => byteLevel.encode(line)],
    ['WordPiece', (line: string) => uncased.encode(line)],
  ] as const) {
    const begin = performance.now();
    const tokens = encode(text).length;
    const elapsed = (performance.now() - begin) / 1000;
    print(
      `${name}: ${tokens} tokens of ${(text.length / 1e6).toFixed(2)} MB of new text in ${elapsed.toFixed(2)} s, ${(text.length / 1e6 / elapsed).toFixed(1)} MB/s`,
    );
  }
  return failures;
}

function codes(text: string): ArrayLike<number> {
  return Array.from(text, (character) => character.codePointAt(0)!);
}

function manyTexts(random: FuzzRandom): string {
  return Array.from({ length: 20_000 }, () => randomText(random)).join('\n');
}
