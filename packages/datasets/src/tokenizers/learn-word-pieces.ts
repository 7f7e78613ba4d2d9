/**
 * Learns a WordPiece vocabulary from a corpus. BERT's own learner was never released; this one is what later
 * implementations use in its place: byte-pair encoding's loop (the most frequent pair of neighbours becomes a token) over
 * characters, of which all but a word's first carry `##`.
 */
import { basicWords } from './basic-words.ts';
import { type CountedWord, learnMerges } from './learn-merges.ts';
import { WordPieceTokenizer, type WordPieceTokenizerOptions, wordPieceSpecials } from './word-piece.ts';

/** Options of {@link learnWordPieces}. */
export interface LearnWordPiecesOptions extends WordPieceTokenizerOptions {
  /** How many tokens the vocabulary has at most, the five special ones included. */
  vocabularySize: number;
  /** Pairs that occur less often are not joined. Default 2. */
  minimumCount?: number;
  /** How many different characters are kept at most, the most frequent ones. Words with others become `[UNK]`. Default 1000. */
  alphabet?: number;
}

/**
 * Learns a vocabulary; the same corpus makes the same one, in any order of its sentences. The ids are the special tokens,
 * the characters, and the tokens that were joined, in the order in which they were learned.
 *
 * @param corpus sentences or lines of text
 * @throws when a size is no whole number in its range, the characters alone do not fit, or there is no text
 */
export function learnWordPieces(corpus: Iterable<string>, options: LearnWordPiecesOptions): WordPieceTokenizer {
  const { vocabularySize, minimumCount = 2, alphabet = 1000, lowerCase = true } = options;
  const { stripAccents = lowerCase, splitChinese = true } = options;
  for (const [name, value] of Object.entries({ vocabularySize, minimumCount, alphabet })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`learnWordPieces: ${name} is ${value}; give a whole number of at least 1.`);
    }
  }
  const occurrences = countWords(corpus, { lowerCase, stripAccents, splitChinese });
  if (occurrences.size === 0) throw new Error('learnWordPieces: the corpus has no text; give sentences.');
  const kept = frequentCharacters(occurrences, alphabet);

  const vocabulary: string[] = Object.values(wordPieceSpecials);
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  const idOf = (token: string): number => {
    const known = ids.get(token);
    if (known !== undefined) return known;
    ids.set(token, vocabulary.length);
    return vocabulary.push(token) - 1;
  };
  for (const token of charactersOf(occurrences, kept)) idOf(token);
  if (vocabulary.length > vocabularySize) {
    throw new Error(
      `learnWordPieces: the special tokens and the characters of the corpus are ${vocabulary.length} tokens and ` +
        `${vocabularySize} were asked for; ask for more, or keep fewer characters (alphabet).`,
    );
  }
  const words: CountedWord[] = [];
  for (const [word, count] of occurrences) {
    const characters = [...word];
    if (!characters.every((character) => kept.has(character))) continue;
    const pieces = Int32Array.from(characters, (character, at) => idOf(at === 0 ? character : `##${character}`));
    words.push({ ids: pieces, length: pieces.length, count });
  }
  learnMerges(words, {
    minimumCount,
    idOf: (left, right) => {
      if (vocabulary.length >= vocabularySize) return undefined;
      // Two pairs may spell one token: it keeps its id.
      return idOf(vocabulary[left]! + vocabulary[right]!.slice(2));
    },
  });
  return new WordPieceTokenizer(vocabulary, { lowerCase, stripAccents, splitChinese });
}

function countWords(corpus: Iterable<string>, reading: Parameters<typeof basicWords>[1]): Map<string, number> {
  const occurrences = new Map<string, number>();
  for (const sentence of corpus) {
    for (const word of basicWords(sentence, reading)) occurrences.set(word, (occurrences.get(word) ?? 0) + 1);
  }
  return occurrences;
}

function frequentCharacters(occurrences: ReadonlyMap<string, number>, most: number): Set<string> {
  const counts = new Map<string, number>();
  for (const [word, count] of occurrences) {
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  }
  const byCount = [...counts].toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return new Set(byCount.slice(0, most).map(([character]) => character));
}

/** The tokens of one character, with and without `##` where they occur, in the order of code units. */
function charactersOf(occurrences: ReadonlyMap<string, number>, kept: ReadonlySet<string>): string[] {
  const tokens = new Set<string>();
  for (const word of occurrences.keys()) {
    let at = 0;
    for (const character of word) {
      if (kept.has(character)) tokens.add(at === 0 ? character : `##${character}`);
      at++;
    }
  }
  return [...tokens].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
