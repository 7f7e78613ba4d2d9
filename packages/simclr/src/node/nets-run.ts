/** Trains the networks of a run one after the other, judges each, and reports. Node only. */
import { join } from 'node:path';
import { tf } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import { encodePng } from '@milestones/datasets/node';
import type { Chart, Command, Run } from '@milestones/reproduce';
import type { RunConfig } from '../config.ts';
import { comparisons, metricName, type Net } from '../experiments.ts';
import { judge, judgeBaselines, monitor, partnerAccuracy, viewsToPair, type ImageSplits } from '../judge.ts';
import { SimCLR } from '../model.ts';
import { neighborPicture } from '../neighbor-picture.ts';
import { representImages } from '../represent.ts';
import { createOptimizer, train, uniformLoss } from '../train.ts';
import { savePretrained } from './save-pretrained.ts';

/** What a checkpoint holds besides tensors; plain JSON. */
interface Position {
  /** Index of the network that is being trained. */
  net: number;
  /** Its updates so far. */
  step: number;
  /** The scores of every network so far. */
  final: Record<string, number>;
}

/** The whole experiment; returns the exit code. */
export async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  nets: Net[],
  images: ImageSplits,
): Promise<number> {
  const { config, seed } = command;
  const { steps } = config.training;
  const start: Position = (run.checkpoint?.state['position'] as Position | undefined) ?? { net: 0, step: 0, final: {} };
  const { final } = start;
  if (run.checkpoint === null) Object.assign(final, await baselines(command, nets[0]!, images));
  const progress = run.progress({ total: nets.length * steps });

  for (const [index, net] of nets.entries()) {
    if (index < start.net) continue;
    const resumed = index === start.net && run.checkpoint !== null;
    const model = new SimCLR(net.model).initialize(seed);
    const optimizer = createOptimizer(model, config.training);
    if (resumed) restore(run.checkpoint!.tensors, { model, optimizer });
    try {
      await train({
        model,
        optimizer,
        images: images.train,
        augmentation: net.augmentation,
        config: config.training,
        seed,
        startStep: resumed ? start.step : 0,
        events: {
          onLoss: (step, loss, learningRate) => {
            run.log(index * steps + step, { [metricName(net, 'loss')]: loss, ...(index === 0 && { learningRate }) });
            if (step === 1) final[metricName(net, 'firstLoss')] = loss;
            final[metricName(net, 'loss')] = loss;
          },
          onEvaluation: async (step) => {
            const knn = await monitor(model, images, config.evaluation);
            run.log(index * steps + step, { [metricName(net, 'monitorKnn')]: knn });
            progress.note(`${net.name}, step ${step}: ${knn.toFixed(1)} % by nearest neighbours among a few`);
          },
          onStep: async (step, checkpointDue) => {
            progress.update(index * steps + step, { loss: final[metricName(net, 'loss')]! });
            if (checkpointDue || run.stopping) {
              const position: Position = { net: index, step, final };
              const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
              await run.saveCheckpoint({ step: index * steps + step, tensors, state: { position } });
            }
            return run.stopping;
          },
        },
      });
      if (run.stopping) return run.interrupted();
      const scores = await judgeNet(command, run, net, model, images);
      Object.assign(final, scores);
      const shown = Object.entries(scores).map(([name, value]) => `${name} ${value.toFixed(1)}`);
      progress.note(`${shown.join(', ')} %`);
      model.imageSize = images.train.height;
      await savePretrained(model, join(run.folder, index === 0 ? 'model' : `model-${net.name}`));
    } finally {
      optimizer.dispose();
      model.dispose();
    }
  }
  return run.finish({
    steps: nets.length * steps,
    metrics: { ...final, ...comparisons(config, final) },
    charts: chartsOf(nets),
    notes: notesOf(config, images),
  });
}

/** What learning has to beat. */
async function baselines(
  { config, seed }: Command<RunConfig>,
  net: Net,
  images: ImageSplits,
): Promise<Record<string, number>> {
  const untrained = new SimCLR(net.model).initialize(seed);
  try {
    const views = await viewsToPair(images.test, config.augmentation, { count: config.evaluation.pairs, seed });
    const { pixels, random } = await judgeBaselines(untrained, images, config.evaluation, { views, seed });
    return {
      pixelsKnn: pixels.knn,
      pixelsLinear: pixels.linear,
      pixelsPartner: pixels.partner,
      randomKnn: random.knn,
      randomLinear: random.linear,
      randomPartner: random.partner,
    };
  } finally {
    untrained.dispose();
  }
}

/** Scores of h and, where there is a head, of z. With h come its neighbours as a picture. */
async function judgeNet(
  { config: { augmentation, evaluation }, seed }: Command<RunConfig>,
  run: Run,
  net: Net,
  model: SimCLR,
  images: ImageSplits,
): Promise<Record<string, number>> {
  const bank = await representImages(model, images.train, evaluation.batchSize);
  const queries = await representImages(model, images.test, evaluation.batchSize);
  const picture = await neighborPicture(
    { images: images.train, representations: bank.h },
    { images: images.test, representations: queries.h },
  );
  await run.saveSample(`neighbors-${net.name}.png`, encodePng(picture));
  const facts = { classes: images.train.classNames.length, seed };
  const h = await judge(bank.h, queries.h, evaluation, facts);
  // The whole run's policy, whatever part of it this network was trained with.
  const views = await viewsToPair(images.test, augmentation, { count: evaluation.pairs, seed });
  const paired = await representImages(model, views, evaluation.batchSize);
  const scores = {
    [metricName(net, 'knn')]: h.knn,
    [metricName(net, 'linear')]: h.linear,
    [metricName(net, 'partner')]: await partnerAccuracy(paired.h),
  };
  if (net.model.head === 'none') return scores;
  const z = await judge(bank.z, queries.z, evaluation, facts);
  return { ...scores, [metricName(net, 'zKnn')]: z.knn, [metricName(net, 'zLinear')]: z.linear };
}

function restore(
  tensors: NonNullable<Run['checkpoint']>['tensors'],
  targets: { model: SimCLR; optimizer: ReturnType<typeof createOptimizer> },
): void {
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

function chartsOf(nets: Net[]): Chart[] {
  return [
    { title: 'Loss', metrics: nets.map((net) => metricName(net, 'loss')) },
    {
      title: 'Nearest neighbours among a few, accuracy in percent',
      metrics: nets.map((net) => metricName(net, 'monitorKnn')),
    },
    { title: 'Learning rate', metrics: ['learningRate'] },
  ];
}

function notesOf({ training, evaluation }: RunConfig, images: ImageSplits): string[] {
  const { neighbors, voteTemperature, probeEpochs } = evaluation;
  const votes = voteTemperature === 0 ? 'that vote equally' : `weighed by exp(cosine / ${voteTemperature})`;
  return [
    `Trained without labels on ${images.train.count} images of '${images.train.name}', judged on ${images.test.count} of ` +
      `'${images.test.name}', accuracies in percent. Knn: ${neighbors} nearest neighbours by the cosine among the training ` +
      `images, ${votes}. Linear: logistic regression on frozen, standardised representations, ${probeEpochs} epochs. ` +
      'Random: the encoder of the first network before training, its batch norm settled on 40 batches.',
    `Partner: of two views of each of ${Math.min(evaluation.pairs, images.test.count)} test images, how many find the other ` +
      'one nearest among all.',
    `FirstLoss is of the first batch, before any update; ln(2N − 1) = ${uniformLoss(training.batchSize).toFixed(4)}.`,
  ];
}
