/**
 * TensorBoard event files: TFRecord framing around protobuf `Event` messages. Only four fields are needed:
 *
 *     Event         { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
 *     Summary       { repeated Value value = 1; }
 *     Summary.Value { string tag = 1; float simple_value = 2; }
 *     record        = length u64 · masked crc of length u32 · data · masked crc of data u32, little-endian
 */
import { maskedCrc32c } from './crc32c.ts';

const lengthDelimited = 2;
const fixed64 = 1;
const fixed32 = 5;
const varint = 0;

/** The first record of every file; TensorBoard refuses files without it. */
export function encodeFileVersion(wallTime: number): Uint8Array {
  return frameRecord(concat([doubleField(1, wallTime), bytesField(3, new TextEncoder().encode('brain.Event:2'))]));
}

/** One record with several scalars of one step. `wallTime` is in seconds since 1970. */
export function encodeScalars(step: number, values: Readonly<Record<string, number>>, wallTime: number): Uint8Array {
  const summary = Object.entries(values).map(([tag, value]) =>
    bytesField(1, concat([bytesField(1, new TextEncoder().encode(tag)), floatField(2, value)])),
  );
  return frameRecord(concat([doubleField(1, wallTime), varintField(2, step), bytesField(5, concat(summary))]));
}

function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(12 + data.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** Protobuf's variable-length integer: seven bits per byte, low bits first. Division, because steps may pass 2³¹. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function fieldHeader(field: number, wireType: number): Uint8Array {
  return encodeVarint(field * 8 + wireType);
}

function varintField(field: number, value: number): Uint8Array {
  return concat([fieldHeader(field, varint), encodeVarint(value)]);
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return concat([fieldHeader(field, lengthDelimited), encodeVarint(bytes.length), bytes]);
}

function doubleField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return concat([fieldHeader(field, fixed64), bytes]);
}

function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concat([fieldHeader(field, fixed32), bytes]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
