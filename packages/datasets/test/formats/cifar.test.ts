import { expect, it } from 'vitest';
import { cifar10Names, readCifar } from '../../src/index.ts';
import { cifarFile } from './official-files.ts';

const options = { name: 'cifar', labelBytes: 1, classNames: cifar10Names } as const;

it('turns planes into pixels', () => {
  const file = cifarFile([[3], [9]], (record, plane, place) => (100 * record + 50 * plane + place) % 256);
  const { images, ...rest } = readCifar([file.subarray(0, 3073), file.subarray(3073)], options);
  expect(rest).toMatchObject({ count: 2, height: 32, width: 32, channels: 3, classNames: cifar10Names });
  expect([...rest.labels]).toEqual([3, 9]);
  expect([...images.subarray(0, 6)]).toEqual([0, 50, 100, 1, 51, 101]);
  expect([...images.subarray(3072 + 3 * 33, 3072 + 3 * 33 + 3)]).toEqual([133, 183, 233]);
});

it('takes either label of CIFAR-100', () => {
  const file = cifarFile([[1, 7]], () => 0);
  const classNames = Array.from({ length: 8 }, (_, index) => String(index));
  const hundred = { name: 'cifar', labelBytes: 2, classNames } as const;
  expect([...readCifar(file, hundred).labels]).toEqual([7]);
  expect([...readCifar(file, { ...hundred, labelByte: 0 }).labels]).toEqual([1]);
});

it('says what is wrong with a file', () => {
  const file = cifarFile([[3], [10]], () => 0);
  expect(() => readCifar(file, options)).toThrow('cifar: image 1 has the label 10, but there are 10 classes, 0 to 9');
  expect(() => readCifar(file.subarray(0, 5000), options)).toThrow(
    'cifar: file 1 of 1 has 5000 bytes, which is not a whole number of records of 3073 bytes; it is truncated',
  );
  expect(() => readCifar(new Uint8Array(0), options)).toThrow('has 0 bytes');
});
