import { FIRST_BYTE, FIRST_MERGE, mergePair, pairKey } from './byte-pair-ids.ts';
import { piecesOf } from './pieces.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A {@link BytePairTokenizer} as plain JSON. */
export interface BytePairTokenizerJSON {
  type: 'byte-pair';
  /** Merge i joins two earlier ids into the id 260 + i. */
  merges: [number, number][];
}

const KEPT_PIECES = 1 << 16;

/**
 * Tokens that were learned from text: frequent words are one token, rare ones several. Sennrich et al. 2016. Ids are the
 * four special tokens, the 256 bytes, and the merges in the order in which they were learned (`learnBytePairs`).
 *
 * Words carry the space before them, and all begins with bytes: so `decode(encode(text))` is `text`, whatever it is, and
 * no text is unknown.
 */
export class BytePairTokenizer implements Tokenizer {
  readonly merges: readonly (readonly [number, number])[];
  /** The id that a pair is merged into; earlier merges have smaller ids. */
  readonly #merged = new Map<number, number>();
  /** The bytes of each id. */
  readonly #bytes: Uint8Array[] = [];
  readonly #pieces = new Map<string, Int32Array>();

  /**
   * @param merges pairs of ids that are joined, in the order in which they were learned
   * @throws when a merge has an id that does not exist before it, or a special one, or comes twice
   */
  constructor(merges: readonly (readonly [number, number])[]) {
    for (let id = 0; id < FIRST_MERGE; id++)
      this.#bytes.push(Uint8Array.from(id < FIRST_BYTE ? [] : [id - FIRST_BYTE]));
    for (const [index, merge] of merges.entries()) {
      const id = FIRST_MERGE + index;
      const exists = (part: unknown): boolean =>
        Number.isSafeInteger(part) && (part as number) >= FIRST_BYTE && (part as number) < id;
      if (!Array.isArray(merge) || merge.length !== 2 || !merge.every(exists)) {
        throw new Error(
          `byte-pair tokenizer: merge ${index} is ${JSON.stringify(merge)}; it joins two ids from ${FIRST_BYTE} to ` +
            `${id - 1}. Restore the file that it came from.`,
        );
      }
      const [left, right] = merge as unknown as readonly [number, number];
      const key = pairKey(left, right);
      if (this.#merged.has(key)) {
        throw new Error(
          `byte-pair tokenizer: merge ${index}, ${JSON.stringify(merge)}, comes a second time; restore the file that it came from.`,
        );
      }
      this.#merged.set(key, id);
      this.#bytes.push(Uint8Array.of(...this.#bytes[left]!, ...this.#bytes[right]!));
    }
    this.merges = merges;
  }

  /**
   * The tokenizer that {@link toJSON} described.
   *
   * @throws when `json` is something else
   */
  static fromJSON(json: unknown): BytePairTokenizer {
    const { type, merges } = (json ?? {}) as Partial<BytePairTokenizerJSON>;
    if (type !== 'byte-pair' || !Array.isArray(merges)) {
      throw new Error(
        `byte-pair tokenizer: something of type ${JSON.stringify(type)} arrived; ` +
          'give what toJSON() returned, { type: "byte-pair", merges: [[…, …], …] }.',
      );
    }
    return new BytePairTokenizer(merges);
  }

  get vocabularySize(): number {
    return this.#bytes.length;
  }

  /** The ids of `text`, without start and end token. */
  encode(text: string): Int32Array {
    const all: number[] = [];
    for (const piece of piecesOf(text)) all.push(...this.#encodePiece(piece));
    return Int32Array.from(all);
  }

  /**
   * The text of `ids`; special tokens have none. Bytes that are no UTF-8, which a model may write, become U+FFFD.
   *
   * @throws at the first id outside 0 to `vocabularySize` − 1
   */
  decode(ids: ArrayLike<number>): string {
    const parts = Array.from(ids, (id, position) => this.#bytesOf(id, position));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    // Encoding put a space before the first word.
    return text.startsWith(' ') ? text.slice(1) : text;
  }

  /** The text of one token, with the space before it: for people to read. */
  token(id: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytesOf(id, 0));
  }

  toJSON(): BytePairTokenizerJSON {
    return { type: 'byte-pair', merges: this.merges.map(([left, right]) => [left, right]) };
  }

  #bytesOf(id: number, position: number): Uint8Array {
    const bytes = this.#bytes[id];
    if (bytes === undefined) {
      throw new Error(
        `byte-pair tokenizer: the id ${id} at position ${position} is not in the vocabulary; ` +
          `give whole numbers from 0 to ${this.vocabularySize - 1}.`,
      );
    }
    return bytes;
  }

  #encodePiece(piece: string): Int32Array {
    const known = this.#pieces.get(piece);
    if (known !== undefined) return known;
    const ids = Int32Array.from(new TextEncoder().encode(piece), (byte) => FIRST_BYTE + byte);
    let length = ids.length;
    for (;;) {
      // The pair that was learned first is merged first, as it was when the merges were learned.
      let first = Infinity;
      let place = 0;
      for (let at = 0; at + 1 < length; at++) {
        const id = this.#merged.get(pairKey(ids[at]!, ids[at + 1]!));
        if (id !== undefined && id < first) {
          first = id;
          place = at;
        }
      }
      if (first === Infinity) break;
      length = mergePair(ids, length, ids[place]!, ids[place + 1]!, first);
    }
    const encoded = ids.slice(0, length);
    if (this.#pieces.size === KEPT_PIECES) this.#pieces.clear();
    this.#pieces.set(piece, encoded);
    return encoded;
  }
}
