/**
 * Reads and checks the header of a safetensors file. A file may come from anywhere, so nothing it claims is believed:
 * no memory is reserved, and no byte of data is read, before every claim has been checked against the file's size.
 */
import {
  bytesInWords,
  dtypeOfCode,
  elementCount,
  formats,
  lengthBytes,
  maximumHeaderBytes,
  metadataKey,
  quoted,
  refusedName,
  SafetensorsError,
  shapeInWords,
  type TensorDtype,
} from './format.ts';
import { JsonNumber, parseStrictJson, type StrictJson } from './json.ts';

/** Where a tensor lies in the data part of a file: bytes `begin` (included) to `end` (excluded). */
export interface TensorRange {
  name: string;
  dtype: TensorDtype;
  shape: number[];
  begin: number;
  end: number;
}

/** A checked header: tensors in the header's order. */
export interface SafetensorsHeader {
  ranges: TensorRange[];
  metadata: Record<string, string>;
}

/**
 * Length of the header in bytes, from the first 8 bytes of a file of `fileBytes` bytes.
 *
 * @throws {SafetensorsError} when the file is shorter than 8 bytes, or claims a header beyond the limit of 100 million
 * bytes or beyond its own end
 */
export function readHeaderLength(start: Uint8Array, fileBytes: number): number {
  if (fileBytes < lengthBytes || start.byteLength < lengthBytes) {
    throw new SafetensorsError(
      `safetensors: ${bytesInWords(fileBytes)} arrived and a file has at least ${lengthBytes}; ` +
        'the file is empty or truncated, fetch or write it again.',
    );
  }
  const claimed = new DataView(start.buffer, start.byteOffset, lengthBytes).getBigUint64(0, true);
  if (claimed > BigInt(maximumHeaderBytes)) {
    throw new SafetensorsError(
      `safetensors: the file claims a header of ${bytesInWords(claimed)} and at most ` +
        `${bytesInWords(maximumHeaderBytes)} are read; it is damaged or no safetensors file, fetch or write it again.`,
    );
  }
  const length = Number(claimed);
  if (length > fileBytes - lengthBytes) {
    throw new SafetensorsError(
      `safetensors: the file claims a header of ${bytesInWords(length)} and holds ${bytesInWords(fileBytes - lengthBytes)} ` +
        'after the length; it is truncated or damaged, fetch or write it again.',
    );
  }
  return length;
}

/**
 * Parses a header and checks that its tensors fill the data part exactly: no gap, no overlap, nothing outside.
 *
 * @param header the header's bytes, without the 8 bytes of its length
 * @param dataBytes number of bytes that follow the header
 * @throws {SafetensorsError} at the first claim that does not hold
 */
export function parseHeader(header: Uint8Array, dataBytes: number): SafetensorsHeader {
  if (header[0] !== 0x7b) {
    throw new SafetensorsError(
      'safetensors: the header does not begin with "{"; the file is of another format or damaged, fetch or write it again.',
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw new SafetensorsError(
      'safetensors: the header is not valid UTF-8; the file is damaged or of another format, fetch or write it again.',
      { cause },
    );
  }
  const ranges: TensorRange[] = [];
  let metadata: Record<string, string> = Object.create(null);
  for (const [name, value] of parseStrictJson(text) as Map<string, StrictJson>) {
    const refused = refusedName(name);
    if (refused !== undefined)
      throw new SafetensorsError(`safetensors: the key ${quoted(name)} ${refused}; rename the tensor.`);
    if (name === metadataKey) metadata = readMetadata(value);
    else ranges.push(readRange(name, value));
  }
  checkCoverage(ranges, dataBytes);
  return { ranges, metadata };
}

function readMetadata(value: StrictJson): Record<string, string> {
  if (!(value instanceof Map)) {
    throw new SafetensorsError(
      `safetensors: ${metadataKey} is ${kindOf(value)}; it has to be an object of texts, write the file again.`,
    );
  }
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, text] of value) {
    const refused = refusedName(key) ?? (typeof text === 'string' ? refusedName(`=${text}`) : undefined);
    if (refused !== undefined) {
      throw new SafetensorsError(
        `safetensors: the entry ${quoted(key)} of ${metadataKey} ${refused}; write the file again.`,
      );
    }
    if (typeof text !== 'string') {
      throw new SafetensorsError(
        `safetensors: the entry ${quoted(key)} of ${metadataKey} is ${kindOf(text)}; it has to be a text, write the file again.`,
      );
    }
    metadata[key] = text;
  }
  return metadata;
}

