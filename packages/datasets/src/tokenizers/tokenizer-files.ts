/**
 * Tokenizer files as the Hugging Face hub lays them out beside a model: `vocab.txt` (BERT), `vocab.json` and `merges.txt`
 * (GPT-2), and `tokenizer.json`, which holds either.
 */
import { FormatError } from '../formats/format-error.ts';
import { ByteLevelTokenizer } from './byte-level.ts';
import { tokenizerFromJSON } from './from-json.ts';
import type { Tokenizer } from './tokenizer.ts';
import { WordPieceTokenizer, type WordPieceTokenizerOptions } from './word-piece.ts';

/** The files that {@link readTokenizerFiles} looks at; `encoder.json` and `vocab.bpe` are what GPT-2's release calls them. */
export const tokenizerFileNames = [
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'encoder.json',
  'vocab.bpe',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/** Name of one of the {@link tokenizerFileNames}. */
export type TokenizerFileName = (typeof tokenizerFileNames)[number];

/** Texts of tokenizer files by name; those that a model has. */
export type TokenizerFiles = Partial<Record<TokenizerFileName, string>>;

/**
 * The tokenizer that the files of a model's folder describe. `tokenizer_config.json` says whether a `vocab.txt` is of an
 * uncased model (`do_lower_case`, default true).
 *
 * @throws {@link FormatError} when there is no complete set of files, or one is damaged or of a kind that is not supported
 */
export function readTokenizerFiles(files: TokenizerFiles): Tokenizer {
  const vocabulary = files['vocab.json'] ?? files['encoder.json'];
  const merges = files['merges.txt'] ?? files['vocab.bpe'];
  if (files['vocab.txt'] !== undefined) return readWordPieceFile(files['vocab.txt'], optionsOf(files));
  if (vocabulary !== undefined && merges !== undefined) return readByteLevelFiles(vocabulary, merges);
  if (files['tokenizer.json'] !== undefined) return readTokenizerJson(files['tokenizer.json']);
  const there = Object.keys(files).join(', ') || 'none';
  throw new FormatError(
    `readTokenizerFiles: of the tokenizer's files arrived: ${there}; give vocab.txt, or vocab.json and merges.txt, or tokenizer.json.`,
  );
}

/** The files of {@link readTokenizerFiles} for a tokenizer. Others read `vocab.txt`, or `vocab.json` and `merges.txt`. */
export function tokenizerFiles(tokenizer: Tokenizer): TokenizerFiles {
  if (tokenizer instanceof WordPieceTokenizer) {
    const { lowerCase, stripAccents, splitChinese } = tokenizer;
    const configuration = {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: lowerCase,
      strip_accents: stripAccents,
      tokenize_chinese_chars: splitChinese,
    };
    return { 'vocab.txt': lines(tokenizer.vocabulary()), 'tokenizer_config.json': json(configuration) };
  }
  if (tokenizer instanceof ByteLevelTokenizer) {
    return {
      'vocab.json': `${JSON.stringify(tokenizer.vocabulary())}\n`,
      'merges.txt': lines(['#version: 0.2', ...tokenizer.merges]),
      'tokenizer_config.json': json({ tokenizer_class: 'GPT2Tokenizer', add_prefix_space: false }),
    };
  }
  return { 'tokenizer.json': json(tokenizer.toJSON()) };
}

/**
 * BERT's `vocab.txt`: one token a line, ids from 0.
 *
 * @throws {@link FormatError} when a token comes twice or one of the special tokens is missing
 */
export function readWordPieceFile(text: string, options: WordPieceTokenizerOptions = {}): WordPieceTokenizer {
  const vocabulary = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (vocabulary.at(-1) === '') vocabulary.pop();
  return refused('vocab.txt', () => new WordPieceTokenizer(vocabulary, options));
}

/**
 * GPT-2's `vocab.json` (`encoder.json` in the release) and `merges.txt` (`vocab.bpe`).
 *
 * @throws {@link FormatError} when one is damaged, or they belong to different models
 */
export function readByteLevelFiles(vocabulary: string, merges: string): ByteLevelTokenizer {
  const ids = parseJson('vocab.json', vocabulary);
  const pairs = merges.split('\n').map((line) => line.replace(/\r$/, ''));
  if (pairs[0]?.startsWith('#version')) pairs.shift();
  while (pairs.at(-1) === '') pairs.pop();
  return refused('vocab.json and merges.txt', () => {
    return new ByteLevelTokenizer({ vocabulary: ids as Record<string, number>, merges: pairs });
  });
}

/** What of a `tokenizer.json` is looked at. */
interface TokenizerJson {
  type?: unknown;
  model?: { type?: string; vocab?: Record<string, number>; merges?: (string | string[])[] };
  normalizer?: {
    type?: string;
    lowercase?: boolean;
    strip_accents?: boolean | null;
    handle_chinese_chars?: boolean;
  } | null;
  pre_tokenizer?: { type?: string; add_prefix_space?: boolean } | null;
  added_tokens?: { id: number; content: string; special?: boolean }[];
}

/**
 * The `tokenizer.json` of a BERT or GPT-2 model, or of one that was saved here.
 *
 * @throws {@link FormatError} when it is damaged, or cuts text in a way that is not supported
 */
function readTokenizerJson(text: string): Tokenizer {
  const file = parseJson('tokenizer.json', text) as TokenizerJson;
  if (typeof file.type === 'string') return refused('tokenizer.json', () => tokenizerFromJSON(file));
  checkParts(file);
  const { model, normalizer, pre_tokenizer: cutting, added_tokens } = file;
  const added = added_tokens ?? [];
  const vocabulary = { ...model?.vocab };
  for (const { id, content } of added) vocabulary[content] ??= id;
  if (model?.type === 'WordPiece' && normalizer?.type === 'BertNormalizer' && cutting?.type === 'BertPreTokenizer') {
    const lowerCase = normalizer.lowercase ?? true;
    return refused('tokenizer.json', () =>
      WordPieceTokenizer.fromIds(vocabulary, {
        lowerCase,
        stripAccents: normalizer.strip_accents ?? lowerCase,
        splitChinese: normalizer.handle_chinese_chars ?? true,
      }),
    );
  }
  if (model?.type === 'BPE' && !normalizer && cutting?.type === 'ByteLevel' && cutting.add_prefix_space !== true) {
    const merges = (model.merges ?? []).map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge));
    const specialTokens = added.filter(({ special }) => special === true).map(({ content }) => content);
    return refused('tokenizer.json', () => new ByteLevelTokenizer({ vocabulary, merges, specialTokens }));
  }
  throw new FormatError(
    `tokenizer.json: a model of type ${JSON.stringify(model?.type)} with the normalizer ${JSON.stringify(normalizer?.type ?? null)} ` +
      `and the pre-tokenizer ${JSON.stringify(cutting?.type ?? null)} arrived; supported are BERT's (WordPiece, BertNormalizer, ` +
      "BertPreTokenizer) and GPT-2's (BPE, ByteLevel without a space before the text).",
  );
}

