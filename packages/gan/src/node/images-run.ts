/** Trains the two players on images, scores them along the way, and reports. Node only. */
import { join } from 'node:path';
import { tf } from '@milestones/backend';
import { dataToTensors, Random } from '@milestones/core';
import { imageGrid } from '@milestones/datasets';
import { encodePng } from '@milestones/datasets/node';
import type { Chart, Run } from '@milestones/reproduce';
import { classifierAccuracy, classify, classShares, trainClassifier } from '../classifier.ts';
import type { RunConfig } from '../config.ts';
import { DcganGenerator } from '../dcgan.ts';
import { drawNoise, generateFrom, interpolateImages, sampleImages } from '../generate.ts';
import { Generator, type ImageGenerator } from '../model.ts';
import { pixelsOf, type ImageSplits } from './images.ts';
import { saveGenerator } from './save-generator.ts';
import { parzenLogLikelihood, type ParzenScore } from '../parzen.ts';
import { SaturationWatch, type SaturationState } from '../saturation.ts';
import { createOptimizers, train, type Players } from '../train.ts';

/** What a checkpoint holds besides tensors; plain JSON. */
interface Position {
  saturation: SaturationState;
  /** The last scores. */
  final: Record<string, number>;
}

const seriesOf = (score: ParzenScore): Record<string, number> => ({
  parzen: score.mean,
  parzenError: score.standardError,
  parzenSigma: score.sigma,
  validationParzen: Math.max(...score.validation.map(({ mean }) => mean)),
});

/** The whole experiment; returns the exit code. */
export async function runImages(
  config: RunConfig,
  seed: number,
  run: Run,
  images: ImageSplits,
  players: Players,
): Promise<number> {
  const { generator, discriminator } = players;
  requireFittingImages(generator, images);
  generator.initialize(seed);
  discriminator.initialize(seed + 1);
  if (generator instanceof Generator) generator.setOutputBias(pixelsOf(images.train));
  const optimizers = createOptimizers(players, config.training);
  const stored = run.checkpoint?.state['position'] as Position | undefined;
  const final: Record<string, number> = { ...stored?.final };
  const saturation = new SaturationWatch(config.training.saturation, stored?.saturation);
  if (run.checkpoint !== null) restore(run.checkpoint.tensors, { ...players, optimizers });
  const { steps } = config.training;
  const progress = run.progress({ total: steps });
  const evaluate = evaluationOf(config, seed, run, images, generator);
  try {
    if (run.checkpoint === null) {
      final['untrainedParzen'] = (await evaluate(0)).mean;
    }
    await train({
      players,
      optimizers,
      images: images.train,
      config: config.training,
      seed,
      startStep: run.checkpoint?.step ?? 0,
      saturation,
      events: {
        onLosses: (step, losses, learningRate) => {
          run.log(step, { ...losses, learningRate });
          Object.assign(final, { discriminatorLoss: losses.discriminatorLoss, generatorLoss: losses.generatorLoss });
        },
        onSaturation: (_step, message) => progress.note(message),
        onEvaluation: async (step) => {
          const score = await evaluate(step);
          run.log(step, seriesOf(score));
          Object.assign(final, seriesOf(score));
          progress.note(
            `step ${step}: Parzen ${score.mean.toFixed(1)} ± ${score.standardError.toFixed(1)} nats, sigma ${score.sigma.toFixed(3)}`,
          );
        },
        onStep: async (step, checkpointDue) => {
          progress.update(step, final['parzen'] === undefined ? {} : { parzen: final['parzen'] });
          if (checkpointDue || run.stopping) {
            const position: Position = { saturation: saturation.state, final };
            const tensors = {
              generator: generator.stateDict(),
              discriminator: discriminator.stateDict(),
              generatorOptimizer: optimizers.generator.stateDict(),
              discriminatorOptimizer: optimizers.discriminator.stateDict(),
            };
            await run.saveCheckpoint({ step, tensors, state: { position } });
          }
          return run.stopping;
        },
      },
    });
    if (run.stopping) return run.interrupted();
  } finally {
    optimizers.generator.dispose();
    optimizers.discriminator.dispose();
  }
  const classes = await countClasses(config, seed, images, generator);
  await savePictures(config, seed, run, generator);
  if (generator instanceof Generator || generator instanceof DcganGenerator) {
    await saveGenerator(generator, join(run.folder, 'model'));
  }
  return run.finish({
    steps,
    metrics: {
      ...final,
      parzenGain: final['parzen']! - final['untrainedParzen']!,
      saturatedSteps: saturation.state.saturatedSteps,
      ...classes.metrics,
    },
    charts,
    notes: notesOf(config, images, final, saturation, classes.shares),
  });
}

const charts: Chart[] = [
  { title: 'Parzen log-likelihood in nats', metrics: ['parzen', 'validationParzen'] },
  { title: 'Losses: at equilibrium ln 4 and ln 2', metrics: ['discriminatorLoss', 'generatorLoss'] },
  { title: 'Share judged rightly by the discriminator', metrics: ['realRight', 'generatedRight'] },
];

