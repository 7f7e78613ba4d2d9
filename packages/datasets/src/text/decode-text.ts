import { FormatError } from '../formats/format-error.ts';

const LINE_FEED = 0x0a;

/**
 * The text of a UTF-8 file, without a byte order mark.
 *
 * @throws {@link FormatError} with the line, when the bytes are not UTF-8
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(
      `${name}: line ${lineOfBadBytes(bytes)} is not valid UTF-8; convert the file, for example from Latin-1, or get it anew.`,
      { cause: error },
    );
  }
}

function lineOfBadBytes(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let line = 1, start = 0; ; line++) {
    const end = bytes.indexOf(LINE_FEED, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}
