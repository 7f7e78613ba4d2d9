/**
 * Generated scenes: one to a few coloured shapes on a grey ground, with all that is known about them: which shape covers
 * each pixel, the box around each, its colour and its place. One set of images for tasks with different labels.
 */
import { Random } from '@milestones/core';
import { type Inside, insideOf } from './shapes.ts';

/** The shapes of {@link generateScenes}; a pixel's label in `masks` is the index plus 1. */
export const sceneShapes: readonly string[] = ['disc', 'square', 'triangle', 'plus'];

/** The colours of {@link generateScenes}. */
export const sceneColors: readonly string[] = ['red', 'green', 'blue', 'yellow'];

const paints: readonly (readonly [number, number, number])[] = [
  [215, 50, 45],
  [45, 165, 70],
  [50, 85, 215],
  [230, 205, 50],
];

/** One shape of a scene. Coordinates are pixels from the upper left corner of the image. */
export interface SceneObject {
  /** Index in {@link sceneShapes}. */
  readonly shape: number;
  /** Index in {@link sceneColors}. */
  readonly color: number;
  readonly center: readonly [x: number, y: number];
  /** Around all pixels of the shape. */
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
}

/** What {@link generateScenes} makes. */
export interface SceneSet {
  /** [N, H, W, 3], flat; 0 is black, 255 the full strength of a channel. */
  readonly images: Uint8Array;
  /** [N, H, W], flat: 0 for the ground, else 1 + the index of the shape. */
  readonly masks: Uint8Array;
  /** The shapes of each scene. */
  readonly objects: readonly (readonly SceneObject[])[];
  readonly count: number;
  /** Height and width. */
  readonly size: number;
}

/** What {@link generateScenes} needs. */
export interface GeneratedScenesOptions {
  /** How many scenes. */
  count: number;
  /** Default 1. The same seed makes the same scenes; a longer set of the same seed begins with the shorter. */
  seed?: number;
  /** Scenes for testing are drawn independently of those for training. Default `train`. */
  part?: 'train' | 'test';
  /** Height and width in pixels, from 16 to 512. Default 32. */
  size?: number;
  /** Fewest and most shapes in a scene, from 1 to 4; each number is equally likely. Default [1, 3]. */
  objects?: readonly [fewest: number, most: number];
}

/**
 * Scenes of shapes that do not touch.
 *
 * @throws when an option is not usable
 */
export function generateScenes(options: GeneratedScenesOptions): SceneSet {
  const { count, seed = 1, part = 'train', size = 32, objects: [fewest, most] = [1, 3] } = options;
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(size) || size < 16 || size > 512) {
    throw new Error(
      `generated scenes: ${count} scenes of ${size} pixels were asked for; give a whole number of at least 1, and a size ` +
        'from 16 to 512.',
    );
  }
  const usable = Number.isInteger(fewest) && Number.isInteger(most) && fewest >= 1 && fewest <= most && most <= 4;
  if (!usable || (part !== 'train' && part !== 'test')) {
    throw new Error(
      `generated scenes: ${fewest} to ${most} shapes of the part "${String(part)}" were asked for; give whole numbers from ` +
        "1 to 4, the lower first, and 'train' or 'test'.",
    );
  }
  const random = new Random(seed, `generated scenes/${part}`);
  const images = new Uint8Array(count * size * size * 3);
  const masks = new Uint8Array(count * size * size);
  const objects = Array.from({ length: count }, (_, index) => {
    const own = random.fork(String(index));
    const image = images.subarray(index * size * size * 3, (index + 1) * size * size * 3);
    paintGround(image, size, own);
    const mask = masks.subarray(index * size * size, (index + 1) * size * size);
    const places = placeShapes(fewest + own.integer(most - fewest + 1), size, own);
    return places.map((place) => paintShape(place, image, mask, size, own));
  });
  return { images, masks, objects, count, size };
}

interface Place {
  x: number;
  y: number;
  radius: number;
}

/** Circles that do not touch each other nor the edge. Where there is no room left, all are placed anew. */
function placeShapes(count: number, size: number, random: Random): Place[] {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  for (;;) {
    const places: Place[] = [];
    for (let attempt = 0; attempt < 20 * count && places.length < count; attempt++) {
      const radius = size * between(0.13, 0.21);
      const place = { x: between(radius, size - radius), y: between(radius, size - radius), radius };
      const apart = (other: Place): boolean => Math.hypot(other.x - place.x, other.y - place.y) > radius + other.radius;
      if (places.every(apart)) places.push(place);
    }
    if (places.length === count) return places;
  }
}

function paintGround(image: Uint8Array, size: number, random: Random): void {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const [light, slopeX, slopeY, noise] = [between(60, 190), between(-40, 40), between(-40, 40), between(3, 12)];
  const grain = random.normalArray(image.length);
  for (let index = 0; index < image.length; index++) {
    const pixel = Math.floor(index / 3);
    const slope = slopeX * ((pixel % size) / size - 0.5) + slopeY * (Math.floor(pixel / size) / size - 0.5);
    image[index] = Math.max(0, Math.min(255, Math.round(light + slope + noise * grain[index]!)));
  }
}

function paintShape(
  { x: centerX, y: centerY, radius }: Place,
  image: Uint8Array,
  mask: Uint8Array,
  size: number,
  random: Random,
): SceneObject {
  const shape = random.integer(sceneShapes.length);
  const color = random.integer(sceneColors.length);
  const inside: Inside = insideOf(sceneShapes[shape]!);
  const paint = paints[color]!.map((value) => Math.max(0, Math.min(255, value + 50 * (random.uniform() - 0.5))));
  const angle = 0.5 * (random.uniform() - 0.5);
  const [cosine, sine] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  let [left, top, right, bottom] = [size, size, 0, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let cover = 0; // Four points per pixel make the edges soft.
      for (let point = 0; point < 4; point++) {
        const dx = x + 0.25 + 0.5 * (point & 1) - centerX;
        const dy = y + 0.25 + 0.25 * (point & 2) - centerY;
        if (inside(cosine * dx + sine * dy, cosine * dy - sine * dx)) cover += 0.25;
      }
      if (cover === 0) continue;
      const pixel = y * size + x;
      for (let channel = 0; channel < 3; channel++) {
        const behind = image[pixel * 3 + channel]!;
        image[pixel * 3 + channel] = Math.round(cover * paint[channel]! + (1 - cover) * behind);
      }
      if (cover < 0.5) continue;
      mask[pixel] = shape + 1;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  }
  return { shape, color, center: [centerX, centerY], box: [left, top, right, bottom] };
}
