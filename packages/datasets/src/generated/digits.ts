/**
 * Generated digits: strokes on a dark ground, for experiments that need no download. Every digit is a handful of lines
 * and arcs; an image bends, slants, turns, stretches and moves them, chooses a pen and a strength, and adds noise. Some
 * digits come in two forms (1 with and without a foot, 4 open and closed, 7 with and without a bar).
 */
import type { Random } from '@milestones/core';
import { digitNames } from '../images/class-names.ts';
import type { ImageDataset } from '../images/image-dataset.ts';
import { type GeneratedImagesOptions, generateImages } from './images.ts';

// A stroke is a line through points in a box of width 1 and height 1 around the origin, y downwards.
type Stroke = readonly (readonly [number, number])[];

/** Points on an arc around (x, y); angles in degrees, 0 to the right, 90 downwards. */
function arc(x: number, y: number, radiusX: number, radiusY: number, from: number, to: number): Stroke {
  const pieces = Math.max(3, Math.round(Math.abs(to - from) / 30));
  return Array.from({ length: pieces + 1 }, (_, index) => {
    const angle = ((from + ((to - from) * index) / pieces) * Math.PI) / 180;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)];
  });
}

/** The forms of each digit; an image uses one of them. */
const forms: readonly (readonly (readonly Stroke[])[])[] = [
  [[arc(0, 0, 0.32, 0.48, 0, 360)]],
  [
    [[[-0.15, -0.3] as const, [0.05, -0.48] as const, [0.05, 0.48] as const]],
    [
      [[-0.15, -0.3] as const, [0.05, -0.48] as const, [0.05, 0.48] as const],
      [[-0.15, 0.48] as const, [0.25, 0.48] as const],
    ],
    [[[0, -0.48] as const, [0, 0.48] as const]],
  ],
  [[[...arc(0, -0.22, 0.28, 0.26, -170, 30), [-0.3, 0.48], [0.32, 0.48]]]],
  [[[...arc(0, -0.24, 0.27, 0.24, -150, 90), ...arc(0, 0.24, 0.3, 0.24, -90, 150)]]],
  [
    [[[0.12, 0.48] as const, [0.12, -0.48] as const, [-0.32, 0.18] as const, [0.34, 0.18] as const]],
    [
      [[-0.26, -0.44] as const, [-0.28, 0.08] as const, [0.3, 0.08] as const],
      [[0.18, -0.4] as const, [0.14, 0.48] as const],
    ],
  ],
  [[[[0.28, -0.46], [-0.22, -0.46], [-0.26, -0.06], ...arc(-0.02, 0.17, 0.3, 0.3, -120, 140)]]],
  [[[[0.2, -0.46], [-0.12, -0.24], ...arc(0, 0.2, 0.29, 0.28, 190, 550)]]],
  [
    [[[-0.3, -0.46] as const, [0.3, -0.46] as const, [-0.06, 0.48] as const]],
    [
      [[-0.3, -0.46] as const, [0.3, -0.46] as const, [-0.06, 0.48] as const],
      [[-0.16, 0.02] as const, [0.26, 0.02] as const],
    ],
  ],
  [[arc(0, -0.24, 0.24, 0.23, 0, 360), arc(0, 0.23, 0.29, 0.25, 0, 360)]],
  [[[...arc(0, -0.2, 0.28, 0.27, 10, 370), [0.22, 0.48]]]],
];

/**
 * Grey images of the digits 0 to 9, 28×28 unless `size` says otherwise, white on black like MNIST.
 *
 * @throws when `count` or `size` is not usable
 */
export function generateDigits(options: GeneratedImagesOptions): ImageDataset {
  const size = options.size ?? 28;
  const draw = (label: number, pixels: Uint8Array, random: Random): void => {
    const choices = forms[label]!;
    drawStrokes(choices[random.integer(choices.length)]!, size, pixels, random);
  };
  return generateImages('generated digits', options, { size, channels: 1, classNames: digitNames, draw });
}

function drawStrokes(strokes: readonly Stroke[], size: number, pixels: Uint8Array, random: Random): void {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const angle = between(-0.25, 0.25);
  const slant = between(-0.35, 0.35);
  const width = size * between(0.5, 0.78);
  const height = size * between(0.52, 0.76);
  const centerX = size * (0.5 + between(-0.1, 0.1));
  const centerY = size * (0.5 + between(-0.1, 0.1));
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  // A slow wave bends straight lines; its height is about that of the pen.
  const [bendX, bendY] = [between(-0.07, 0.07), between(-0.07, 0.07)];
  const phase = between(0, 2 * Math.PI);
  const pen = size * between(0.032, 0.07);
  const strength = between(150, 255);
  const noise = between(4, 26);

  const place = ([x, y]: readonly [number, number]): [number, number] => {
    const bentX = x + bendX * Math.sin(4 * y + phase) + 0.012 * random.normal();
    const bentY = y + bendY * Math.sin(4 * x + phase) + 0.012 * random.normal();
    const wide = (bentX - slant * bentY) * width;
    const high = bentY * height;
    return [centerX + cosine * wide - sine * high, centerY + sine * wide + cosine * high];
  };
  const ink = new Float32Array(size * size);
  for (const stroke of strokes) {
    const points = stroke.map(place);
    for (let index = 1; index < points.length; index++) drawLine(points[index - 1]!, points[index]!, pen, size, ink);
  }
  const grain = random.normalArray(size * size);
  for (let pixel = 0; pixel < ink.length; pixel++) {
    const value = strength * ink[pixel]! + noise * grain[pixel]!;
    pixels[pixel] = Math.max(0, Math.min(255, Math.round(value)));
  }
}

/** A line of the given half-width with an edge one pixel soft; where lines meet, the stronger one shows. */
export function drawLine(
  [startX, startY]: readonly [number, number],
  [endX, endY]: readonly [number, number],
  halfWidth: number,
  size: number,
  ink: Float32Array,
): void {
  const [alongX, alongY] = [endX - startX, endY - startY];
  const length = alongX * alongX + alongY * alongY || 1;
  const reach = halfWidth + 1;
  const left = Math.max(0, Math.floor(Math.min(startX, endX) - reach));
  const right = Math.min(size - 1, Math.ceil(Math.max(startX, endX) + reach));
  const top = Math.max(0, Math.floor(Math.min(startY, endY) - reach));
  const bottom = Math.min(size - 1, Math.ceil(Math.max(startY, endY) + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [fromX, fromY] = [x + 0.5 - startX, y + 0.5 - startY];
      const part = Math.max(0, Math.min(1, (fromX * alongX + fromY * alongY) / length));
      const distance = Math.hypot(fromX - part * alongX, fromY - part * alongY);
      const cover = Math.max(0, Math.min(1, halfWidth + 0.5 - distance));
      const pixel = y * size + x;
      if (cover > ink[pixel]!) ink[pixel] = cover;
    }
  }
}
