/**
 * A strict reader of tar archives in memory, for the archives that data sets come in: regular files and folders in the
 * ustar or GNU layout. Whatever could lead out of a folder or mean something else than a file is refused: names with
 * `..`, absolute names, links, devices, sparse files and names or sizes in extension headers.
 */
import { FormatError } from './format-error.ts';

/** One regular file of an archive. */
export interface TarFile {
  /** Its name, relative, folders parted by `/`. */
  readonly name: string;
  /** Its content; a view of the archive's bytes, not a copy. */
  readonly data: Uint8Array;
}

const blockSize = 512;
const refusedKinds: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  S: 'a sparse file',
  L: 'a name too long for its header',
  K: 'a link name too long for its header',
};

/**
 * Reads an unpacked tar archive. Nothing is written and nothing copied: contents are views of `bytes`.
 *
 * @param where what the bytes are, for error messages
 * @throws {@link FormatError} when the archive is damaged or truncated, or has an entry that is refused
 */
export function readTar(bytes: Uint8Array, where = 'readTar'): TarFile[] {
  if (bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new FormatError(`${where}: the bytes are still packed by gzip; unpack them first.`);
  }
  const files: TarFile[] = [];
  const names = new Set<string>();
  let at = 0;
  for (;;) {
    if (at + blockSize > bytes.length) {
      throw new FormatError(
        `${where}: the archive ends after ${bytes.length} bytes without its closing zeros; it is truncated. Get it anew.`,
      );
    }
    const header = bytes.subarray(at, at + blockSize);
    if (header.every((byte) => byte === 0)) return files;
    checkHeader(header, at, where);
    const name = text(header, 0, 100);
    const prefix = text(header, 257, 5) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : '';
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const size = octal(header, 124, 12, `${where}: the size of "${printable(path)}"`);
    const kind = header[156] === 0 ? '0' : String.fromCharCode(header[156]!);
    const start = at + blockSize;
    if (start + size > bytes.length) {
      throw new FormatError(
        `${where}: "${printable(path)}" should have ${size} bytes, but only ${bytes.length - start} follow; ` +
          'the archive is truncated. Get it anew.',
      );
    }
    const data = bytes.subarray(start, start + size);
    at = start + Math.ceil(size / blockSize) * blockSize;
    if (kind === 'x' || kind === 'g') {
      checkExtension(data, where);
      continue;
    }
    const safe = safeName(path, where);
    if (kind === '5') continue;
    if (kind !== '0' && kind !== '7') {
      throw new FormatError(
        `${where}: "${printable(path)}" is ${refusedKinds[kind] ?? `of the unknown kind "${printable(kind)}"`}; ` +
          'only regular files and folders are read. Do not use this archive.',
      );
    }
    if (names.has(safe)) {
      throw new FormatError(`${where}: "${printable(safe)}" is there twice; the archive is damaged. Get it anew.`);
    }
    names.add(safe);
    files.push({ name: safe, data });
  }
}

/** The file of `files` called `name`. Throws a {@link FormatError} that lists what there is. */
export function findTarFile(files: readonly TarFile[], name: string, where: string): TarFile {
  const found = files.find((file) => file.name === name);
  if (found === undefined) {
    const some = files
      .slice(0, 10)
      .map((file) => printable(file.name))
      .join(', ');
    throw new FormatError(`${where}: there is no "${name}" in it, but ${some || 'nothing'}; get the archive anew.`);
  }
  return found;
}

/** The header's own sum: all bytes, with the eight of the sum itself counted as spaces. */
function checkHeader(header: Uint8Array, at: number, where: string): void {
  let sum = 0;
  for (let index = 0; index < blockSize; index++) sum += index >= 148 && index < 156 ? 32 : header[index]!;
  const told = octal(header, 148, 8, `${where}: the checksum of the header at byte ${at}`);
  if (sum !== told) {
    throw new FormatError(
      `${where}: the header at byte ${at} has the checksum ${sum} and says ${told}; ` +
        'this is no tar archive, or a damaged one. Get it anew.',
    );
  }
}

/** Times and owners in an extension header are ignored; a name, a size or a link there would change what follows. */
function checkExtension(data: Uint8Array, where: string): void {
  const content = new TextDecoder().decode(data.subarray(0, 1 << 16));
  const key = /(?:^|\n)\d+ (path|linkpath|size|GNU\.sparse[^=]*)=/.exec(content)?.[1];
  if (key === undefined && data.length <= 1 << 16) return;
  throw new FormatError(
    `${where}: an extension header ${key === undefined ? `of ${data.length} bytes` : `sets "${key}"`}; ` +
      'only times, owners and comments are read there. Repack the archive with: tar --format=ustar.',
  );
}

function safeName(path: string, where: string): string {
  const segments = path.replace(/\/+$/, '').split('/');
  const relative = segments.filter((segment) => segment !== '.');
  if (path.startsWith('/') || relative.some((segment) => segment === '' || segment === '..' || /[\\:]/.test(segment))) {
    throw new FormatError(
      `${where}: the name "${printable(path)}" could lead out of the folder; names are relative, without "..", \\ or :. ` +
        'Do not use this archive.',
    );
  }
  return relative.join('/');
}

function octal(header: Uint8Array, start: number, length: number, what: string): number {
  const digits = text(header, start, length).trim();
  if (!/^[0-7]{1,11}$/.test(digits)) {
    throw new FormatError(`${what} is "${printable(digits)}" instead of octal digits; get the archive anew.`);
  }
  return Number.parseInt(digits, 8);
}

function text(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}

/** `name` without control characters, since a terminal may act on them. */
function printable(name: string): string {
  return name.replace(/[^\u0020-\u007e\u00a0-\uffff]/g, '?').slice(0, 200);
}
