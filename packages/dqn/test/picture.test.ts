import { describe, expect, it } from 'vitest';
import { Canvas, encodeGif, enlarge, makeEnvironment, pictureText, type Picture } from '../src/index.ts';

/** Reads what encodeGif writes, by the format's description: the pixels of every frame, in RGB, and its delay. */
function decodeGif(bytes: Uint8Array): { width: number; height: number; frames: { data: number[]; delay: number }[] } {
  expect(new TextDecoder().decode(bytes.subarray(0, 6))).toBe('GIF89a');
  const word = (at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
  const [width, height] = [word(6), word(8)];
  const colours = 2 ** ((bytes[10]! & 7) + 1);
  const palette = Array.from({ length: colours }, (_, index) => [...bytes.subarray(13 + 3 * index, 16 + 3 * index)]);
  const frames: { data: number[]; delay: number }[] = [];
  let at = 13 + 3 * colours;
  let delay = 0;
  const blocks = (): number[] => {
    const data: number[] = [];
    while (bytes[at] !== 0) {
      data.push(...bytes.subarray(at + 1, at + 1 + bytes[at]!));
      at += 1 + bytes[at]!;
    }
    at++;
    return data;
  };
  while (bytes[at] !== 0x3b) {
    if (bytes[at] === 0x21) {
      if (bytes[at + 1] === 0xf9) delay = word(at + 4);
      at += 2;
      blocks();
      continue;
    }
    expect(bytes[at]).toBe(0x2c);
    const minimum = bytes[at + 10]!;
    at += 11;
    frames.push({ data: unpack(blocks(), minimum).flatMap((index) => palette[index]!), delay });
  }
  expect(at).toBe(bytes.length - 1);
  return { width, height, frames };
}

/** LZW, the reader's side. */
function unpack(data: number[], minimum: number): number[] {
  const clear = 1 << minimum;
  const pixels: number[] = [];
  let [width, position] = [minimum + 1, 0];
  let runs: number[][] = [];
  let previous: number[] | undefined;
  const next = (): number => {
    let code = 0;
    for (let bit = 0; bit < width; bit++, position++) code |= ((data[position >> 3]! >> (position & 7)) & 1) << bit;
    return code;
  };
  for (;;) {
    const code = next();
    if (code === clear + 1) return pixels;
    if (code === clear) {
      runs = Array.from({ length: clear + 2 }, (_, index) => [index]);
      [width, previous] = [minimum + 1, undefined];
      continue;
    }
    const run = runs[code] ?? [...previous!, previous![0]!];
    pixels.push(...run);
    if (previous !== undefined && runs.length < 4096) runs.push([...previous, run[0]!]);
    if (runs.length === 1 << width && width < 12) width++;
    previous = run;
  }
}

describe('encodeGif', () => {
  it('writes what a reader reads back: noise of 200 colours, larger than a dictionary', () => {
    let state = 1;
    const noise = (): Picture => {
      const data = new Uint8Array(90 * 110 * 3);
      for (let pixel = 0; pixel < 90 * 110; pixel++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        const colour = (state >>> 16) % 200;
        data.set([colour, 255 - colour, 7], 3 * pixel);
      }
      return { width: 90, height: 110, data };
    };
    const frames = [noise(), noise()];
    const read = decodeGif(encodeGif(frames, { milliseconds: 100 }));
    expect([read.width, read.height]).toEqual([90, 110]);
    expect(read.frames.map(({ delay }) => delay)).toEqual([10, 10]);
    read.frames.forEach(({ data }, index) => expect(Uint8Array.from(data)).toEqual(frames[index]!.data));
  });

  it('writes an episode, and one frame of equal ones, for longer', () => {
    const environment = makeEnvironment('Breakout');
    environment.reset(1);
    const pictures = [environment.picture(), environment.picture()];
    for (let move = 0; move < 4; move++) {
      environment.step(0);
      pictures.push(environment.picture());
    }
    const large = pictures.map((picture) => enlarge(picture, 3));
    const { frames } = decodeGif(encodeGif(large));
    expect(frames.map(({ delay }) => delay)).toEqual([12, 6, 6, 6, 6]);
    expect(Uint8Array.from(frames.at(-1)!.data)).toEqual(large.at(-1)!.data);
  });

  it('writes a picture of one colour', () => {
    const { frames } = decodeGif(encodeGif([new Canvas(3, 2, [9, 8, 7])]));
    expect(frames[0]!.data).toEqual(Array.from({ length: 6 }, () => [9, 8, 7]).flat());
  });

  it('refuses what is no picture for it', () => {
    expect(() => encodeGif([])).toThrow('at least one');
    expect(() => encodeGif([new Canvas(2, 2), new Canvas(3, 2)])).toThrow('several sizes');
    const data = Uint8Array.from(
      { length: 3 * 257 },
      (_, index) => [(index / 3) & 255, index > 767 ? 1 : 0, 0][index % 3]!,
    );
    expect(() => encodeGif([{ width: 257, height: 1, data }])).toThrow('more than 256 colours');
  });
});

describe('Canvas', () => {
  it('draws within its bounds', () => {
    const canvas = new Canvas(4, 3, [0, 0, 0]);
    canvas.rectangle(2, 1, 5, 5, [1, 1, 1]);
    canvas.line(0, 0, 3, 0, [2, 2, 2]);
    canvas.point(-1, 0, [3, 3, 3]);
    expect([...canvas.data].filter((_, index) => index % 3 === 0)).toEqual([2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 1, 1]);
  });
});

describe('pictureText', () => {
  it('shows letters for colours, nothing for the commonest, and two for each pixel of a small picture', () => {
    const canvas = new Canvas(5, 2, [0, 0, 0]);
    canvas.point(1, 0, [255, 255, 255]);
    canvas.point(3, 1, [80, 80, 80]);
    expect(pictureText(canvas, { colour: false })).toBe('  @@      \n      --  ');
  });

  it('shows colours by escape sequences, two rows in a line of a large one', () => {
    const canvas = new Canvas(50, 4, [1, 2, 3]);
    const lines = pictureText(canvas, { colour: true }).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('\u001B[38;2;1;2;3;48;2;1;2;3m▀');
    expect(lines[0]!.endsWith('\u001B[0m')).toBe(true);
  });
});
