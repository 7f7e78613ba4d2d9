/**
 * What the estimator says of images that need no generator: real digits, and centres of k-means. Node only. The second
 * figure is above the first although no centre looks better than a digit (Theis et al. 2016).
 */
import { Random } from '@milestones/core';
import { imageGrid } from '@milestones/datasets';
import { encodePng } from '@milestones/datasets/node';
import type { Run } from '@milestones/reproduce';
import type { RunConfig } from '../config.ts';
import { kMeansCenters } from '../k-means.ts';
import { pixelsOf, type ImageSplits } from './images.ts';
import { parzenLogLikelihood } from '../parzen.ts';

/** The whole experiment; returns the exit code. */
export async function runParzen(
  { evaluation }: RunConfig,
  seed: number,
  run: Run,
  { train, validation, test }: ImageSplits,
): Promise<number> {
  const { samples: count, sigmaLow, sigmaHigh, sigmaCount, sigmaImages, kMeansIterations } = evaluation;
  const points = pixelsOf(train);
  const pixels = points.length / train.count;
  const wanted = Math.min(count, train.count);
  const score = (samples: Float32Array) =>
    parzenLogLikelihood(samples, pixelsOf(validation), pixelsOf(test), {
      pixels,
      sigmaRange: [sigmaLow, sigmaHigh],
      sigmaCount,
      sigmaImages,
    });
  const progress = run.progress({ total: kMeansIterations });
  const real = new Float32Array(wanted * pixels);
  for (const [row, index] of new Random(seed, 'real images').permutation(train.count).slice(0, wanted).entries()) {
    real.set(points.subarray(index * pixels, (index + 1) * pixels), row * pixels);
  }
  const ofReal = await score(real);
  progress.note(
    `real images: ${ofReal.mean.toFixed(1)} ± ${ofReal.standardError.toFixed(1)} nats, sigma ${ofReal.sigma.toFixed(3)}`,
  );
  if (run.stopping) return run.interrupted();
  const centers = await kMeansCenters(points, { pixels, centers: wanted, iterations: kMeansIterations, seed });
  progress.update(kMeansIterations);
  const ofCenters = await score(centers);
  const size = { height: train.height, width: train.width, channels: train.channels === 3 ? 3 : 1 } as const;
  await run.saveSample('centers.png', encodePng(imageGrid(centers.subarray(0, 100 * pixels), size)));
  return run.finish({
    steps: kMeansIterations,
    metrics: {
      realParzen: ofReal.mean,
      realError: ofReal.standardError,
      realSigma: ofReal.sigma,
      centersParzen: ofCenters.mean,
      centersError: ofCenters.standardError,
      centersSigma: ofCenters.sigma,
      centersGain: ofCenters.mean - ofReal.mean,
    },
    notes: [
      `${wanted} real training images, and as many centres after ${kMeansIterations} rounds of k-means on ${train.count}; ` +
        `scored on ${test.count} test images of '${test.name}'. Sigma ${ofReal.sigma.toFixed(3)} and ${ofCenters.sigma.toFixed(3)}.`,
    ],
  });
}
