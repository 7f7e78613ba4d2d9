import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/index.ts';
import { decodeImage, loadImage, loadImageFolder } from '../../src/node.ts';
import { jpegFile, pngChunk, pngFile, pngLines } from './image-files.ts';
import { temporaryFolder } from './local-server.ts';

const colors = Uint8Array.from({ length: 2 * 3 * 3 }, (_, index) => 14 * index);
const color = pngFile({ width: 3, height: 2, lines: pngLines(colors, 9) });

describe('decodeImage', () => {
  it('reads PNG in colour and grey', () => {
    const image = decodeImage(color);
    expect(image).toMatchObject({ height: 2, width: 3, channels: 3 });
    expect([...image.data]).toEqual([...colors]);
    const grey = decodeImage(color, { channels: 1 }).data;
    expect(grey[1]).toBe(Math.round(0.299 * colors[3]! + 0.587 * colors[4]! + 0.114 * colors[5]!));
    const fromGrey = pngFile({ width: 2, height: 1, colorType: 0, lines: pngLines([7, 200], 2) });
    expect([...decodeImage(fromGrey).data]).toEqual([7, 7, 7, 200, 200, 200]);
    expect([...decodeImage(fromGrey, { channels: 1 }).data]).toEqual([7, 200]);
  });

  it('reads 1, 2, 4 and 16 bits', () => {
    const grey = (depth: number, bytes: number[], width: number) => [
      ...decodeImage(pngFile({ width, height: 1, depth, colorType: 0, lines: pngLines(bytes, bytes.length) }), {
        channels: 1,
      }).data,
    ];
    expect(grey(1, [0b10110000], 5)).toEqual([255, 0, 255, 255, 0]);
    expect(grey(2, [0b00011011], 4)).toEqual([0, 85, 170, 255]);
    expect(grey(4, [0x0f, 0x80], 3)).toEqual([0, 255, 136]);
    expect(grey(16, [0xff, 0xff, 0x80, 0x80], 2)).toEqual([255, 128]);
  });

  it('reads palettes, and files whose pixels are interlaced', () => {
    const palette = Uint8Array.of(1, 2, 3, 40, 50, 60);
    const file = { width: 3, height: 1, depth: 1, colorType: 3, lines: pngLines([0b01000000], 1) };
    expect([...decodeImage(pngFile({ ...file, chunks: [['PLTE', palette]] })).data]).toEqual([
      1, 2, 3, 40, 50, 60, 1, 2, 3,
    ]);
    expect(() => decodeImage(pngFile(file))).toThrow('the PNG lacks its palette');
    const short = pngFile({ ...file, chunks: [['PLTE', palette.subarray(0, 3)]] });
    expect(() => decodeImage(short)).toThrow('the PNG names a colour that is not in its palette');
    // 2×2: the first pass has the pixel at the top left, the sixth the one beside it, the seventh the second line.
    const lines = Uint8Array.of(0, 10, 0, 20, 0, 30, 40);
    const interlaced = pngFile({ width: 2, height: 2, colorType: 0, interlace: 1, lines });
    expect([...decodeImage(interlaced, { channels: 1 }).data]).toEqual([10, 20, 30, 40]);
  });

  it('blends what is transparent with the background, and refuses it without one', () => {
    const alpha = pngFile({
      width: 2,
      height: 1,
      colorType: 6,
      lines: pngLines([100, 100, 100, 255, 200, 0, 0, 51], 8),
    });
    expect(() => decodeImage(alpha, {}, 'cat.png')).toThrow(
      'cat.png: the image has an alpha channel and is transparent at row 0, column 1; give the colour that shows ' +
        'through, for example background: [255, 255, 255].',
    );
    expect([...decodeImage(alpha, { background: [255, 255, 255] }).data]).toEqual([100, 100, 100, 244, 204, 204]);
    const opaque = pngFile({ width: 1, height: 1, colorType: 4, lines: pngLines([9, 255], 2) });
    expect([...decodeImage(opaque).data]).toEqual([9, 9, 9]);
    // One colour may be named as transparent instead.
    const clear = Uint8Array.of(0, 7);
    const keyed = pngFile({ width: 2, height: 1, colorType: 0, lines: pngLines([7, 8], 2), chunks: [['tRNS', clear]] });
    expect(() => decodeImage(keyed)).toThrow('transparent at row 0, column 0');
    expect([...decodeImage(keyed, { channels: 1, background: [255, 255, 255] }).data]).toEqual([255, 8]);
  });

  it('reads JPEG', () => {
    const image = decodeImage(jpegFile(40, 30));
    expect(image).toMatchObject({ height: 30, width: 40, channels: 3 });
    for (const [x, y] of [
      [5, 5],
      [30, 10],
      [20, 25],
    ] as const) {
      const at = (y * 40 + x) * 3;
      expect(Math.abs(image.data[at]! - (255 * x) / 40)).toBeLessThan(12);
      expect(Math.abs(image.data[at + 1]! - (255 * y) / 30)).toBeLessThan(12);
    }
  });

  it('says what is wrong with a PNG', () => {
    const wrong =
      (bytes: Uint8Array, options = {}) =>
      () =>
        decodeImage(bytes, options, 'a.png');
    expect(wrong(color.subarray(0, color.length - 5))).toThrow('a.png: the PNG');
    expect(wrong(color.subarray(0, 40))).toThrow('it is truncated');
    expect(wrong(color.subarray(0, 33))).toThrow(
      'the PNG ends after 33 bytes without its last chunk; it is truncated.',
    );
    const damaged = color.slice();
    damaged[20]! ^= 1;
    expect(wrong(damaged)).toThrow("the checksum of the PNG's chunk at byte 8 is wrong");
    expect(wrong(color, { maxPixels: 5 })).toThrow('the PNG has 2×3 pixels, more than the 5 that are decoded');
    const huge = pngFile({ width: 60_000, height: 60_000, lines: new Uint8Array(10) });
    expect(wrong(huge)).toThrow('60000×60000 pixels, more than the 33554432');
    const bomb = pngFile({ width: 2, height: 2, lines: new Uint8Array(1 << 24) });
    expect(wrong(bomb)).toThrow('the PNG unpacks to more than the 14 bytes that its size asks for');
    const short = pngFile({ width: 20, height: 20, lines: new Uint8Array(10) });
    expect(wrong(short)).toThrow('the PNG unpacks to 10 bytes instead of the 1220');
    expect(wrong(pngFile({ width: 0, height: 2, lines: new Uint8Array(2) }))).toThrow('the PNG has 2×0 pixels');
    expect(wrong(pngFile({ width: 2, height: 1, depth: 3, lines: new Uint8Array(7) }))).toThrow('3 bits');
    const filter = pngFile({ width: 1, height: 1, colorType: 0, lines: Uint8Array.of(9, 0) });
    expect(wrong(filter)).toThrow('the PNG cannot be decoded (Error: Unsupported filter: 9)');
    // A chunk that unpacks to gigabytes in a decoder that looks at it is passed over.
    const profile = pngFile({
      width: 1,
      height: 1,
      colorType: 0,
      lines: new Uint8Array(2),
      chunks: [['iCCP', new Uint8Array(50)]],
    });
    expect(decodeImage(profile).data).toHaveLength(3);
    const twice = new Uint8Array([
      ...color.subarray(0, 33),
      ...pngChunk('IHDR', new Uint8Array(13)),
      ...color.subarray(33),
    ]);
    expect(wrong(twice)).toThrow('must begin with one header');
  });

  it('says what is wrong with a JPEG, or with another file', () => {
    const file = jpegFile(40, 30);
    const wrong =
      (bytes: Uint8Array, options = {}) =>
      () =>
        decodeImage(bytes, options, 'a.jpg');
    expect(wrong(file.subarray(0, 100))).toThrow('it is truncated');
    expect(wrong(file.subarray(0, file.length - 100))).toThrow('without its end marker; it is truncated');
    expect(wrong(file, { maxPixels: 1000 })).toThrow('the JPEG has 30×40 pixels, more than the 1000 that are decoded');
    const frame = file.findIndex((byte, index) => byte === 0xff && file[index + 1] === 0xc0);
    const larger = file.slice();
    larger.set([0x10, 0, 0x10, 0], frame + 5);
    expect(wrong(larger)).toThrow('the JPEG says it has 4096×4096 pixels, which its');
    const four = file.slice();
    four[frame + 9] = 4;
    expect(wrong(four)).toThrow('a JPEG of 4 components');
    expect(wrong(new TextEncoder().encode('GIF89a'))).toThrow(
      'begins with 47 49 46 38, which is neither a PNG nor a JPEG',
    );
    expect(wrong(new Uint8Array(0))).toThrow('begins with nothing');
    expect(wrong(file.subarray(0, 100))).toThrow(FormatError);
  });
});

