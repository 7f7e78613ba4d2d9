import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../src/emit/protobuf.ts';

/** A field as it stands in the bytes: whole numbers as they are, everything else as bytes. */
interface Field {
  readonly field: number;
  readonly value: bigint | Uint8Array;
}

/** Reads what the encoding's description says, independently of the writer. */
function decode(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    if ((tag & 7) === 0) fields.push({ field, value: varint() });
    else {
      const length = (tag & 7) === 5 ? 4 : Number(varint());
      fields.push({ field, value: bytes.slice(at, at + length) });
      at += length;
    }
  }
  return fields;
}

function written(write: (writer: ProtobufWriter) => void): Field[] {
  const writer = new ProtobufWriter();
  write(writer);
  return decode(writer.finish());
}

describe('ProtobufWriter', () => {
  it('writes whole numbers of every length', () => {
    const numbers = [0, 1, 127, 128, 300, 16_384, 2 ** 31, 2 ** 32 + 5, 2 ** 52, -1, -300, -(2 ** 40)];
    const fields = written((writer) => numbers.forEach((number) => writer.integer(20, number)));
    expect(fields).toEqual(numbers.map((number) => ({ field: 20, value: BigInt(number) })));
  });

  it('writes names, also those that are not ASCII', () => {
    const names = ['', 'weight', 'Größe', 'a'.repeat(300)];
    const fields = written((writer) => names.forEach((name) => writer.text(1, name)));
    expect(fields.map(({ value }) => new TextDecoder().decode(value as Uint8Array))).toEqual(names);
  });

  it('writes real numbers and lists', () => {
    const [real, reals, wholes] = written((writer) => {
      writer.float(2, -1.5);
      writer.floats(7, [0.25, 3]);
      writer.integers(8, [1, 1000, -2]);
    });
    expect(real!.value).toEqual(new Uint8Array(Float32Array.of(-1.5).buffer));
    expect(reals!.value).toEqual(new Uint8Array(Float32Array.of(0.25, 3).buffer));
    expect(wholes!.value).toEqual(
      Uint8Array.of(1, 0xe8, 0x07, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    );
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 200_000, 3_000_000])('nests messages of %i bytes', (size) => {
    const content = new Uint8Array(size).fill(7);
    const [outer, after] = written((writer) => {
      writer.message(1, () => {
        writer.integer(3, 5);
        writer.message(2, () => writer.bytes(9, content));
      });
      writer.integer(4, 6);
    });
    expect(after).toEqual({ field: 4, value: 6n });
    const [number, middle] = decode(outer!.value as Uint8Array);
    expect(number).toEqual({ field: 3, value: 5n });
    const [inner] = decode(middle!.value as Uint8Array);
    expect(inner!.field).toBe(9);
    expect(Buffer.compare(inner!.value as Uint8Array, content)).toBe(0);
  });
});
