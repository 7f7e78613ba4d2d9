import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../src/crc32c.ts';
import { encodeFileVersion, encodeScalars } from '../src/tensorboard.ts';

describe('crc32c', () => {
  it('gives the known answers of RFC 3720, appendix B.4', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  });

  it('masks by rotation and a constant', () => {
    expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
  });
});

/** A reader of protobuf messages that shares nothing with the writer: field number → raw values. */
function readMessage(bytes: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(readVarint());
    const wire = tag & 7;
    let value: bigint | Buffer;
    if (wire === 0) value = readVarint();
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(readVarint());
      value = bytes.subarray(at, at + length);
      at += length;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

describe('event files', () => {
  it('can be read back: version, step, wall time, tags and values', () => {
    const file = Buffer.concat([
      encodeFileVersion(1000.5),
      encodeScalars(7, { trainLoss: 1.5, accuracy: 0.25 }, 2000.25),
      encodeScalars(5_000_000_000, { trainLoss: -3 }, 2001),
    ]);
    const events: Map<number, (bigint | Buffer)[]>[] = [];
    for (let at = 0; at < file.length;) {
      const length = Number(file.readBigUInt64LE(at));
      expect(file.readUInt32LE(at + 8)).toBe(maskedCrc32c(file.subarray(at, at + 8)));
      const data = file.subarray(at + 12, at + 12 + length);
      expect(file.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
      events.push(readMessage(data));
      at += 16 + length;
    }
    expect(events).toHaveLength(3);
    expect(String(events[0]!.get(3)![0])).toBe('brain.Event:2');
    expect((events[0]!.get(1)![0] as Buffer).readDoubleLE()).toBe(1000.5);
    expect(events[1]!.get(2)).toEqual([7n]);
    expect(events[2]!.get(2)).toEqual([5_000_000_000n]);
    const values = readMessage(events[1]!.get(5)![0] as Buffer)
      .get(1)!
      .map((value) => {
        const fields = readMessage(value as Buffer);
        return [String(fields.get(1)![0]), (fields.get(2)![0] as Buffer).readFloatLE()];
      });
    expect(values).toEqual([
      ['trainLoss', 1.5],
      ['accuracy', 0.25],
    ]);
  });
});
