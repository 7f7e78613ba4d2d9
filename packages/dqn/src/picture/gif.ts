/**
 * Animated GIFs (CompuServe 1990, version 89a) from pictures of at most 256 colours. The pixels of each frame are packed
 * by LZW: a growing dictionary of runs of pixels, whose numbers are written with as many bits as they need at the time.
 */
import type { Picture } from './picture.ts';

/** Largest dictionary; then it is begun anew. */
const mostCodes = 4096;

/**
 * A GIF that repeats for ever. A frame that equals the one before lengthens it.
 *
 * @param frames pictures of one size, with at most 256 colours in all
 * @param options `milliseconds` for each frame, a multiple of 10 of at least 20: viewers slow down faster ones
 */
export function encodeGif(frames: readonly Picture[], options: { milliseconds?: number } = {}): Uint8Array {
  const first = frames[0];
  if (first === undefined) throw new Error('encodeGif: no picture arrived; give at least one.');
  const { width, height } = first;
  if (frames.some((frame) => frame.width !== width || frame.height !== height)) {
    throw new Error('encodeGif: pictures of several sizes arrived; all must have one.');
  }
  const hundredths = Math.max(2, Math.round((options.milliseconds ?? 60) / 10));
  const palette = new Map<number, number>();
  const indexed = frames.map(({ data }) => indices(data, palette));
  const bits = Math.max(2, Math.ceil(Math.log2(Math.max(2, palette.size))));

  const bytes: number[] = [...ascii('GIF89a'), ...word(width), ...word(height), 0x80 | (bits - 1), 0, 0];
  const colours = [...palette.keys()];
  for (let index = 0; index < 2 ** bits; index++) {
    const colour = colours[index] ?? 0;
    bytes.push(colour >>> 16, (colour >>> 8) & 255, colour & 255);
  }
  bytes.push(0x21, 0xff, 11, ...ascii('NETSCAPE2.0'), 3, 1, 0, 0, 0); // for ever

  const parts: Uint8Array[] = [Uint8Array.from(bytes)];
  for (let at = 0; at < indexed.length;) {
    let same = at + 1;
    while (same < indexed.length && equal(indexed[same]!, indexed[at]!)) same++;
    const delay = Math.min(0xffff, hundredths * (same - at));
    parts.push(
      Uint8Array.of(0x21, 0xf9, 4, 0, ...word(delay), 0, 0),
      Uint8Array.of(0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0, bits),
      inBlocks(compress(indexed[at]!, bits)),
    );
    at = same;
  }
  parts.push(Uint8Array.of(0x3b));
  return joined(parts);
}

/** The number of each pixel's colour in the palette, to which new colours are added. */
function indices(rgb: Uint8Array, palette: Map<number, number>): Uint8Array {
  const found = new Uint8Array(rgb.length / 3);
  for (let pixel = 0; pixel < found.length; pixel++) {
    const colour = (rgb[3 * pixel]! << 16) | (rgb[3 * pixel + 1]! << 8) | rgb[3 * pixel + 2]!;
    let index = palette.get(colour);
    if (index === undefined) {
      index = palette.size;
      if (index === 256) throw new Error('encodeGif: more than 256 colours arrived; draw with fewer.');
      palette.set(colour, index);
    }
    found[pixel] = index;
  }
  return found;
}

/** LZW with codes of growing width, lowest bits first. */
function compress(pixels: Uint8Array, bits: number): Uint8Array {
  const clear = 1 << bits;
  const end = clear + 1;
  const out: number[] = [];
  let [buffer, filled, width] = [0, 0, bits + 1];
  const write = (code: number): void => {
    buffer |= code << filled;
    filled += width;
    while (filled >= 8) {
      out.push(buffer & 255);
      buffer >>>= 8;
      filled -= 8;
    }
  };
  // From (code of a run, next pixel) to the code of the longer run.
  let longer = new Map<number, number>();
  let next = end + 1;
  write(clear);
  let run = pixels[0]!;
  for (let at = 1; at < pixels.length; at++) {
    const pixel = pixels[at]!;
    const key = run * 256 + pixel;
    const known = longer.get(key);
    if (known !== undefined) {
      run = known;
      continue;
    }
    write(run);
    if (next < mostCodes) {
      longer.set(key, next);
      // The reader is one entry behind, so the width grows when the number that was just given no longer fits.
      if (next === 1 << width) width++;
      next++;
    } else {
      write(clear);
      longer = new Map();
      [next, width] = [end + 1, bits + 1];
    }
    run = pixel;
  }
  write(run);
  write(end);
  if (filled > 0) out.push(buffer & 255);
  return Uint8Array.from(out);
}

/** In blocks of at most 255 bytes, each after its length; an empty one ends them. */
function inBlocks(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    parts.push(Uint8Array.of(block.length), block);
  }
  return joined([...parts, Uint8Array.of(0)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((value, index) => value === right[index]);
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.codePointAt(0)!);
}

function word(value: number): [number, number] {
  return [value & 255, value >>> 8];
}
