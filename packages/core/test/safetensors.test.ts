import { tf } from '@milestones/backend';
import * as fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type TensorData,
  tensorsToData,
} from '../src/safetensors.ts';
import { formats, type TensorDtype } from '../src/safetensors/format.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => tf.disposeVariables());

/** A file put together without the writer under test. */
function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0), claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.byteLength));
  return new Uint8Array(Buffer.concat([length, text, data]));
}

function bytesOf(tensor: TensorData): number[] {
  return [...new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)];
}

const dtypes = Object.keys(formats) as TensorDtype[];

/** A tensor of any type, shape and bits. */
const tensorArbitrary: fc.Arbitrary<TensorData> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1) * formats[dtype].bytes;
    const byte = fc.nat(dtype === 'bool' ? 1 : 255);
    return fc.array(byte, { minLength: length, maxLength: length }).map((bytes): TensorData => {
      const data = new formats[dtype].array(new Uint8Array(bytes).buffer);
      return { dtype, shape, data } as TensorData;
    });
  });
const nameArbitrary = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((name) => name !== '__proto__' && name !== '__metadata__');
const textsArbitrary = fc.dictionary(nameArbitrary, fc.string({ unit: 'binary' }), { maxKeys: 3 });
const fileArbitrary = fc.record({
  tensors: fc.dictionary(nameArbitrary, tensorArbitrary, { maxKeys: 5 }),
  metadata: fc.option(textsArbitrary, { nil: undefined }),
});

