import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, SafetensorsError, type TensorData } from '../src/safetensors.ts';
import { formats } from '../src/safetensors/format.ts';

function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0), claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.byteLength));
  return new Uint8Array(Buffer.concat([length, text, data]));
}

const eight = new Uint8Array(8);
const tensor = (fields: string): string => `{"weight":{${fields}}}`;
const good = tensor('"dtype":"F32","shape":[2],"data_offsets":[0,8]');

describe('decodeSafetensors refuses', () => {
  it('nothing of the file that the other cases are variations of', () => {
    expect(decodeSafetensors(fileOf(good, eight)).tensors['weight']?.data).toEqual(new Float32Array(2));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /^safetensors: 0 bytes arrived and a file has at least 8; the file is empty/],
    ['a file of 7 bytes', new Uint8Array(7), /7 bytes arrived/],
    ['a header of no length', fileOf('', eight), /does not begin with "\{"/],
    [
      'a header longer than the file',
      fileOf(good, eight, 1000n),
      /claims a header of 1,000 bytes and holds 67 bytes after/,
    ],
    ['a 100 MB header claim', fileOf(good, eight, 100_000_000n), /claims a header of 100,000,000 bytes and holds 67/],
    [
      'a claim beyond the limit',
      fileOf(good, eight, 100_000_001n),
      /100,000,001 bytes and at most 100,000,000 bytes are read/,
    ],
    [
      'a claim beyond exact numbers',
      fileOf(good, eight, 2n ** 64n - 1n),
      /18,446,744,073,709,551,615 bytes and at most/,
    ],
    [
      'a truncated file',
      fileOf(good, eight.subarray(1)),
      /"weight" ends at byte 8 of the data and the file holds 7 bytes/,
    ],
    ['appended bytes', fileOf(good, new Uint8Array(9)), /end at byte 8 of the data and the file holds 9 bytes/],
    ['data without tensors', fileOf('{}', eight), /end at byte 0 of the data/],
    ['something else than an object', fileOf('[]'), /does not begin with "\{"/],
    ['leading space', fileOf(` ${good}`, eight), /does not begin with "\{"/],
    ['a byte order mark', fileOf(`\ufeff${good}`, eight), /does not begin with "\{"/],
    ['broken JSON', fileOf('{"weight":', eight), /not valid JSON: character 10 is its end where a value was expected/],
    ['a trailing comma', fileOf('{"a":1,}'), /character 7 is "\}" where a string was expected/],
    ['a missing comma', fileOf('{"a":1 "b":2}'), /where "," or "\}" was expected/],
    ['an open array', fileOf('{"a":[1 2]}'), /where "," or "\]" was expected/],
    ['text after the header', fileOf(`${good} x`, eight), /where nothing more was expected/],
    ['a bad escape', fileOf('{"\\x":1}'), /where a string with valid escapes was expected/],
    ['a control character', fileOf('{"\n":1}'), /where a string with valid escapes was expected/],
    ['an open string', fileOf('{"abc\\"'), /where the end of a string was expected/],
    ['a leading zero', fileOf(tensor('"dtype":"F32","shape":[02],"data_offsets":[0,8]'), eight), /where "," or "\]"/],
    ['deep nesting', fileOf(`{"a":${'['.repeat(100_000)}`), /nesting of at most 8 levels/],
    ['invalid UTF-8', fileOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), /not valid UTF-8/],
    ['a name of half a character', fileOf('{"\\ud800":1}'), /surrogate/],
    ['a tensor twice', fileOf(`{${good.slice(1, -1)},${good.slice(1, -1)}}`, eight), /has the key "weight" twice/],
    ['a tensor twice, spelled differently', fileOf(`{${good.slice(1, -1)},"w\\u0065ight":1}`, eight), /"weight" twice/],
    ['a field twice', fileOf(tensor('"dtype":"F32","dtype":"F16"'), eight), /has the key "dtype" twice/],
    [
      'a prototype',
      fileOf(good.replace('weight', '__proto__'), eight),
      /the key "__proto__" is a name that would change/,
    ],
    ['metadata for a prototype', fileOf('{"__metadata__":{"__proto__":"a"}}'), /entry "__proto__" of __metadata__/],
    [
      'metadata of numbers',
      fileOf('{"__metadata__":{"step":1}}'),
      /"step" of __metadata__ is the number 1; it has to be/,
    ],
    [
      'metadata of half a character',
      fileOf('{"__metadata__":{"a":"\\udc00"}}'),
      /entry "a" of __metadata__ holds half/,
    ],
    ['metadata that is no object', fileOf('{"__metadata__":null}'), /__metadata__ is null; it has to be an object/],
    ['a tensor that is no object', fileOf('{"weight":[1]}'), /"weight" is described by an array instead of an object/],
    ['an unknown field', fileOf(tensor('"dtype":"F32","extra":1')), /unknown field "extra"/],
    ['no dtype', fileOf(tensor('"shape":[2],"data_offsets":[0,8]'), eight), /has no dtype/],
    ['an unknown dtype', fileOf(good.replace('F32', 'F31'), eight), /dtype "F31"; readable are F64, F32, F16, BF16/],
    ['a dtype in lower case', fileOf(good.replace('F32', 'f32'), eight), /dtype "f32"/],
    ['a shape that is no array', fileOf(good.replace('[2]', '2'), eight), /no shape of whole numbers/],
    ['a negative size', fileOf(good.replace('[2]', '[-2]'), eight), /no shape of whole numbers/],
    ['minus zero', fileOf(good.replace('[2]', '[-0]'), eight), /no shape of whole numbers/],
    ['a fraction', fileOf(good.replace('[2]', '[2.0]'), eight), /no shape of whole numbers/],
    ['an exponent', fileOf(good.replace('[2]', '[2e0]'), eight), /no shape of whole numbers/],
    ['a size as text', fileOf(good.replace('[2]', '["2"]'), eight), /no shape of whole numbers/],
    [
      'a size beyond exact numbers',
      fileOf(good.replace('[2]', '[9007199254740993]'), eight),
      /no shape of whole numbers/,
    ],
    [
      'a shape that overflows',
      fileOf(good.replace('[2]', '[4294967296,4294967296,2]'), eight),
      /more bytes than can be counted/,
    ],
    ['bytes that overflow', fileOf(good.replace('[2]', '[9007199254740991]'), eight), /more bytes than can be counted/],
    ['one offset', fileOf(good.replace('[0,8]', '[8]'), eight), /no data_offsets of two whole numbers/],
    ['three offsets', fileOf(good.replace('[0,8]', '[0,4,8]'), eight), /no data_offsets of two whole numbers/],
    ['a negative offset', fileOf(good.replace('[0,8]', '[-8,0]'), eight), /no data_offsets of two whole numbers/],
    ['a fractional offset', fileOf(good.replace('[0,8]', '[0.5,8.5]'), eight), /no data_offsets of two whole numbers/],
    [
      'offsets backwards',
      fileOf(good.replace('[0,8]', '[8,0]'), eight),
      /begins at byte 8 of the data and ends before it/,
    ],
    [
      'too few bytes for the shape',
      fileOf(good.replace('[0,8]', '[0,7]'), eight),
      /\[2\] of F32, which is 8 bytes, and 7 bytes/,
    ],
    [
      'too many bytes for the shape',
      fileOf(good.replace('[2]', '[1]'), eight),
      /\[1\] of F32, which is 4 bytes, and 8 bytes/,
    ],
    [
      'an offset out of range',
      fileOf(good.replace('[0,8]', '[800,808]'), eight),
      /ends at byte 808 of the data and the file holds 8/,
    ],
    [
      'overlapping tensors',
      fileOf(
        '{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
        eight,
      ),
      /"b" begins at byte 4 of the data and overlaps the tensor before it, which ends at byte 5/,
    ],
    [
      'tensors that share their bytes',
      fileOf(
        '{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
        eight,
      ),
      /"b" begins at byte 0 of the data and overlaps/,
    ],
    [
      'a hole',
      fileOf(
        '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
        eight,
      ),
      /"b" begins at byte 4 of the data and leaves a hole after the tensor before it, which ends at byte 3/,
    ],
    [
      'a boolean of another value',
      fileOf('{"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}', new Uint8Array([1, 0, 2])),
      /"a" of BOOL holds the byte 2 at index 2/,
    ],
  ])('%s', (_what, file, message) => {
    const decode = (): unknown => decodeSafetensors(file);
    expect(decode).toThrow(SafetensorsError);
    expect(decode).toThrow(message);
    // What to do stands after the semicolon, and a long name or shape does not flood the terminal.
    expect(decode).toThrow(/; .*\.$/);
    expect(decode).toThrow(/^.{20,500}$/s);
  });

  it('a name of a megabyte in a short message', () => {
    const name = 'n'.repeat(1_000_000);
    expect(() => decodeSafetensors(fileOf(`{"${name}":1}`))).toThrow(/^.{20,500}$/s);
  });
});

