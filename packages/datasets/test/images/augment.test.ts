import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type AugmentationStep,
  colorComponents,
  generateDigits,
  generateShapes,
  resizeImage,
} from '../../src/index.ts';
import { createAugmenter } from '../../src/images/augment.ts';
import { prepareSteps } from '../../src/images/augmentation.ts';

const shape = { height: 4, width: 5, channels: 3 };
const bytes = Uint8Array.from({ length: 60 }, (_, index) => (index * 37) % 256);
const values = Float32Array.from(bytes, (byte) => byte / 255);

/** One image through `steps`, with these random numbers. */
function augment(steps: readonly AugmentationStep[], random: readonly number[] = [], input = shape, image = bytes) {
  const augmenter = createAugmenter(input, prepareSteps(steps, input, 'test'));
  const draws = new Float32Array(augmenter.draws).fill(0.5);
  draws.set(random);
  return { data: augmenter.run(image, 1, draws), shape: augmenter.shape };
}

/** The pixel at (y, x) of an image of five columns. */
function pixel(data: Float32Array, y: number, x: number, columns = 5): number[] {
  return [...data.subarray((y * columns + x) * 3, (y * columns + x) * 3 + 3)];
}

/** A step that changes nothing, after which the others work on floats instead of bytes. */
const nothing: AugmentationStep = { kind: 'grayscale', probability: 0 };

describe.each([
  ['on bytes', [] as AugmentationStep[], [] as number[]],
  ['on floats', [nothing], [0.5]],
])('steps that move pixels, %s', (_name, before, drawn) => {
  it('pad and crop', () => {
    const step: AugmentationStep = { kind: 'padAndCrop', pixels: 2 };
    // 0.2 of five places is place 1, one pixel above; 0.9 is place 4, two pixels to the right.
    const { data } = augment([...before, step], [...drawn, 0.3, 0.9]);
    expect(pixel(data, 0, 0)).toEqual([0, 0, 0]);
    expect(pixel(data, 1, 0)).toEqual(pixel(values, 0, 2));
    expect(pixel(data, 3, 2)).toEqual(pixel(values, 2, 4));
    expect(pixel(data, 3, 3)).toEqual([0, 0, 0]);
    expect(augment([...before, step], [...drawn, 0.5, 0.5]).data).toEqual(values);
  });

  it('flip', () => {
    const { data } = augment([...before, { kind: 'flip' }], [...drawn, 0.49]);
    for (let x = 0; x < 5; x++) expect(pixel(data, 2, x)).toEqual(pixel(values, 2, 4 - x));
    expect(augment([...before, { kind: 'flip' }], [...drawn, 0.5]).data).toEqual(values);
  });

  it('crop', () => {
    const random = augment([...before, { kind: 'randomCrop', size: 3 }], [...drawn, 0.99, 0.5]);
    expect(random.shape).toEqual({ height: 3, width: 3, channels: 3 });
    expect(pixel(random.data, 0, 0, 3)).toEqual(pixel(values, 1, 1));
    const center = augment([...before, { kind: 'centerCrop', size: [2, 3] }], drawn);
    expect(pixel(center.data, 0, 0, 3)).toEqual(pixel(values, 1, 1));
  });

  it('one after another, leaving the image as it was', () => {
    const kept = bytes.slice();
    const steps: AugmentationStep[] = [
      ...before,
      { kind: 'flip' },
      { kind: 'padAndCrop', pixels: 1 },
      { kind: 'flip' },
      { kind: 'padAndCrop', pixels: 1 },
    ];
    // Flip, one to the left, flip back, one to the left: the two moves cancel, and one column at each side is lost.
    const { data } = augment(steps, [...drawn, 0, 0.5, 0, 0, 0.5, 0]);
    expect(bytes).toEqual(kept);
    expect(pixel(data, 1, 2)).toEqual(pixel(values, 1, 2));
    expect(pixel(data, 1, 0)).toEqual([0, 0, 0]);
  });
});

