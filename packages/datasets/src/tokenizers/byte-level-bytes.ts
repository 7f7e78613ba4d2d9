/**
 * How GPT-2 writes bytes in its files: each of the 256 as one visible character, so that a token is a word without spaces
 * or control characters. Radford et al. 2019, section 2.2. Printable Latin-1 stands for itself; the other 68 bytes take the
 * characters from U+0100 on, in order: a space is Ġ, a line feed Ċ.
 */
const isVisible = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** The character of each byte. */
export const characterOfByte: readonly string[] = makeTable();

const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  characterOfByte.map((character, byte) => [character, byte]),
);

function makeTable(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : next++));
}

/** The bytes that a token of the file stands for; undefined where one of its characters stands for none. */
export function bytesOfToken(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let index = 0; index < token.length; index++) {
    const byte = byteOfCharacter.get(token[index]!);
    if (byte === undefined) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}