describe('a mutated file', () => {
  const weight: TensorData = { dtype: 'float32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) };
  const tensors: Record<string, TensorData> = {
    weight,
    'blocks.0.bias': { dtype: 'float16', shape: [3], data: new Uint16Array([1, 2, 3]) },
    step: { dtype: 'int64', shape: [], data: new BigInt64Array([7n]) },
    mask: { dtype: 'bool', shape: [5], data: new Uint8Array([1, 0, 1, 1, 0]) },
    empty: { dtype: 'uint8', shape: [0, 4], data: new Uint8Array(0) },
  };
  const seed = encodeSafetensors(tensors, { metadata: { format: 'test' } });
  const seedHeader = Buffer.from(seed).toString(
    'latin1',
    8,
    8 + Number(new DataView(seed.buffer).getBigUint64(0, true)),
  );
  const seedData = seed.subarray(8 + seedHeader.length);

  /** Any result must be valid tensors within the file's size, or the format's own error. */
  function mustBehave(file: Uint8Array): boolean {
    try {
      let bytes = 0;
      for (const { dtype, shape, data } of Object.values(decodeSafetensors(file).tensors)) {
        if (!(data instanceof formats[dtype].array)) throw new Error('wrong array');
        if (shape.reduce((product, size) => product * size, 1) !== data.length) throw new Error('wrong shape');
        bytes += data.byteLength;
      }
      if (bytes > file.byteLength) throw new Error('more bytes than the file has');
      return true;
    } catch (error) {
      if (!(error instanceof SafetensorsError)) throw error;
      return false;
    }
  }

  const edit = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(seed.length - 1), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(seed.length - 1), byte: fc.nat(7) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(seed.length), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(seed.length - 1), byte: fc.nat(20) }),
    fc.record({ kind: fc.constant('truncate' as const), at: fc.nat(seed.length), byte: fc.nat(0) }),
    fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(seed.length - 1), byte: fc.nat(40) }),
  );

  function applied(file: number[], { kind, at, byte }: { kind: string; at: number; byte: number }): number[] {
    if (kind === 'truncate') return file.slice(0, at);
    const copy = [...file];
    if (kind === 'set' && at < copy.length) copy[at] = byte;
    else if (kind === 'flip' && at < copy.length) copy[at] = copy[at]! ^ (1 << byte);
    else if (kind === 'insert') copy.splice(at, 0, byte);
    else if (kind === 'remove') copy.splice(at, byte + 1);
    else if (kind === 'repeat') copy.splice(at, 0, ...copy.slice(at, at + byte));
    return copy;
  }

  it('decodes or is refused, byte by byte', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const file = new Uint8Array(edits.reduce(applied, [...seed]));
        if (!mustBehave(file)) refused += 1;
      }),
      { numRuns: 6000, seed: 2 },
    );
    // Both sides of the property were met.
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(6000);
  });

  it('decodes or is refused, where the header stays JSON and lies', () => {
    // Numbers, types and keys of the header exchanged for others: damage that gets past the JSON reader.
    const spots = [...seedHeader.matchAll(/[0-9]+|"[A-Za-z_0-9.]+"/g)];
    const replacement = fc.oneof(
      fc.nat(60).map(String),
      fc.constantFrom(
        '-1',
        '1e3',
        '0.5',
        '4294967296',
        '9007199254740991',
        '9007199254740993',
        '1e999',
        'null',
        '[]',
        '{}',
      ),
      fc.constantFrom(
        '"F32"',
        '"F64"',
        '"U8"',
        '"BOOL"',
        '"shape"',
        '"dtype"',
        '"__proto__"',
        '"__metadata__"',
        '"weight"',
      ),
    );
    const change = fc.record({ spot: fc.nat(spots.length - 1), text: replacement });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(3), (changes, padding) => {
        let header = seedHeader;
        for (const { spot, text } of changes.toSorted((a, b) => b.spot - a.spot)) {
          const { index, 0: found } = spots[spot]!;
          header = header.slice(0, index) + text + header.slice(index + found.length);
        }
        if (!mustBehave(fileOf(header + ' '.repeat(padding), seedData))) refused += 1;
      }),
      { numRuns: 6000, seed: 3 },
    );
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(6000);
  });

  it('decodes or is refused, whatever bytes it is made of', () => {
    let decoded = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.json(), (bytes, json) => {
        for (const file of [bytes, fileOf(json, bytes), fileOf(`{"a":${json}}`, bytes)]) {
          if (mustBehave(file)) decoded += 1;
        }
      }),
      { numRuns: 2000, seed: 4 },
    );
    // Now and then the header is {} and there are no data.
    expect(decoded).toBeLessThan(100);
  });
});