describe('steps that compute', () => {
  it('normalize by channel, in the table or not, and by a mean image', () => {
    const mean = [0.1, 0.2, 0.3];
    const deviation = [0.5, 0.25, 2];
    const wanted = values.map((value, index) => (value - mean[index % 3]!) / deviation[index % 3]!);
    const step: AugmentationStep = { kind: 'normalize', mean, deviation };
    for (const steps of [[step], [nothing, step]]) {
      for (const [index, value] of augment(steps).data.entries()) expect(value).toBeCloseTo(wanted[index]!, 6);
    }
    const centered = augment([{ kind: 'normalize', mean: values }]).data;
    expect(Math.max(...centered.map(Math.abs))).toBeLessThan(1e-7);
    // After normalize the padding is the mean, 0.
    const { data } = augment([step, { kind: 'padAndCrop', pixels: 4 }], [0, 0]);
    expect(pixel(data, 0, 0)).toEqual([0, 0, 0]);
    expect(pixel(augment([step, { kind: 'padAndCrop', pixels: 4, fill: 7 }], [0, 0]).data, 0, 0)).toEqual([7, 7, 7]);
  });

  it('colour components move all pixels alike', () => {
    const components = colorComponents(generateShapes({ count: 10 }));
    for (const magnitude of ['variance', 'deviation'] as const) {
      const { data } = augment([{ kind: 'colorPca', sigma: 0.3, magnitude, components }], [0.7, 0, 0, 0.3, 0, 0.3]);
      // Only the first component has a radius above 0: sqrt(−2 ln 0.3) · cos 0.
      const alpha = 0.3 * Math.sqrt(-2 * Math.log(1 - 0.7));
      const by = alpha * (magnitude === 'variance' ? components.values[0]! : Math.sqrt(components.values[0]!));
      for (let index = 0; index < 60; index++) {
        expect(data[index]! - values[index]!).toBeCloseTo(by * components.vectors[0]![index % 3]!, 5);
      }
    }
  });

  it('jitter of brightness, contrast and saturation', () => {
    const bright = augment([{ kind: 'colorJitter', brightness: 0.5 }], [0, 0, 1]).data;
    for (let index = 0; index < 60; index++) expect(bright[index]).toBeCloseTo(Math.min(1, 1.5 * values[index]!), 6);
    const grey = (y: number, x: number): number => {
      const [red, green, blue] = pixel(values, y, x);
      return 0.299 * red! + 0.587 * green! + 0.114 * blue!;
    };
    const dull = augment([{ kind: 'colorJitter', saturation: 1 }], [0, 0, 0, 0, 0]).data;
    for (const entry of pixel(dull, 2, 3)) expect(entry).toBeCloseTo(grey(2, 3), 6);
    let mean = 0;
    for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) mean += grey(y, x) / 20;
    const flat = augment([{ kind: 'colorJitter', contrast: 1 }], [0, 0, 0, 0]).data;
    for (const value of flat) expect(value).toBeCloseTo(mean, 6);
    expect(augment([{ kind: 'colorJitter', contrast: 1, probability: 0.3 }], [0.3]).data).toEqual(values);
  });

  it('jitter of hue turns the colour circle', () => {
    const image = Uint8Array.of(255, 0, 0, 0, 255, 0, 100, 100, 100, 255, 128, 0);
    const input = { height: 1, width: 4, channels: 3 };
    // The last draw chooses the turn: 5/6 of the way from −1/2 to 1/2 is a third of the circle.
    const { data } = augment([{ kind: 'colorJitter', hue: 0.5 }], [0, 0, 0, 0, 0, 5 / 6], input, image);
    const turned = [...data].map((value) => Math.round(255 * value));
    expect(turned).toEqual([0, 255, 0, 0, 0, 255, 100, 100, 100, 0, 255, 128]);
  });

  it('every order of the four parts comes up', () => {
    const seen = new Set<string>();
    for (let order = 0; order < 24; order++) {
      const step: AugmentationStep = { kind: 'colorJitter', brightness: 0.9, contrast: 0.5, saturation: 0.9, hue: 0.3 };
      seen.add(augment([step], [0, (order + 0.5) / 24, 0.9, 0.1, 0.9, 0.9]).data.join());
    }
    expect(seen.size).toBeGreaterThan(12);
  });

  it('grey', () => {
    const [red, green, blue] = pixel(values, 1, 1);
    for (const entry of pixel(augment([{ kind: 'grayscale' }], [0.9]).data, 1, 1)) {
      expect(entry).toBeCloseTo(0.299 * red! + 0.587 * green! + 0.114 * blue!, 6);
    }
  });

  it('blur keeps what is flat and spreads a point', () => {
    const input = { height: 7, width: 7, channels: 1 };
    const point = new Uint8Array(49);
    point[24] = 255;
    const { data } = augment([{ kind: 'blur', size: 3, sigma: [1, 1] }], [0], input, point);
    const side = Math.exp(-0.5);
    const total = 1 + 2 * side;
    expect(data[24]).toBeCloseTo(1 / total ** 2, 6);
    expect(data[23]).toBeCloseTo(side / total ** 2, 6);
    expect(data[16]).toBeCloseTo(side ** 2 / total ** 2, 6);
    const flat = augment([{ kind: 'blur', size: 5 }], [0], input, new Uint8Array(49).fill(51)).data;
    for (const value of flat) expect(value).toBeCloseTo(0.2, 6);
  });
});

