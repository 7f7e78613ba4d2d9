/** Which files a ZIP archive holds, and where: enough to read the archives of data sets. PKWARE's APPNOTE, section 4.3. */
import { FormatError } from './format-error.ts';

/** One file of an archive. */
export interface ZipFile {
  readonly name: string;
  /** The bytes as they lie in the archive. */
  readonly packed: Uint8Array;
  /** Whether `packed` is compressed (raw deflate), or the content itself. */
  readonly deflated: boolean;
  /** Size of the content, as the archive claims it. */
  readonly size: number;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * The file called `name` in a ZIP archive.
 *
 * @param archive the whole archive; ZIP64, encryption and other compressions than deflate are refused
 * @param archiveName for messages
 * @throws {@link FormatError} when the archive is damaged or has no such file
 */
export function findZipFile(archive: Uint8Array, name: string, archiveName: string): ZipFile {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const damaged = (what: string): FormatError =>
    new FormatError(`${archiveName}: ${what}; the archive is damaged or of another kind. Get it anew.`);
  // The directory's end is the last record, and a comment of up to 64 KiB may follow it.
  let end = archive.length - 22;
  const earliest = Math.max(0, end - 0xffff);
  while (end >= earliest && view.getUint32(end, true) !== END) end--;
  if (end < earliest) throw damaged('it has no directory');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    if (at + 46 > archive.length || view.getUint32(at, true) !== ENTRY) throw damaged(`entry ${index} is not in it`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const packedSize = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const found = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength));
    names.push(found);
    if (found === name) {
      if ((flags & 1) !== 0 || (method !== 0 && method !== 8))
        throw damaged(`${name} is encrypted or packed in an unknown way`);
      const local = view.getUint32(at + 42, true);
      if (local + 30 > archive.length || view.getUint32(local, true) !== LOCAL)
        throw damaged(`${name} is not where it should be`);
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      if (start + packedSize > archive.length) throw damaged(`${name} ends behind the end`);
      return { name, packed: archive.subarray(start, start + packedSize), deflated: method === 8, size };
    }
    at += 46 + nameLength + extra + comment;
  }
  throw damaged(`there is no ${name} in it, only ${names.slice(0, 8).join(', ') || 'nothing'}`);
}