function requireFittingImages(
  { imageShape }: ImageGenerator,
  { train: { name, height, width, channels } }: ImageSplits,
) {
  const [H, W, C] = imageShape;
  if (H === height && W === width && C === channels) return;
  throw new Error(
    `gan: ${name} has images of ${height}×${width}×${channels} and the networks make ${H}×${W}×${C}; set model.imageSize ` +
      '(or dcgan.imageSize and dcgan.channels) to fit.',
  );
}

/** Scores the generator and saves its images of always the same noise, so that the pictures tell how they change. */
function evaluationOf(config: RunConfig, seed: number, run: Run, images: ImageSplits, generator: ImageGenerator) {
  const { evaluation } = config;
  const noise = drawNoise(generator, evaluation.gridImages, new Random(seed, 'fixed noise'));
  const [validation, test] = [pixelsOf(images.validation), pixelsOf(images.test)];
  const pixels = validation.length / images.validation.count;
  return async (step: number): Promise<ParzenScore> => {
    await savePicture(
      run,
      `step-${String(step).padStart(6, '0')}.png`,
      await generateFrom(generator, noise),
      generator,
    );
    const samples = await sampleImages(generator, evaluation.samples, seed);
    return parzenLogLikelihood(samples, validation, test, {
      pixels,
      sigmaRange: [evaluation.sigmaLow, evaluation.sigmaHigh],
      sigmaCount: evaluation.sigmaCount,
      sigmaImages: evaluation.sigmaImages,
    });
  };
}

async function savePicture(
  run: Run,
  name: string,
  images: Float32Array,
  { imageShape: [height, width, channels] }: ImageGenerator,
  columns?: number,
): Promise<void> {
  const grid = imageGrid(
    images,
    { height, width, channels: channels === 3 ? 3 : 1 },
    columns === undefined ? {} : { columns },
  );
  await run.saveSample(name, encodePng(grid));
}

async function savePictures({ evaluation }: RunConfig, seed: number, run: Run, generator: ImageGenerator) {
  await savePicture(run, 'samples.png', await sampleImages(generator, evaluation.gridImages, seed), generator);
  const ways = await interpolateImages(generator, { rows: 10, columns: 10, seed });
  await savePicture(run, 'interpolations.png', ways, generator, 10);
}

/** Which classes the generator makes, by a classifier trained on the real images; in percent. */
async function countClasses({ evaluation }: RunConfig, seed: number, images: ImageSplits, generator: ImageGenerator) {
  const classifier = await trainClassifier(images.train, { epochs: evaluation.classifierEpochs, seed });
  try {
    const samples = await sampleImages(generator, evaluation.classSamples, seed + 1);
    const shares = classShares(await classify(classifier, samples), classifier.classes);
    const metrics = {
      classifierAccuracy: await classifierAccuracy(classifier, images.test),
      smallestClass: Math.min(...shares),
      largestClass: Math.max(...shares),
    };
    return { shares, metrics };
  } finally {
    classifier.dispose();
  }
}

function restore(
  tensors: NonNullable<Run['checkpoint']>['tensors'],
  { generator, discriminator, optimizers }: Players & { optimizers: ReturnType<typeof createOptimizers> },
): void {
  const targets = {
    generator,
    discriminator,
    generatorOptimizer: optimizers.generator,
    discriminatorOptimizer: optimizers.discriminator,
  };
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

function notesOf(
  { evaluation }: RunConfig,
  { train: images, validation, test }: ImageSplits,
  final: Readonly<Record<string, number>>,
  saturation: SaturationWatch,
  shares: readonly number[],
): string[] {
  const { samples, sigmaImages, sigmaLow, sigmaHigh, sigmaCount, classSamples } = evaluation;
  const sigma = final['parzenSigma']!;
  const atEdge = Math.abs(sigma - sigmaLow) < 1e-9 || Math.abs(sigma - sigmaHigh) < 1e-9;
  const listed = shares.map((share, index) => `${test.classNames[index]} ${share.toFixed(1)}`).join(', ');
  const saturated = saturation.message();
  return [
    `Trained on ${images.count} images of '${images.name}'. Log-likelihood: Parzen window on ${samples} generated images, ` +
      `sigma ${sigma.toFixed(3)} out of ${sigmaCount} from ${sigmaLow} to ${sigmaHigh} by the first ` +
      `${Math.min(sigmaImages, validation.count)} validation images; mean over ${test.count} test images, ` +
      `${final['parzen']!.toFixed(1)} ± ${final['parzenError']!.toFixed(1)} nats.`,
    ...(atEdge ? ['The chosen sigma is the smallest or the largest: a wider range may give more.'] : []),
    `Classes of ${classSamples} generated images, by a classifier trained on real ones, in percent: ${listed}.`,
    saturated ?? 'The discriminator was never saturated.',
  ];
}
