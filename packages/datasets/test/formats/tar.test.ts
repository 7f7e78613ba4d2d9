import { expect, it } from 'vitest';
import { readTar } from '../../src/index.ts';
import { type TarEntry, tarFile } from './official-files.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const reading = (...entries: TarEntry[]) => {
  return () => readTar(tarFile(entries), 'example.tar');
};

it('reads files, and passes over folders and harmless extension headers', () => {
  const long = 'x'.repeat(513);
  const files = readTar(
    tarFile([
      { name: 'folder/', kind: '5' },
      { name: 'pax', kind: 'x', data: text('30 mtime=1234567890.123456789\n') },
      { name: './folder/a.txt', data: text('first') },
      { name: 'b.txt', prefix: 'deep/er', data: text(long) },
      { name: 'empty' },
    ]),
  );
  const contents = files.map(({ name, data }) => [name, new TextDecoder().decode(data)]);
  expect(contents).toEqual([
    ['folder/a.txt', 'first'],
    ['deep/er/b.txt', long],
    ['empty', ''],
  ]);
});

it('refuses names that lead out of the folder', () => {
  for (const name of ['../a', 'a/../../b', '/etc/passwd', 'a\\..\\b', 'C:a', 'a//b', '..']) {
    expect(reading({ name }), name).toThrow(`example.tar: the name "${name}" could lead out of the folder`);
    expect(reading({ name, kind: '5' }), name).toThrow('could lead out');
  }
  expect(reading({ name: 'b', prefix: '/a' })).toThrow('could lead out');
});

it('refuses everything but files and folders', () => {
  expect(reading({ name: 'a', kind: '2', link: '/etc/passwd' })).toThrow('"a" is a symbolic link; only regular files');
  expect(reading({ name: 'a', kind: '1', link: 'b' })).toThrow('"a" is a hard link');
  expect(reading({ name: 'a', kind: '3' })).toThrow('a device');
  expect(reading({ name: 'a', kind: 'L', data: text('../b') })).toThrow('a name too long for its header');
  expect(reading({ name: 'a', kind: 'Z' })).toThrow('the unknown kind "Z"');
  expect(reading({ name: 'a', kind: 'x', data: text('14 path=../b\n') })).toThrow('an extension header sets "path"');
  expect(reading({ name: 'a', kind: 'g', data: text('12 size=9999\n') })).toThrow('an extension header sets "size"');
  expect(reading({ name: 'a' }, { name: 'a' })).toThrow('"a" is there twice');
});

it('says what is wrong with a damaged archive', () => {
  const archive = tarFile([{ name: 'a.bin', data: new Uint8Array(2000) }]);
  expect(() => readTar(archive.subarray(0, 1500))).toThrow('"a.bin" should have 2000 bytes, but only 988 follow');
  expect(() => readTar(archive.subarray(0, 2560))).toThrow('without its closing zeros; it is truncated');
  expect(() => readTar(new Uint8Array(0))).toThrow('ends after 0 bytes');
  expect(() => readTar(text('not a tar'.repeat(100)))).toThrow('instead of octal digits');
  const changed = archive.slice();
  changed[0] = 98;
  expect(() => readTar(changed)).toThrow('this is no tar archive, or a damaged one');
  expect(() => readTar(new Uint8Array([0x1f, 0x8b]))).toThrow('still packed by gzip');
  expect(reading({ name: 'a', size: '77777777777\0' })).toThrow('should have 8589934591 bytes');
  // The other notation of sizes, for files beyond 8 GB.
  expect(reading({ name: 'a', size: '\u0001\u0001' })).toThrow('instead of octal digits');
});
