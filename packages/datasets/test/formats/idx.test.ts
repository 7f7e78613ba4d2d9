import { expect, it } from 'vitest';
import { FormatError, imagesFromIdx, readIdx } from '../../src/index.ts';
import { idxFile } from './official-files.ts';

const pixels = Uint8Array.from({ length: 24 }, (_, index) => index);

it('reads sizes and elements', () => {
  const { shape, data } = readIdx(idxFile([2, 3, 4], pixels));
  expect(shape).toEqual([2, 3, 4]);
  expect([...data]).toEqual([...pixels]);
});

it('reads a view in the middle of a buffer', () => {
  const file = idxFile([24], pixels);
  const buffer = new Uint8Array(file.length + 10);
  buffer.set(file, 5);
  expect([...readIdx(buffer.subarray(5, 5 + file.length)).data]).toEqual([...pixels]);
});

it('says what is wrong with a file', () => {
  const file = idxFile([2, 3, 4], pixels);
  const wrong = (bytes: Uint8Array) => () => readIdx(bytes, 'train.idx');
  expect(wrong(file.subarray(0, 30))).toThrow(
    'train.idx: sizes 2×3×4 ask for 24 bytes, but 14 are there; the file is truncated. Get the file anew.',
  );
  expect(wrong(new Uint8Array([...file, 0]))).toThrow('the file is longer than it says');
  expect(wrong(file.subarray(0, 9))).toThrow('the file ends after 9 bytes, within its 3 sizes');
  expect(wrong(file.subarray(0, 2))).toThrow('2 bytes arrived, fewer than the 4');
  expect(wrong(new Uint8Array([0x1f, 0x8b, 8, 0]))).toThrow('still packed by gzip');
  expect(wrong(new TextEncoder().encode('<html>'))).toThrow('the file begins with 3c 68 74 6d');
  expect(wrong(new Uint8Array([0, 0, 0x0d, 1, 0, 0, 0, 0]))).toThrow('an idx file of 32-bit floats arrived');
  // Sizes of 10³⁸ elements: refused by comparison, not by an allocation.
  expect(wrong(idxFile([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], pixels))).toThrow('the file is truncated');
  expect(wrong(file.subarray(0, 30))).toThrow(FormatError);
});

it('joins images and labels', () => {
  const images = readIdx(idxFile([2, 3, 4], pixels));
  const labels = readIdx(idxFile([2], new Uint8Array([1, 0])));
  expect(imagesFromIdx('two', images, labels, ['a', 'b'])).toMatchObject({
    count: 2,
    height: 3,
    width: 4,
    channels: 1,
    classNames: ['a', 'b'],
  });
  expect(() => imagesFromIdx('two', images, labels, ['a'])).toThrow(
    'two: image 0 has the label 1, but there are 1 classes, 0 to 0',
  );
  expect(() => imagesFromIdx('two', labels, images, ['a', 'b'])).toThrow('Check that the two files are not exchanged');
  const three = readIdx(idxFile([3], new Uint8Array(3)));
  expect(() => imagesFromIdx('two', images, three, ['a', 'b'])).toThrow('2 images arrived with labels of sizes 3');
});
