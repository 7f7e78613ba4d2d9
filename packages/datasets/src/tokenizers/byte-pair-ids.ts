import { specialNames } from './special-tokens.ts';

/** The id of byte 0; the 256 bytes follow the special tokens. */
export const FIRST_BYTE = specialNames.length;

/** The id of the first merge. */
export const FIRST_MERGE = FIRST_BYTE + 256;

/** A pair of ids below 2²⁶ as one number; smaller for a smaller first id, then for a smaller second. */
export function pairKey(left: number, right: number): number {
  return left * 2 ** 26 + right;
}

/** Joins each `left`, `right` in the first `length` of `ids` into `id`, from left to right, in place; returns the new length. */
export function mergePair(ids: Int32Array, length: number, left: number, right: number, id: number): number {
  let kept = 0;
  for (let at = 0; at < length; at++) {
    if (ids[at] === left && at + 1 < length && ids[at + 1] === right) {
      ids[kept++] = id;
      at++;
    } else {
      ids[kept++] = ids[at]!;
    }
  }
  return kept;
}