function readRange(name: string, value: StrictJson): TensorRange {
  const fail = (problem: string): never => {
    throw new SafetensorsError(
      `safetensors: tensor ${quoted(name)} ${problem}; the file is damaged or lies, fetch or write it again.`,
    );
  };
  if (!(value instanceof Map)) return fail(`is described by ${kindOf(value)} instead of an object`);
  for (const key of value.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') {
      return fail(`has the unknown field ${quoted(key)}; known are dtype, shape and data_offsets`);
    }
  }
  const code = value.get('dtype');
  if (typeof code !== 'string') return fail('has no dtype');
  const dtype = dtypeOfCode.get(code);
  if (dtype === undefined) {
    return fail(`has the dtype ${quoted(code)}; readable are ${[...dtypeOfCode.keys()].join(', ')}`);
  }
  const shape = wholeNumbers(value.get('shape'));
  if (shape === undefined) return fail('has no shape of whole numbers of at least 0');
  const offsets = wholeNumbers(value.get('data_offsets'));
  const [begin, end] = offsets ?? [];
  if (offsets?.length !== 2 || begin === undefined || end === undefined) {
    return fail('has no data_offsets of two whole numbers of at least 0');
  }
  if (begin > end) return fail(`begins at byte ${begin} of the data and ends before it, at byte ${end}`);
  const count = elementCount(shape);
  const bytes = count === undefined ? Infinity : count * formats[dtype].bytes;
  if (!Number.isSafeInteger(bytes)) return fail(`has the shape ${shapeInWords(shape)}, more bytes than can be counted`);
  if (bytes !== end - begin) {
    return fail(
      `has the shape ${shapeInWords(shape)} of ${code}, which is ${bytesInWords(bytes)}, and ${bytesInWords(end - begin)} of data`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Checks that the ranges, put in order, cover `dataBytes` bytes without gap or overlap. */
function checkCoverage(ranges: readonly TensorRange[], dataBytes: number): void {
  const inOrder = ranges.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of inOrder) {
    if (end > dataBytes) {
      throw new SafetensorsError(
        `safetensors: tensor ${quoted(name)} ends at byte ${end} of the data and the file holds ${bytesInWords(dataBytes)} of data; ` +
          'it is truncated or damaged, fetch or write it again.',
      );
    }
    if (begin !== covered) {
      const problem =
        begin < covered
          ? 'overlaps the tensor before it, which ends'
          : 'leaves a hole after the tensor before it, which ends';
      throw new SafetensorsError(
        `safetensors: tensor ${quoted(name)} begins at byte ${begin} of the data and ${problem} at byte ${covered}; ` +
          'the file is damaged or lies, fetch or write it again.',
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw new SafetensorsError(
      `safetensors: the tensors end at byte ${covered} of the data and the file holds ${bytesInWords(dataBytes)} of data; ` +
        'something was appended or the header is damaged, fetch or write it again.',
    );
  }
}

/** The whole numbers of a JSON array; undefined where it is no array, or holds a sign, a fraction, or too large a number. */
function wholeNumbers(value: StrictJson | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: number[] = [];
  for (const item of value) {
    if (!(item instanceof JsonNumber) || !/^[0-9]+$/.test(item.spelling)) return undefined;
    const number = Number(item.spelling);
    // Beyond 2⁵³ two spellings would be the same number.
    if (!Number.isSafeInteger(number)) return undefined;
    numbers.push(number);
  }
  return numbers;
}

function kindOf(value: StrictJson): string {
  if (value === null) return 'null';
  if (value instanceof JsonNumber) return `the number ${value.spelling.slice(0, 40)}`;
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? `the text ${quoted(value)}` : String(value);
}