describe('resizing', () => {
  it('keeps what is flat and what is linear', () => {
    const input = { height: 8, width: 8, channels: 1 };
    const ramp = Uint8Array.from({ length: 64 }, (_, index) => 30 * (index % 8));
    const { data } = augment([{ kind: 'resize', size: [16, 16] }], [], input, ramp);
    for (let x = 2; x < 14; x++) expect(255 * data[5 * 16 + x]!).toBeCloseTo(30 * ((x + 0.5) / 2 - 0.5), 3);
    const half = augment([{ kind: 'resize', size: 4 }], [], input, ramp).data;
    expect(255 * half[1]!).toBeCloseTo(30 * 2.5, 3);
    expect(augment([{ kind: 'resize', size: 4 }]).shape).toMatchObject({ height: 4, width: 5 });
    expect(augment([{ kind: 'resize', size: 8 }]).shape).toMatchObject({ height: 8, width: 10 });
  });

  it('cuts the piece of the area and ratio that were drawn', () => {
    const input = { height: 16, width: 16, channels: 1 };
    const image = Uint8Array.from({ length: 256 }, (_, index) => index);
    const step: AugmentationStep = { kind: 'randomResizedCrop', size: 8, scale: [0.25, 0.25], ratio: [1, 1] };
    const random = new Array<number>(22).fill(0.5);
    random[20] = 0.99;
    random[21] = 0;
    const { data } = augment([step], random, input, image);
    // A quarter of the area is 8×8, at the bottom left: nothing is resized.
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) expect(255 * data[y * 8 + x]!).toBeCloseTo((y + 8) * 16 + x, 3);
    }
    // No try fits: the middle, as large as the ratio lets it be.
    const wide: AugmentationStep = { kind: 'randomResizedCrop', size: 4, scale: [1, 1], ratio: [4, 4] };
    expect(255 * augment([wide], random, input, image).data[1]!).toBeCloseTo(6 * 16 + 5.5, 3);
  });

  it('resizes pieces by cubics as Pillow does', () => {
    const fixture = JSON.parse(readFileSync(new URL('../fixtures/bicubic.json', import.meta.url), 'utf8')) as {
      height: number;
      width: number;
      image: number[];
      cases: { piece: [number, number, number, number]; size: number; values: number[] }[];
    };
    const { height, width } = fixture;
    for (const { piece, size, values: expected } of fixture.cases) {
      const [top, left, h, w] = piece;
      const area = (h * w) / (height * width);
      const step: AugmentationStep = {
        kind: 'randomResizedCrop',
        size,
        scale: [area, area],
        ratio: [1, 1],
        interpolation: 'bicubic',
      };
      const random = new Array<number>(22).fill(0.5);
      random[20] = (top + 0.5) / (height - h + 1);
      random[21] = (left + 0.5) / (width - w + 1);
      const { data } = augment([step], random, { height, width, channels: 3 }, Uint8Array.from(fixture.image));
      expect(data).toHaveLength(expected.length);
      data.forEach((value, index) => {
        expect(Math.abs(value - expected[index]!), `${piece.join()} at ${index}`).toBeLessThan(1e-6);
      });
    }
  });

  it('of whole images covers, stretches or refuses', () => {
    const image = {
      data: Uint8Array.from({ length: 200 * 100 }, (_, index) => index % 200),
      height: 100,
      width: 200,
      channels: 1,
    } as const;
    const covered = resizeImage(image, 10);
    expect(covered).toMatchObject({ height: 10, width: 10, channels: 1 });
    expect(Math.abs(covered.data[0]! - 54.5)).toBeLessThan(2);
    const stretched = resizeImage(image, [5, 10], 'stretch');
    expect(Math.abs(stretched.data[9]! - 189.5)).toBeLessThan(2);
    expect(resizeImage(image, [100, 200])).toBe(image);
    expect(() => resizeImage(image, 10, 'exact')).toThrow('an image of 100×200 (height×width) arrived where 10×10');
  });
});

