/** Bytes that are not what their format says. The message says where, what is wrong, and what to do about it. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