describe('loadImage', () => {
  it('resizes where asked', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'wide.jpg');
    await writeFile(path, jpegFile(80, 40));
    expect(await loadImage(path)).toMatchObject({ height: 40, width: 80 });
    const covered = await loadImage(path, { size: 20 });
    expect(covered).toMatchObject({ height: 20, width: 20 });
    // The middle of the picture: red runs from a quarter to three quarters.
    expect(covered.data[0]).toBeGreaterThan(50);
    expect(covered.data[19 * 3]).toBeLessThan(205);
    const stretched = await loadImage(path, { size: [20, 20], fit: 'stretch' });
    expect(stretched.data[0]).toBeLessThan(20);
    await expect(loadImage(path, { size: 20, fit: 'exact' })).rejects.toThrow(
      "an image of 40×80 (height×width) arrived where 20×20 was wanted; resize it, or choose fit: 'cover' or 'stretch'.",
    );
    await expect(loadImage(join(folder, 'none.png'))).rejects.toThrow('check the path');
  });
});

describe('loadImageFolder', () => {
  async function folderOf(files: Record<string, Uint8Array | undefined>): Promise<string> {
    const folder = await temporaryFolder();
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(content ? join(path, '..') : path, { recursive: true });
      if (content) await writeFile(path, content);
    }
    return folder;
  }

  it('makes a class of every folder', async () => {
    const folder = await folderOf({
      'dogs/b.JPG': jpegFile(16, 16),
      'cats/2.png': color,
      'cats/10.png': color,
      'cats/notes.txt': new Uint8Array(3),
      'cats/.hidden.gif': new Uint8Array(3),
      'readme.md': new Uint8Array(3),
    });
    const seen: number[] = [];
    const found = await loadImageFolder(folder, { size: 4, onProgress: ({ done, total }) => seen.push(done / total) });
    expect(found).toMatchObject({ count: 3, height: 4, width: 4, channels: 3, classNames: ['cats', 'dogs'] });
    expect([...found.labels]).toEqual([0, 0, 1]);
    expect(found.images).toHaveLength(3 * 4 * 4 * 3);
    expect(seen.at(-1)).toBe(1);
    expect(await loadImageFolder(folder, { size: [2, 5], channels: 1 })).toMatchObject({
      height: 2,
      width: 5,
      channels: 1,
    });
  });

  it('says what is wrong with a folder', async () => {
    const loading = async (files: Record<string, Uint8Array | undefined>, options = {}) =>
      loadImageFolder(await folderOf(files), { size: 4, ...options });
    await expect(loading({ 'cats/a.png': color, dogs: undefined })).rejects.toThrow(
      'dogs has no .png or .jpg file; add some',
    );
    await expect(loading({ 'a.txt': color })).rejects.toThrow('has no class folders');
    await expect(loading({ 'a.png': color })).rejects.toThrow('a.png is in no class');
    await expect(loading({ 'cats/a.gif': color })).rejects.toThrow('a.gif is neither a PNG nor a JPEG; convert it');
    await expect(loading({ 'cats/a.png': color.subarray(0, 50) })).rejects.toThrow('a.png: the PNG');
    await expect(loading({ 'cats/a.png': color }, { size: 0 })).rejects.toThrow('the size 0×0 arrived');
    await expect(loading({ 'cats/a.png': color }, { fit: 'exact' })).rejects.toThrow('an image of 2×3');
    await expect(loadImageFolder('/nowhere', { size: 4 })).rejects.toThrow('/nowhere cannot be read');
  });
});
