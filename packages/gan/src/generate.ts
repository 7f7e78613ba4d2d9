/** Images from noise: samples, and the way from one sample to another. */
import { compile, tf } from '@milestones/backend';
import { Random } from '@milestones/core';
import type { ImageGenerator } from './model.ts';

/** Numbers of mean 0 and variance 1: U(−√3, √3) or N(0, 1). */
export function drawNoise(generator: Pick<ImageGenerator, 'noise' | 'noiseSize'>, count: number, random: Random) {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`drawNoise: ${count} rows were asked for; give a whole number of at least 1.`);
  }
  const size = count * generator.noiseSize;
  if (generator.noise === 'gaussian') return random.normalArray(size);
  return random.uniformArray(size).map((value) => Math.sqrt(3) * (2 * value - 1));
}

/**
 * Images of given noise, from 0 to 1. The generator is in evaluation mode meanwhile: batch normalisation then uses its
 * running estimates, so that an image depends on its own noise only.
 *
 * @param noise [N, Z], flat
 * @param batchSize images made at a time; changes no number but for rounding
 * @returns [N, P], flat
 */
export async function generateFrom(
  generator: ImageGenerator,
  noise: Float32Array,
  batchSize = 500,
): Promise<Float32Array> {
  const { noiseSize } = generator;
  const count = noise.length / noiseSize;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(
      `generateFrom: ${noise.length} numbers of noise arrived; this generator takes ${noiseSize} for each image, whole rows.`,
    );
  }
  const bad = noise.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new Error(`generateFrom: the noise holds ${noise[bad]} at place ${bad}; give finite numbers, of variance 1.`);
  }
  const wasTraining = generator.training;
  generator.eval();
  const step = compile((z: tf.Tensor2D) => generator.toPixels(generator.forward(z)));
  const pixels = generator.imageShape.reduce((product, size) => product * size, 1);
  const images = new Float32Array(count * pixels);
  try {
    for (let start = 0; start < count; start += batchSize) {
      const rows = Math.min(batchSize, count - start);
      const z = tf.tensor2d(noise.subarray(start * noiseSize, (start + rows) * noiseSize), [rows, noiseSize]);
      const result = await step(z);
      images.set((await result.data<'float32'>()).map(withoutRounding), start * pixels);
      tf.dispose([z, result]);
    }
  } finally {
    await step.dispose();
    if (wasTraining) generator.train();
  }
  return images;
}

/** An engine's sigmoid may round to a little more than 1 (1.0000001 was seen); what is further off stays, to be reported. */
function withoutRounding(pixel: number): number {
  const nearest = Math.min(1, Math.max(0, pixel));
  return Math.abs(pixel - nearest) < 1e-6 ? nearest : pixel;
}

/** `count` images of noise drawn by `seed`: [count, P], flat, from 0 to 1. */
export function sampleImages(generator: ImageGenerator, count: number, seed: number): Promise<Float32Array> {
  return generateFrom(generator, drawNoise(generator, count, new Random(seed, 'samples')));
}

/**
 * Ways through the noise: each row goes in a straight line from one draw to another. Goodfellow et al. 2014, figure 3.
 *
 * @returns rows · columns images, [N, P], flat
 */
export function interpolateImages(
  generator: ImageGenerator,
  { rows, columns, seed }: { rows: number; columns: number; seed: number },
): Promise<Float32Array> {
  if (!Number.isSafeInteger(columns) || columns < 2) {
    throw new Error(`interpolateImages: ${columns} columns were asked for; a way has at least its 2 ends.`);
  }
  const { noiseSize } = generator;
  const ends = drawNoise(generator, 2 * rows, new Random(seed, 'interpolation'));
  const noise = new Float32Array(rows * columns * noiseSize);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const share = column / (columns - 1);
      for (let index = 0; index < noiseSize; index++) {
        const [from, to] = [ends[2 * row * noiseSize + index]!, ends[(2 * row + 1) * noiseSize + index]!];
        noise[(row * columns + column) * noiseSize + index] = (1 - share) * from + share * to;
      }
    }
  }
  return generateFrom(generator, noise);
}
