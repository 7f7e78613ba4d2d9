import { ByteLevelTokenizer } from './byte-level.ts';
import { BytePairTokenizer } from './byte-pair.ts';
import { CharacterTokenizer } from './character.ts';
import type { Tokenizer } from './tokenizer.ts';
import { WordPieceTokenizer } from './word-piece.ts';
import { WordTokenizer } from './word.ts';

/**
 * The tokenizer that some tokenizer's `toJSON` described, whichever it was: for what is saved with a model.
 *
 * @throws when `json` is of another type, or damaged
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  const { type } = (json ?? {}) as { type?: unknown };
  if (type === 'byte-pair') return BytePairTokenizer.fromJSON(json);
  if (type === 'word') return WordTokenizer.fromJSON(json);
  if (type === 'byte-level') return ByteLevelTokenizer.fromJSON(json);
  if (type === 'word-piece') return WordPieceTokenizer.fromJSON(json);
  if (type === 'character') return CharacterTokenizer.fromJSON(json);
  throw new Error(
    `tokenizerFromJSON: something of type ${JSON.stringify(type)} arrived; types are 'byte-pair', ` +
      `'byte-level', 'word-piece', 'word' and 'character'.`,
  );
}
