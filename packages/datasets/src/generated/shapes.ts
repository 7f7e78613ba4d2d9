/**
 * Generated shapes: one coloured shape on a coloured ground, for experiments in colour that need no download. Size,
 * place, turn, both colours, the ground's gradient, a distracting line and noise are drawn independently of the class, so
 * that only the form tells it.
 */
import type { Random } from '@milestones/core';
import type { ImageDataset } from '../images/image-dataset.ts';
import { type GeneratedImagesOptions, generateImages } from './images.ts';

/** Whether a point belongs to a shape that reaches from about −1 to 1, y downwards. */
export type Inside = (x: number, y: number) => boolean;

const square = (x: number, y: number, half: number): boolean => Math.max(Math.abs(x), Math.abs(y)) < half;

const shapes: readonly (readonly [name: string, inside: Inside])[] = [
  ['disc', (x, y) => x * x + y * y < 0.8],
  ['ring', (x, y) => x * x + y * y < 0.95 && x * x + y * y > 0.36],
  ['square', (x, y) => square(x, y, 0.8)],
  ['frame', (x, y) => square(x, y, 0.88) && !square(x, y, 0.52)],
  ['triangle', (x, y) => y < 0.72 && y > 2 * Math.abs(x) - 1],
  ['plus', (x, y) => (Math.abs(x) < 0.3 && Math.abs(y) < 1) || (Math.abs(y) < 0.3 && Math.abs(x) < 1)],
  [
    'star',
    (x, y) => {
      // Five points: the radius falls linearly from 1 at a point to 0.45 between two.
      const turn = ((Math.atan2(x, -y) / (2 * Math.PI)) * 5 + 5) % 1;
      return Math.hypot(x, y) < 1 - 1.1 * Math.min(turn, 1 - turn);
    },
  ],
  ['crescent', (x, y) => x * x + y * y < 0.95 && (x - 0.45) ** 2 + y * y > 0.55],
  ['bars', (x, y) => Math.abs(y) < 0.9 && Math.abs(x) < 0.75 && Math.abs(x) > 0.25],
  ['arrow', (x, y) => (y <= 0 && y > 1.2 * Math.abs(x) - 1) || (y > 0 && y < 0.95 && Math.abs(x) < 0.28)],
];

/** The form of a shape by its name. */
export function insideOf(name: string): Inside {
  const shape = shapes.find(([each]) => each === name);
  if (shape === undefined)
    throw new Error(`shapes: there is none called ${name}; choose from ${shapeNames.join(', ')}.`);
  return shape[1];
}

/** The classes of {@link generateShapes}. */
export const shapeNames: readonly string[] = shapes.map(([name]) => name);

/**
 * Colour images of ten shapes, 32×32 unless `size` says otherwise.
 *
 * @throws when `count` or `size` is not usable
 */
export function generateShapes(options: GeneratedImagesOptions): ImageDataset {
  const size = options.size ?? 32;
  const draw = (label: number, pixels: Uint8Array, random: Random): void => {
    drawShape(shapes[label]![1], size, pixels, random);
  };
  return generateImages('generated shapes', options, { size, channels: 3, classNames: shapeNames, draw });
}

function drawShape(inside: Inside, size: number, pixels: Uint8Array, random: Random): void {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const radius = size * between(0.2, 0.42);
  const centerX = size * (0.5 + between(-0.15, 0.15));
  const centerY = size * (0.5 + between(-0.15, 0.15));
  const angle = between(-0.45, 0.45);
  const [cosine, sine] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  const ground = [between(20, 235), between(20, 235), between(20, 235)];
  const slope = [between(-60, 60), between(-60, 60)];
  const paint = contrasting(ground, between);
  const [lineX, lineY, lineAt] = [between(-1, 1), between(-1, 1), between(-0.4, 0.4) * size];
  const lineColor = [between(0, 255), between(0, 255), between(0, 255)];
  const noise = between(4, 22);
  const grain = random.normalArray(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      // Four points per pixel make the edges soft.
      let cover = 0;
      for (let point = 0; point < 4; point++) {
        const dx = x + 0.25 + 0.5 * (point & 1) - centerX;
        const dy = y + 0.25 + 0.25 * (point & 2) - centerY;
        if (inside(cosine * dx + sine * dy, cosine * dy - sine * dx)) cover += 0.25;
      }
      const light = (slope[0]! * (x - size / 2) + slope[1]! * (y - size / 2)) / size;
      const onLine = Math.abs(lineX * (x - size / 2) + lineY * (y - size / 2) - lineAt) < 0.6;
      for (let channel = 0; channel < 3; channel++) {
        const behind = (onLine ? lineColor[channel]! : ground[channel]!) + light;
        const at = (y * size + x) * 3 + channel;
        const value = cover * paint[channel]! + (1 - cover) * behind + noise * grain[at]!;
        pixels[at] = Math.max(0, Math.min(255, Math.round(value)));
      }
    }
  }
}

/** A colour far enough from `ground` to be seen: one that is not gets its channels mirrored. */
function contrasting(ground: readonly number[], between: (low: number, high: number) => number): number[] {
  const paint = ground.map(() => between(10, 245));
  const distance = Math.hypot(...paint.map((value, channel) => value - ground[channel]!));
  return distance > 90 ? paint : ground.map((value) => (value < 128 ? value + 110 : value - 110));
}