/** What {@link TokenizerJson} says about the types, at run time. */
function checkParts({ model, normalizer, pre_tokenizer: cutting, added_tokens: added }: TokenizerJson): void {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const isPart = (value: unknown): boolean => value === undefined || value === null || isObject(value);
  const isText = (value: unknown): boolean => typeof value === 'string';
  const isMerge = (value: unknown): boolean =>
    isText(value) || (Array.isArray(value) && value.length === 2 && value.every(isText));
  const isAdded = (value: unknown): boolean =>
    isObject(value) && Number.isInteger(value['id']) && isText(value['content']);
  const lists: [string, unknown, (value: unknown) => boolean, string][] = [
    ['model.merges', model?.merges, isMerge, 'pairs of tokens'],
    ['added_tokens', added, isAdded, 'tokens with id and content'],
  ];
  for (const [name, list, isItem, what] of lists) {
    if (list === undefined || list === null || (Array.isArray(list) && list.every(isItem))) continue;
    throw new FormatError(`tokenizer.json: ${name} is no list of ${what}; get the file anew.`);
  }
  const isSupported = model?.type === 'WordPiece' || model?.type === 'BPE'; // others have lists, and are named by type
  const parts = { model, ...(isSupported && { 'model.vocab': model.vocab }), normalizer, pre_tokenizer: cutting };
  for (const [name, part] of Object.entries(parts)) {
    if (!isPart(part)) throw new FormatError(`tokenizer.json: ${name} is no JSON object; get the file anew.`);
  }
}

function optionsOf(files: TokenizerFiles): WordPieceTokenizerOptions {
  const text = files['tokenizer_config.json'];
  if (text === undefined) return {};
  const config = parseJson('tokenizer_config.json', text) as Record<string, unknown>;
  const flag = (key: string): boolean | undefined => (typeof config[key] === 'boolean' ? config[key] : undefined);
  const lowerCase = flag('do_lower_case');
  const stripAccents = flag('strip_accents');
  const splitChinese = flag('tokenize_chinese_chars');
  return {
    ...(lowerCase !== undefined && { lowerCase }),
    ...(stripAccents !== undefined && { stripAccents }),
    ...(splitChinese !== undefined && { splitChinese }),
  };
}

function parseJson(name: string, text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${name}: this is not JSON (${(error as Error).message}); get the file anew.`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError(`${name}: this is no JSON object; get the file anew.`);
  }
  return value;
}

function refused<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new FormatError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

function lines(tokens: readonly string[]): string {
  return tokens.map((token) => `${token}\n`).join('');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