it('refuses steps that cannot be done', () => {
  const wrong = (...steps: AugmentationStep[]) => {
    return () => prepareSteps(steps, shape, 'test');
  };
  expect(wrong({ kind: 'flip' }, { kind: 'randomCrop', size: 6 })).toThrow(
    'test: step 1 (randomCrop) has a height of 6; images are 4×5 there: give a whole number from 1 to 4.',
  );
  expect(wrong({ kind: 'centerCrop', size: 2 }, { kind: 'centerCrop', size: 3 })).toThrow('images are 2×2 there');
  expect(wrong({ kind: 'flip', probability: 2 })).toThrow('has probability 2; give a number from 0 to 1.');
  expect(wrong({ kind: 'normalize', mean: [1, 2] })).toThrow(
    'has 2 means; give 3, one per channel, or 60, the mean image.',
  );
  expect(wrong({ kind: 'normalize', mean: [0, 0, 0], deviation: [1, 1, 0] })).toThrow('give 3 numbers above 0');
  expect(wrong({ kind: 'colorPca' })).toThrow('has no components; give those of colorComponents(training set).');
  expect(wrong({ kind: 'blur', size: 4 })).toThrow('has the window 4; give an odd number of pixels, for example 5.');
  expect(wrong({ kind: 'randomResizedCrop', scale: [0.5, 0.2] })).toThrow('has scale 0.5 to 0.2');
  expect(wrong({ kind: 'randomResizedCrop', interpolation: 'cubic' as never })).toThrow('choose bilinear or bicubic');
  expect(
    wrong({ kind: 'normalize', mean: [0, 0, 0] }, { kind: 'randomResizedCrop', interpolation: 'bicubic' }),
  ).toThrow('put it before normalize');
  expect(wrong({ kind: 'normalize', mean: [0, 0, 0] }, { kind: 'colorJitter', brightness: 1 })).toThrow(
    'put it before normalize',
  );
  expect(wrong({ kind: 'rotate' } as never)).toThrow('step 0 has the unknown kind "rotate"; choose one of: padAndCrop');
  const { height, width, channels } = generateDigits({ count: 1 });
  const grey = { height, width, channels };
  expect(() => prepareSteps([{ kind: 'grayscale' }], grey, 'test')).toThrow(
    'needs red, green and blue, but images have 1 channel',
  );
});
