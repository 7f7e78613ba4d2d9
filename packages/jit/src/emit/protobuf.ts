/**
 * Writes protocol buffers: just the wire types that ONNX models need, into one growing array.
 * See https://protobuf.dev/programming-guides/encoding/.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const encoder = new TextEncoder();

/** See the file's head. A field is written by the method for its type; fields come in the order of the calls. */
export class ProtobufWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** An `int32`, `int64` or `enum` field. */
  integer(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** A `float` field. */
  float(field: number, value: number): void {
    this.#tag(field, FIXED32);
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  /** A `string` field. */
  text(field: number, value: string): void {
    const start = this.#length;
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#reserve(value.length);
    // Names are ASCII nearly always, and there are tens of thousands of them: a call of the encoder for each would show.
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.#length = start;
        this.bytes(field, encoder.encode(value));
        return;
      }
      this.#bytes[this.#length++] = code;
    }
  }

  /** A `bytes` field. */
  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A packed `repeated int64` field. */
  integers(field: number, values: readonly number[]): void {
    this.message(field, () => {
      for (const value of values) this.#varint(value);
    });
  }

  /** A packed `repeated float` field. */
  floats(field: number, values: readonly number[]): void {
    const array = Float32Array.from(values);
    this.bytes(field, new Uint8Array(array.buffer));
  }

  /** A field that holds a message; `write` writes its fields with this same writer. */
  message(field: number, write: () => void): void {
    this.#tag(field, LENGTH_DELIMITED);
    // The length stands before what it counts. One byte is left for it; a longer one moves what was written.
    this.#reserve(1);
    const start = ++this.#length;
    write();
    const length = this.#length - start;
    let extra = 0;
    for (let rest = length; rest >= 0x80; rest /= 0x80) extra++;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, this.#length);
    }
    this.#length = start - 1;
    this.#varint(length);
    this.#length += length;
  }

  /** Everything written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    this.#reserve(10);
    if (value >= 0) {
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      this.#bytes[this.#length++] = rest;
      return;
    }
    // A negative number is written as the 64-bit two's complement: always ten bytes.
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
