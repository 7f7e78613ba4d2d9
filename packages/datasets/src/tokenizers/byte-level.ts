import { pairKey } from './byte-pair-ids.ts';
import { bytesOfToken, characterOfByte } from './byte-level-bytes.ts';
import { mergeByRank } from './merge-queue.ts';
import { type SpecialTokenOptions, splitAtSpecials } from './special-text.ts';
import { tokensById } from './token-ids.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A {@link ByteLevelTokenizer} as plain JSON. */
export interface ByteLevelTokenizerJSON {
  type: 'byte-level';
  /** The id of every token, bytes written as GPT-2 writes them. */
  vocabulary: Record<string, number>;
  /** Pairs that are joined, best first, parted by a space. */
  merges: string[];
  specialTokens: string[];
}

/** What a {@link ByteLevelTokenizer} is made of. */
export interface ByteLevelTokenizerOptions {
  /** The id of every token, as in `vocab.json`: whole numbers from 0 on, each once. */
  vocabulary: Readonly<Record<string, number>>;
  /** Pairs that are joined, best first, parted by a space, as the lines of `merges.txt`. */
  merges: readonly string[];
  /** Tokens of the vocabulary that stand for no text. Default: `<|endoftext|>` where the vocabulary has it. */
  specialTokens?: readonly string[];
}

// GPT-2's pattern. \p{White_Space} where the original writes \s: JavaScript's \s lacks U+0085 and has U+FEFF.
const PIECE =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const BREAK = /\P{White_Space}(?=\p{White_Space})/gu;
const CHUNK = 1 << 16;
const KEPT_PIECES = 1 << 16;
const LONGEST_KEPT = 64;

/**
 * GPT-2's tokens: byte-pair encoding over bytes. Radford et al. 2019, section 2.2. Text is cut into words (with the space
 * before them), numbers, punctuation and white space; the bytes of each piece are merged in the order of the merges. Every
 * text has tokens and `decode(encode(text))` is `text`; halves of surrogate pairs, which are no text, become U+FFFD.
 */
export class ByteLevelTokenizer implements Tokenizer {
  readonly merges: readonly string[];
  /** Tokens that stand for no text, with their ids. */
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly #tokens: string[];
  readonly #bytes: Uint8Array[];
  readonly #byteIds = new Int32Array(256);
  readonly #ranks = new Map<number, number>();
  readonly #mergedIds: Int32Array;
  readonly #pieces = new Map<string, Int32Array>();
  readonly #encoder = new TextEncoder();