describe('encodeSafetensors and decodeSafetensors', () => {
  it('write and read the bytes that the format prescribes', () => {
    // By hand: the header is padded with spaces; the 8-byte type comes first, then 4 bytes, then 1.
    const header =
      '{"__metadata__":{"made":"by hand"},"b":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},' +
      '"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"c":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
    const data = [254, 255, 255, 255, 255, 255, 255, 255, 0, 0, 128, 63, 0, 0, 32, 192, 1, 0, 1];
    const file = fileOf(padded, new Uint8Array(data));
    const tensors: Record<string, TensorData> = {
      a: { dtype: 'float32', shape: [1, 2], data: new Float32Array([1, -2.5]) },
      b: { dtype: 'int64', shape: [1], data: new BigInt64Array([-2n]) },
      c: { dtype: 'bool', shape: [3], data: new Uint8Array([1, 0, 1]) },
    };
    expect(encodeSafetensors(tensors, { metadata: { made: 'by hand' } })).toEqual(file);
    const decoded = decodeSafetensors(file);
    expect({ ...decoded.tensors }).toEqual(tensors);
    expect({ ...decoded.metadata }).toEqual({ made: 'by hand' });
  });

  it('round trip every type, shape, name and bit pattern, whatever the order', () => {
    fc.assert(
      fc.property(fileArbitrary, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata === undefined ? {} : { metadata });
        const reversed = Object.fromEntries(Object.entries(tensors).toReversed());
        expect(encodeSafetensors(reversed, metadata === undefined ? {} : { metadata })).toEqual(bytes);

        const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        expect(headerLength % 8).toBe(0);
        const decoded = decodeSafetensors(bytes);
        expect(Object.keys(decoded.tensors).toSorted()).toEqual(Object.keys(tensors).toSorted());
        expect({ ...decoded.metadata }).toEqual({ ...metadata });
        for (const [name, tensor] of Object.entries(tensors)) {
          const arrived = decoded.tensors[name];
          expect(arrived?.dtype).toBe(tensor.dtype);
          expect(arrived?.shape).toEqual(tensor.shape);
          expect(bytesOf(arrived!)).toEqual(bytesOf(tensor));
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('read bytes that start anywhere in their buffer, unaligned data, and a header in any order', () => {
    const header =
      '{"z":{"dtype":"F32","shape":[1],"data_offsets":[1,5]} ,\n "empty":{"dtype":"F64","shape":[0,7],"data_offsets":[1,1]},' +
      '"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}';
    const file = fileOf(header, new Uint8Array([7, 0, 0, 128, 63]));
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    const { tensors } = decodeSafetensors(shifted.subarray(3));
    expect(Object.keys(tensors)).toEqual(['z', 'empty', 'a']);
    expect(tensors['z']).toEqual({ dtype: 'float32', shape: [1], data: new Float32Array([1]) });
    expect(tensors['empty']).toEqual({ dtype: 'float64', shape: [0, 7], data: new Float64Array(0) });
    expect(tensors['a']).toEqual({ dtype: 'uint8', shape: [], data: new Uint8Array([7]) });
  });

  it('return copies, also from a Buffer', () => {
    const file = Buffer.from(encodeSafetensors({ a: { dtype: 'uint8', shape: [2], data: new Uint8Array([1, 2]) } }));
    const { tensors } = decodeSafetensors(file);
    file.fill(0);
    expect(tensors['a']?.data).toEqual(new Uint8Array([1, 2]));
  });

  it('keep names that objects inherit apart from tensors', () => {
    const { tensors, metadata } = decodeSafetensors(fileOf('{}'));
    expect(tensors['constructor']).toBeUndefined();
    expect(metadata['toString']).toBeUndefined();
    const tensor: TensorData = { dtype: 'uint8', shape: [1], data: new Uint8Array([5]) };
    const named = Object.fromEntries([
      ['constructor', tensor],
      ['7', tensor],
    ]);
    expect(decodeSafetensors(encodeSafetensors(named)).tensors['constructor']?.data).toEqual(new Uint8Array([5]));
  });
});

describe('encodeSafetensors', () => {
  const one = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'too few values',
      { weight: { ...one, shape: [2, 3] } },
      /"weight" has the shape \[2, 3\], 6 values, and came with 1/,
    ],
    ['a negative size', { weight: { ...one, shape: [-1] } }, /\[-1\], which is no shape/],
    ['a fraction', { weight: { ...one, shape: [0.5] } }, /which is no shape/],
    ['an overflow', { weight: { ...one, shape: [2 ** 40, 2 ** 40] } }, /which is no shape/],
    [
      'the array of another type',
      { weight: { ...one, data: new Int32Array(1) } },
      /came with Int32Array; .* Float32Array/,
    ],
    ['no array', { weight: { ...one, data: undefined } }, /came with no array/],
    ['an unknown type', { weight: { ...one, dtype: 'complex64' } }, /type "complex64"; use one of float64, float32/],
    ['a type that objects inherit', { weight: { ...one, dtype: 'toString' } }, /type "toString"/],
    ['the reserved name', { __metadata__: one }, /reserved for texts; pass them as options.metadata/],
    ['a prototype', Object.fromEntries([['__proto__', one]]), /"__proto__" is a name that would change/],
    ['half a character', { '\ud800': one }, /surrogate/],
  ])('refuses %s', (_what, tensors, message) => {
    const encode = (): unknown => encodeSafetensors(tensors as Record<string, TensorData>);
    expect(encode).toThrow(SafetensorsError);
    expect(encode).toThrow(message);
  });

  it('refuses metadata that is no text', () => {
    const metadata = { step: 5 } as unknown as Record<string, string>;
    expect(() => encodeSafetensors({}, { metadata })).toThrow(
      'the metadata entry "step" is number and has to be a text',
    );
    expect(() => encodeSafetensors({}, { metadata: { a: '\udfff' } })).toThrow('the metadata entry "a" holds half');
  });
});

describe('tensorsToData and dataToTensors', () => {
  it('carry float32 bit for bit: NaN payloads, −0, infinities, denormals', async () => {
    const bits = new Uint32Array([
      0x7fc00000, 0x7fc12345, 0xffc00001, 0x7f800001, 0xffbfffff, 0x80000000, 0, 0x7f800000, 0xff800000, 1, 0x807fffff,
      0x00800000, 0x7f7fffff, 0x3f800001,
    ]);
    const data: TensorData = { dtype: 'float32', shape: [2, 7], data: new Float32Array(bits.buffer.slice(0)) };
    const tensors = dataToTensors(decodeSafetensors(encodeSafetensors({ data })).tensors);
    const back = await tensorsToData(tensors);
    tf.dispose(tensors);
    const again = decodeSafetensors(encodeSafetensors(back)).tensors['data'];
    expect(again?.shape).toEqual([2, 7]);
    expect(new Uint32Array(again!.data.buffer)).toEqual(bits);
  });

  it('map the types, leave no tensor behind, and copy', async () => {
    const before = tf.memory().numTensors;
    const half = new Uint16Array([0x3c00, 0xc000]);
    const source: Record<string, TensorData> = {
      float16: { dtype: 'float16', shape: [2], data: half },
      bfloat16: { dtype: 'bfloat16', shape: [1], data: new Uint16Array([0x3fc0]) },
      float64: { dtype: 'float64', shape: [], data: new Float64Array([0.1]) },
      int64: { dtype: 'int64', shape: [2], data: new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n]) },
      uint32: { dtype: 'uint32', shape: [1], data: new Uint32Array([9]) },
      int8: { dtype: 'int8', shape: [1], data: new Int8Array([-9]) },
      int32: { dtype: 'int32', shape: [1, 1], data: new Int32Array([2 ** 31 - 1]) },
      bool: { dtype: 'bool', shape: [2], data: new Uint8Array([0, 1]) },
    };
    const tensors = dataToTensors(source);
    half.fill(0);
    const variable = tf.variable(tf.tensor1d([1, 2]));
    const pending = tensorsToData({ ...tensors, variable });
    // The copy is of this moment, whatever training does next.
    variable.assign(tf.tensor1d([3, 4]));
    const data = await pending;
    expect({ ...data }).toEqual({
      float16: { dtype: 'float32', shape: [2], data: new Float32Array([1, -2]) },
      bfloat16: { dtype: 'float32', shape: [1], data: new Float32Array([1.5]) },
      float64: { dtype: 'float32', shape: [], data: new Float32Array([0.1]) },
      int64: { dtype: 'int32', shape: [2], data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]) },
      uint32: { dtype: 'int32', shape: [1], data: new Int32Array([9]) },
      int8: { dtype: 'int32', shape: [1], data: new Int32Array([-9]) },
      int32: { dtype: 'int32', shape: [1, 1], data: new Int32Array([2 ** 31 - 1]) },
      bool: { dtype: 'bool', shape: [2], data: new Uint8Array([0, 1]) },
      variable: { dtype: 'float32', shape: [2], data: new Float32Array([1, 2]) },
    });
    tf.dispose(tensors);
    tf.disposeVariables();
    // The two tensors made for the variable's values above.
    expect(tf.memory().numTensors).toBe(before + 2);
  });

  it('refuse what does not fit, without leaking the tensors before it', async () => {
    const before = tf.memory().numTensors;
    const good: TensorData = { dtype: 'float32', shape: [1], data: new Float32Array(1) };
    const large: TensorData = { dtype: 'int64', shape: [2], data: new BigInt64Array([0n, 2n ** 31n]) };
    expect(() => dataToTensors({ good, large })).toThrow(
      'dataToTensors: tensor "large" of int64 holds 2147483648 at index 1; ' +
        'tfjs has integers from -2147483648 to 2147483647, use the data without making a tensor.',
    );
    expect(() => dataToTensors({ good, bad: { ...good, shape: [3] } })).toThrow('dataToTensors: tensor "bad"');
    expect(tf.memory().numTensors).toBe(before);

    const gone = tf.tensor1d([1]);
    gone.dispose();
    await expect(tensorsToData({ gone })).rejects.toThrow('tensorsToData: tensor "gone" was disposed');
    const text = tf.tensor1d(['a']);
    await expect(tensorsToData({ text })).rejects.toThrow('tensor "text" is of string');
    text.dispose();
  });
});
