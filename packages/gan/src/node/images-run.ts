/** Trains the two players on images, scores them along the way, and reports. Node only. */
import { join } from 'node:path';
import { tf } from '@milestones/backend';
import { dataToTensors, Random, WeightAverage } from '@milestones/core';
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

/** A score under the names that a run logs it by: `parzen…` of the last weights, `averagedParzen…` of their average. */
const seriesOf = (score: ParzenScore, name: 'parzen' | 'averagedParzen' = 'parzen'): Record<string, number> => ({
  [name]: score.mean,
  [`${name}Error`]: score.standardError,
  [`${name}Sigma`]: score.sigma,
  [name === 'parzen' ? 'validationParzen' : 'averagedValidationParzen']: Math.max(
    ...score.validation.map(({ mean }) => mean),
  ),
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
  const weights = generator.trainableParameters();
  const { averageDecay } = config.training;
  const average = averageDecay > 0 ? new WeightAverage({ decay: averageDecay }).initialize(weights) : undefined;
  const stored = run.checkpoint?.state['position'] as Position | undefined;
  const final: Record<string, number> = { ...stored?.final };
  const saturation = new SaturationWatch(config.training.saturation, stored?.saturation);
  if (run.checkpoint !== null) restore(run.checkpoint.tensors, { ...players, optimizers, average });
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
      average,
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
          const found = seriesOf(score);
          progress.note(`step ${step}: Parzen ${described(score)}`);
          if (average !== undefined) {
            average.swapIn(weights);
            const averaged = await evaluate(step, 'averaged-');
            average.swapOut();
            Object.assign(found, seriesOf(averaged, 'averagedParzen'));
            progress.note(`step ${step}: Parzen of the averaged weights ${described(averaged)}`);
          }
          run.log(step, found);
          Object.assign(final, found);
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
              ...(average && { generatorAverage: average.stateDict() }),
            };
            await run.saveCheckpoint({ step, tensors, state: { position } });
          }
          return run.stopping;
        },
      },
    });
    if (run.stopping) return run.interrupted();
    average?.swapIn(weights); // What is counted, drawn and saved from here on.
  } finally {
    optimizers.generator.dispose();
    optimizers.discriminator.dispose();
    average?.dispose();
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
  { title: 'Parzen log-likelihood in nats', metrics: ['parzen', 'validationParzen', 'averagedParzen'] },
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
  return async (step: number, kind = ''): Promise<ParzenScore> => {
    await savePicture(
      run,
      `${kind}step-${String(step).padStart(6, '0')}.png`,
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

const described = ({ mean, standardError, sigma }: ParzenScore): string =>
  `${mean.toFixed(1)} ± ${standardError.toFixed(1)} nats, sigma ${sigma.toFixed(3)}`;

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
  {
    generator,
    discriminator,
    optimizers,
    average,
  }: Players & { optimizers: ReturnType<typeof createOptimizers>; average: WeightAverage | undefined },
): void {
  const targets = {
    generator,
    discriminator,
    generatorOptimizer: optimizers.generator,
    discriminatorOptimizer: optimizers.discriminator,
    ...(average && { generatorAverage: average }),
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
    ...(final['averagedParzen'] === undefined
      ? []
      : [
          `With the moving average of the generator's weights: ${final['averagedParzen'].toFixed(1)} ± ` +
            `${final['averagedParzenError']!.toFixed(1)} nats. The classes below, the pictures without a step in their name ` +
            'and the saved model are of the average.',
        ]),
    ...(atEdge ? ['The chosen sigma is the smallest or the largest: a wider range may give more.'] : []),
    `Classes of ${classSamples} generated images, by a classifier trained on real ones, in percent: ${listed}.`,
    saturated ?? 'The discriminator was never saturated.',
  ];
}
