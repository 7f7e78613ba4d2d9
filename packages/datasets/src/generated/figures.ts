/**
 * Generated figures: a body of coloured lines with a head, its limbs bent at random, with the places of its key points. Left
 * and right limbs have colours of their own, since nothing else tells a front from a back.
 */
import { Random } from '@milestones/core';
import { drawLine } from './digits.ts';

/** The points of a figure, in the order of `points`. Left is the figure's own, which faces us: the right side of the image. */
export const figurePoints: readonly string[] = ['head', 'left hand', 'right hand', 'left foot', 'right foot'];

/** What {@link generateFigures} makes. */
export interface FigureSet {
  /** [N, H, W, 3], flat. */
  readonly images: Uint8Array;
  /** [N, points, 2], flat: x and y in pixels from the upper left corner. */
  readonly points: Float32Array;
  /** [N], the longer side of the box around the points of each figure, in pixels. */
  readonly extents: Float32Array;
  readonly count: number;
  /** Height and width. */
  readonly size: number;
}

type Point = readonly [x: number, y: number];
type Color = readonly [red: number, green: number, blue: number];

const colors: Record<'head' | 'trunk' | 'left' | 'right', Color> = {
  head: [235, 200, 60],
  trunk: [60, 150, 80],
  left: [215, 60, 60],
  right: [70, 100, 220],
};

/**
 * One figure in each image.
 *
 * @param options as those of `generateDigits`; `size` from 16 to 512 pixels, default 32
 */
export function generateFigures(options: {
  count: number;
  seed?: number;
  part?: 'train' | 'test';
  size?: number;
}): FigureSet {
  const { count, seed = 1, part = 'train', size = 32 } = options;
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(size) || size < 16 || size > 512) {
    throw new Error(
      `generated figures: ${count} figures of ${size} pixels were asked for; give a whole number of at least 1, and a size ` +
        'from 16 to 512.',
    );
  }
  const random = new Random(seed, `generated figures/${part}`);
  const images = new Uint8Array(count * size * size * 3);
  const points = new Float32Array(count * figurePoints.length * 2);
  const extents = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const image = images.subarray(index * size * size * 3, (index + 1) * size * size * 3);
    const drawn = drawFigure(image, size, random.fork(String(index)));
    points.set(drawn.flat(), index * figurePoints.length * 2);
    const spread = (axis: 0 | 1): number => {
      const values = drawn.map((point) => point[axis]);
      return Math.max(...values) - Math.min(...values);
    };
    extents[index] = Math.max(spread(0), spread(1));
  }
  return { images, points, extents, count, size };
}

function drawFigure(image: Uint8Array, size: number, random: Random): Point[] {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const scale = size * between(0.6, 0.8);
  const lean = between(-0.5, 0.5);
  const [originX, originY] = [size * between(0.42, 0.58), size * between(0.42, 0.56)];
  const bones: [Point, Point, Color][] = [];
  /** From a point on by `length` at `angle` from straight down, positive towards the image's right. */
  const onward = ([x, y]: Point, angle: number, length: number): Point => [
    x + length * scale * Math.sin(angle),
    y + length * scale * Math.cos(angle),
  ];
  /** Two bones from `start`; the end is a key point. */
  const limb = (start: Point, angle: number, bend: number, length: number, color: Color): Point => {
    const joint = onward(start, angle + lean, length);
    const end = onward(joint, angle + bend + lean, length);
    bones.push([start, joint, color], [joint, end, color]);
    return end;
  };
  const hip = onward([originX, originY], lean, 0.12);
  const neck = onward(hip, lean + Math.PI, 0.32);
  const head = onward(neck, lean + Math.PI + between(-0.3, 0.3), 0.12);
  bones.push([hip, neck, colors.trunk]);
  const leftHand = limb(neck, between(0.2, 2.4), between(-0.2, 0.9), 0.17, colors.left);
  const rightHand = limb(neck, -between(0.2, 2.4), -between(-0.2, 0.9), 0.17, colors.right);
  const leftFoot = limb(hip, between(0.05, 0.8), between(-0.6, 0.1), 0.2, colors.left);
  const rightFoot = limb(hip, -between(0.05, 0.8), -between(-0.6, 0.1), 0.2, colors.right);
  const grain = random.normalArray(image.length);
  const [light, noise] = [between(15, 60), between(3, 12)];
  for (let index = 0; index < image.length; index++) image[index] = clamp(light + noise * grain[index]!);
  const pen = size * between(0.022, 0.034);
  for (const [from, to, color] of bones) paintLine(image, size, from, to, pen, color);
  paintLine(image, size, head, head, 0.08 * scale, colors.head);
  return [head, leftHand, rightHand, leftFoot, rightFoot];
}

function paintLine(image: Uint8Array, size: number, from: Point, to: Point, halfWidth: number, color: Color): void {
  const ink = new Float32Array(size * size);
  drawLine(from, to, halfWidth, size, ink);
  for (let index = 0; index < image.length; index++) {
    const cover = ink[Math.floor(index / 3)]!;
    if (cover > 0) image[index] = clamp(cover * color[index % 3]! + (1 - cover) * image[index]!);
  }
}

const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
