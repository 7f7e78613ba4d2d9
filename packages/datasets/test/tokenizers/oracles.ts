/** Independent tokenizers to compare ours with: `gpt-tokenizer` and `@huggingface/tokenizers`. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import gpt2Ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { encode as gptTokenizerEncode } from 'gpt-tokenizer/encoding/gpt2';
import { characterOfByte } from '../../src/tokenizers/byte-level-bytes.ts';
import { ByteLevelTokenizer } from '../../src/tokenizers/byte-level.ts';
import type { WordPieceTokenizer } from '../../src/tokenizers/word-piece.ts';
import type { FuzzRandom } from '../fuzz/mutate.ts';

/** Text → ids. */
export type Encode = (text: string) => ArrayLike<number>;

export const gptTokenizer: Encode = (text) => gptTokenizerEncode(text);

/** `@huggingface/tokenizers` with the tables of one of our byte-level tokenizers. */
export function huggingFaceByteLevel(tokenizer: ByteLevelTokenizer): Encode {
  const oracle = new HuggingFaceTokenizer(
    {
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      added_tokens: [],
      model: { type: 'BPE', vocab: tokenizer.vocabulary(), merges: [...tokenizer.merges], unk_token: null },
    },
    {},
  );
  return (text) => (text === '' ? [] : oracle.encode(text, { add_special_tokens: false }).ids);
}

/** `@huggingface/tokenizers` with the vocabulary of one of our WordPiece tokenizers. */
export function huggingFaceWordPiece(tokenizer: WordPieceTokenizer): Encode {
  const oracle = new HuggingFaceTokenizer(
    {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: tokenizer.splitChinese,
        strip_accents: tokenizer.stripAccents,
        lowercase: tokenizer.lowerCase,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      post_processor: null,
      added_tokens: [],
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(tokenizer.vocabulary().map((token, id) => [token, id])),
      },
    },
    {},
  );
  return (text) => (text === '' ? [] : oracle.encode(text, { add_special_tokens: false }).ids);
}

/**
 * GPT-2's tokenizer without GPT-2's files: from the bytes of each token, which `gpt-tokenizer` carries. Merge r makes token
 * 256 + r of two tokens that were there before, and those are what the merges before it leave of its bytes.
 */
export function gpt2Tokenizer(): ByteLevelTokenizer {
  const encoder = new TextEncoder();
  const tokens = (gpt2Ranks as readonly (string | readonly number[])[]).map((token) =>
    Array.from(typeof token === 'string' ? encoder.encode(token) : token, (byte) => characterOfByte[byte]!).join(''),
  );
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges = tokens.slice(256).map((token, index) => {
    const parts = [...token];
    while (parts.length > 2) {
      let lowest = Infinity;
      let place = -1;
      for (let at = 0; at + 1 < parts.length; at++) {
        const id = ids.get(parts[at]! + parts[at + 1]!) ?? Infinity;
        if (id < 256 + index && id < lowest) [lowest, place] = [id, at];
      }
      parts.splice(place, 2, parts[place]! + parts[place + 1]!);
    }
    return parts.join(' ');
  });
  const vocabulary = Object.fromEntries([...tokens, '<|endoftext|>'].map((token, id) => [token, id]));
  return new ByteLevelTokenizer({ vocabulary, merges });
}

const letters = [
  'a',
  'e',
  'n',
  't',
  's',
  'the',
  'ing',
  "n't",
  "'s",
  "'LL",
  'É',
  'ß',
  'Σ',
  'İ',
  'ﬁ',
  'ñ',
  'ö',
  'Ω',
  'ж',
  'ش',
  'ह',
  '한',
  'が',
  'が',
];
const others = [
  ' ',
  '  ',
  '\n',
  '\t',
  '\r\n',
  '.',
  ',',
  '!',
  '-',
  '@',
  '$',
  '^',
  '`',
  '“',
  '—',
  '。',
  '0',
  '7',
  '½',
  '٣',
  '中',

  '😀',
  '👩‍👧',
  '́',
  '​',
  '\u00a0',
  '\u2028',
];

/**
 * A random text: letters, marks, digits, punctuation, emoji and any code points. Never U+0085 or U+FEFF, about which the
 * oracles' `\s` (JavaScript's) and GPT-2's (Unicode white space) disagree; a test of its own has these. Never halves of
 * surrogate pairs, which are no text. Never Chinese characters beyond U+FFFF, of which `@huggingface/tokenizers` looks at one
 * half only and so does not part them, as BERT's release does; they have a test of their own too.
 */
export function randomText(random: FuzzRandom): string {
  let text = '';
  for (let parts = 1 + random.below(24); parts > 0; parts--) {
    const kind = random.below(10);
    if (kind < 5) text += random.pick(letters);
    else if (kind < 8) text += random.pick(others);
    else {
      const point = random.below(kind === 8 ? 0x600 : 0x110000);
      const excluded =
        (point >= 0xd800 && point < 0xe000) ||
        (point >= 0x20000 && point < 0x2fa20) ||
        point === 0x85 ||
        point === 0xfeff;
      if (!excluded) text += String.fromCodePoint(point);
    }
  }
  return text;
}

/** Where two tokenizers first disagree, in words; undefined where they agree on all texts. */
export function difference(texts: Iterable<string>, ours: Encode, theirs: Encode): string | undefined {
  for (const text of texts) {
    const [a, b] = [Array.from(ours(text)), Array.from(theirs(text))];
    if (a.length !== b.length || a.some((id, at) => id !== b[at])) {
      return `${JSON.stringify(text)}: ours [${a.join(' ')}], theirs [${b.join(' ')}]`;
    }
  }
  return undefined;
}