  /** @throws when ids are not 0, 1, 2, …, a byte has no token, or a merge makes or joins what is no token */
  constructor(options: ByteLevelTokenizerOptions) {
    const { vocabulary, merges } = options;
    const ids = new Map(Object.entries(vocabulary));
    this.#tokens = tokensById(ids);
    const named = options.specialTokens ?? ['<|endoftext|>'].filter((token) => ids.has(token));
    this.specialTokens = new Map(named.map((token) => [token, idOf(ids, token, 'the special token')]));
    this.#bytes = this.#tokens.map((token) => {
      if (this.specialTokens.has(token)) return this.#encoder.encode(token);
      const bytes = bytesOfToken(token);
      if (bytes === undefined) {
        throw new Error(
          `byte-level tokenizer: the token ${JSON.stringify(token)} is not written in GPT-2's byte characters; ` +
            'name it among the special tokens, or give the vocabulary of a byte-level tokenizer.',
        );
      }
      return bytes;
    });
    characterOfByte.forEach((character, byte) => {
      this.#byteIds[byte] = idOf(ids, character, `byte ${byte},`);
    });
    this.#mergedIds = new Int32Array(merges.length);
    merges.forEach((merge, rank) => {
      const [left, right, ...more] = merge.split(' ');
      if (!left || !right || more.length > 0) {
        throw new Error(
          `byte-level tokenizer: merge ${rank} is ${JSON.stringify(merge)}; a merge is two tokens with a space between them.`,
        );
      }
      const where = `merge ${rank},`;
      const key = pairKey(idOf(ids, left, where), idOf(ids, right, where));
      this.#mergedIds[rank] = idOf(ids, left + right, where);
      if (!this.#ranks.has(key)) this.#ranks.set(key, rank);
    });
    this.merges = merges;
  }

  /** The tokenizer that {@link toJSON} described. @throws when `json` is something else */
  static fromJSON(json: unknown): ByteLevelTokenizer {
    const { type, vocabulary, merges, specialTokens } = (json ?? {}) as Partial<ByteLevelTokenizerJSON>;
    const areTexts = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');
    const isWhole = typeof vocabulary === 'object' && vocabulary !== null && areTexts(merges);
    if (type !== 'byte-level' || !isWhole || (specialTokens !== undefined && !areTexts(specialTokens))) {
      throw new Error(
        `byte-level tokenizer: something of type ${JSON.stringify(type)} arrived; give what toJSON() returned.`,
      );
    }
    return new ByteLevelTokenizer({ vocabulary, merges: merges!, ...(specialTokens && { specialTokens }) });
  }

  get vocabularySize(): number {
    return this.#tokens.length;
  }

  /** The ids of `text`. */
  encode(text: string, options: SpecialTokenOptions = {}): Int32Array {
    const ids = new IdList();
    const parts = options.specialTokens === 'token' ? splitAtSpecials(text, this.specialTokens) : [text];
    for (const part of parts) {
      if (typeof part === 'number') ids.add(part);
      else this.#encodeText(part.replace(/\p{Surrogate}/gu, '\ufffd'), ids);
    }
    return ids.finish();
  }

  /**
   * The text of `ids`. Bytes that are no UTF-8, which a model may write, become U+FFFD.
   *
   * @throws at the first id outside 0 to `vocabularySize` − 1
   */
  decode(ids: ArrayLike<number>): string {
    let length = 0;
    for (let at = 0; at < ids.length; at++) length += this.#bytesOf(ids[at]!, at).length;
    const bytes = new Uint8Array(length);
    for (let at = 0, end = 0; at < ids.length; at++) {
      const part = this.#bytesOf(ids[at]!, at);
      bytes.set(part, end);
      end += part.length;
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /** One token as the vocabulary's file writes it: `Ġthe` is " the". */
  token(id: number): string {
    this.#bytesOf(id, 0);
    return this.#tokens[id]!;
  }

  /** All tokens with their ids, in the order of the ids, as the vocabulary's file writes them. */
  vocabulary(): Record<string, number> {
    return Object.fromEntries(this.#tokens.map((token, id) => [token, id]));
  }

  toJSON(): ByteLevelTokenizerJSON {
    return {
      type: 'byte-level',
      vocabulary: this.vocabulary(),
      merges: [...this.merges],
      specialTokens: [...this.specialTokens.keys()],
    };
  }

  #encodeText(text: string, ids: IdList): void {
    for (let start = 0; start < text.length;) {
      // A piece never goes on behind a character that white space follows, so a text may be cut there. In one go, a
      // large text would be as many strings at once as it has pieces.
      let end = text.length;
      if (text.length - start > CHUNK) {
        BREAK.lastIndex = start + CHUNK;
        if (BREAK.exec(text) !== null) end = BREAK.lastIndex;
      }
      const chunk = start === 0 && end === text.length ? text : text.slice(start, end);
      for (const piece of chunk.match(PIECE) ?? []) ids.addAll(this.#encodePiece(piece));
      start = end;
    }
  }

  #encodePiece(piece: string): Int32Array {
    const known = this.#pieces.get(piece);
    if (known !== undefined) return known;
    const ids = Int32Array.from(this.#encoder.encode(piece), (byte) => this.#byteIds[byte]!);
    const length = mergeByRank(
      ids,
      ids.length,
      (left, right) => this.#ranks.get(pairKey(left, right)),
      (rank) => this.#mergedIds[rank]!,
    );
    const encoded = ids.slice(0, length);
    if (piece.length <= LONGEST_KEPT) {
      if (this.#pieces.size === KEPT_PIECES) this.#pieces.clear();
      this.#pieces.set(piece, encoded);
    }
    return encoded;
  }

  #bytesOf(id: number, position: number): Uint8Array {
    const bytes = this.#bytes[id];
    if (bytes === undefined) {
      throw new Error(
        `byte-level tokenizer: the id ${id} at position ${position} is not in the vocabulary; ` +
          `give whole numbers from 0 to ${this.vocabularySize - 1}.`,
      );
    }
    return bytes;
  }
}

/** Ids in an array that grows: a plain array of numbers takes three times the memory. */
class IdList {
  #ids = new Int32Array(256);
  #length = 0;

  add(id: number): void {
    this.#reserve(1);
    this.#ids[this.#length++] = id;
  }

  addAll(ids: Int32Array): void {
    this.#reserve(ids.length);
    this.#ids.set(ids, this.#length);
    this.#length += ids.length;
  }

  finish(): Int32Array {
    return this.#ids.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#ids.length) return;
    const larger = new Int32Array(Math.max(2 * this.#ids.length, this.#length + count));
    larger.set(this.#ids.subarray(0, this.#length));
    this.#ids = larger;
  }
}

function idOf(ids: ReadonlyMap<string, number>, token: string, what: string): number {
  const id = ids.get(token);
  if (id === undefined) {
    throw new Error(
      `byte-level tokenizer: ${what} ${JSON.stringify(token)} is not in the vocabulary; ` +
        'give the vocabulary and the merges of one model, whose vocabulary has all 256 bytes.',
    );
  }
  return id;
}
