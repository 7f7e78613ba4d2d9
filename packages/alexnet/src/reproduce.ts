/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import {
  describeCommand,
  loaderOptions,
  openRun,
  parseCommand,
  runMain,
  type Chart,
  type Command,
  type Run,
} from '@milestones/reproduce';
import { CifarNet } from './cifar-net.ts';
import { configSchema, type RunConfig } from './config.ts';
import { deviations } from './deviations.ts';
import { comparisons, metricName, netsOf, notArrived, type Net } from './experiments.ts';
import { loadImages, type ImageSplits } from './node/images.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { GroupedDescent, train, type Classifier } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'alexnet',
      title: 'AlexNet (Krizhevsky et al. 2012)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const nets = netsOf(command.config);
    const facts = {
      parameters: Math.max(...nets.map((net) => net.build().parameterCount())),
      steps: nets.length * command.config.training.steps,
    };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const images = await loadImages(command.config, command.seed, loaderOptions(command));
    checkImages(command.config, nets, images);
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await trainAndReport(command, run, nets, images);
    } finally {
      run.close();
    }
  });
}

/** What a checkpoint holds besides tensors; plain JSON. */
interface Position {
  /** Index of the network that is being trained. */
  net: number;
  /** Its updates so far. */
  step: number;
  /** Whether it has reached the training error that it stops at. */
  ended: boolean;
  /** The last scores of every network so far. */
  final: Record<string, number>;
}

async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  nets: Net[],
  images: ImageSplits,
): Promise<number> {
  const { steps } = command.config.training;
  const stored = run.checkpoint?.state['position'] as Position | undefined;
  const { final, ...start } = stored ?? { net: 0, step: 0, ended: false, final: {} };
  const progress = run.progress({ total: nets.length * steps });
  let total = 0;

  for (const [index, net] of nets.entries()) {
    if (index < start.net) {
      total += final[metricName(net, 'stepsTrained')]!;
      continue;
    }
    const resumed = index === start.net && run.checkpoint !== null ? run.checkpoint : undefined;
    const model = net.build().initialize(command.seed);
    const optimizer = new GroupedDescent(model, net.training);
    if (resumed !== undefined) restore(resumed.tensors, { model, optimizer });
    let last: Record<string, number> = {};
    try {
      await train({
        model,
        optimizer,
        images: images.train,
        evaluated: evaluatedSets(images, net),
        preprocessing: images.preprocessing,
        config: net.training,
        seed: command.seed,
        startStep: resumed === undefined ? 0 : start.ended ? steps : start.step,
        events: {
          onLoss: (step, loss, learningRate) => {
            run.log(step, { [metricName(net, 'batchLoss')]: loss, [metricName(net, 'learningRate')]: learningRate });
            last = { ...last, loss };
          },
          onEvaluation: (step, scores) => {
            const named = Object.entries(scores).flatMap(([set, { loss, accuracy }]) => [
              [metricName(net, `${set}Loss`), loss],
              [metricName(net, `${set}Accuracy`), accuracy],
            ]);
            run.log(step, Object.fromEntries(named) as Record<string, number>);
            Object.assign(final, Object.fromEntries(named), { [metricName(net, 'stepsTrained')]: step });
            const { loss, accuracy } = Object.values(scores)[0]!;
            last = { ...last, accuracy };
            const where = nets.length === 1 ? '' : `${net.name}, `;
            const [set, unseen] = Object.entries(scores).at(-1)!;
            progress.note(
              `${where}step ${step}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(2)} %, ` +
                `${set} ${unseen.accuracy.toFixed(2)} %`,
            );
          },
          onStep: async (step, checkpointDue, ended) => {
            progress.update(index * steps + step, last);
            if (checkpointDue || run.stopping) {
              const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
              const position: Position = { net: index, step, ended, final };
              await run.saveCheckpoint({ step: index * steps + step, tensors, state: { position } });
            }
            return run.stopping;
          },
        },
      });
      if (run.stopping) return run.interrupted();
      if (model instanceof CifarNet) await saveModel(model, run, net, images);
    } finally {
      optimizer.dispose();
      model.dispose();
    }
    total += final[metricName(net, 'stepsTrained')]!;
  }
  return run.finish({
    steps: total,
    metrics: { ...final, ...comparisons(command.config, final) },
    charts: chartsOf(nets, images),
    notes: notesOf(command.config, images, final),
  });
}

/**
 * Nothing in the training depends on the test images; they are scored to draw the curve. A run that holds images out to
 * choose a setting by does not look at them.
 */
function evaluatedSets(
  { train: images, validation, test }: ImageSplits,
  { training }: Net,
): Record<string, typeof test> {
  const count = Math.min(training.trainImagesEvaluated, images.count);
  const size = images.images.length / images.count;
  const part = {
    ...images,
    images: images.images.subarray(0, count * size),
    labels: images.labels.slice(0, count),
    count,
  };
  return { ...(count > 0 && { train: part }), ...(validation === undefined ? { test } : { validation }) };
}

async function saveModel(model: CifarNet, run: Run, net: Net, images: ImageSplits): Promise<void> {
  model.classNames = images.train.classNames;
  model.preprocessing = images.preprocessing;
  await savePretrained(model, join(run.folder, net.prefix === '' ? 'model' : `model-${net.name}`));
}

function restore(
  tensors: NonNullable<Run['checkpoint']>['tensors'],
  targets: { model: Classifier; optimizer: GroupedDescent },
): void {
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

/** The configuration decides the number of weights before any image is loaded, so the images must fit it. */
function checkImages(
  { cifar, experiment }: RunConfig,
  nets: Net[],
  { train: { name, channels, classNames } }: ImageSplits,
): void {
  const { classes } = nets[0]!.build();
  const inputChannels = experiment.nets.includes('imagenet') ? 3 : cifar.inputChannels;
  if (classes === classNames.length && channels === inputChannels) return;
  throw new Error(
    `alexnet: ${name} has ${channels} channels and ${classNames.length} classes, the network ${inputChannels} and ` +
      `${classes}; set cifar.classes and imagenet.classes to ${classNames.length}, and cifar.inputChannels to ` +
      `${channels} (imagenet takes images in colour only).`,
  );
}

/** One chart for each kind of score, with a line for each network. */
function chartsOf(nets: Net[], { validation }: ImageSplits): Chart[] {
  const unseen = validation === undefined ? 'test' : 'validation';
  const lines = (metrics: string[]): string[] =>
    nets.flatMap((net) => metrics.map((metric) => metricName(net, metric)));
  const one = nets.length === 1;
  return [
    {
      title: 'Accuracy in percent',
      metrics: lines(nets.length > 2 ? ['trainAccuracy'] : ['trainAccuracy', `${unseen}Accuracy`]),
    },
    {
      title: 'Loss',
      metrics: lines([...(one ? ['batchLoss'] : []), 'trainLoss', ...(nets.length > 2 ? [] : [`${unseen}Loss`])]),
    },
    ...(one ? [{ title: 'Learning rate', metrics: lines(['learningRate']) }] : []),
  ];
}

function notesOf(
  config: RunConfig,
  { train: images, validation, test, preprocessing }: ImageSplits,
  final: Readonly<Record<string, number>>,
): string[] {
  const late = notArrived(config, final);
  const { stopAtTrainError, steps } = config.training;
  return [
    `Trained on ${images.count} images of '${images.name}' and tested on ${(validation ?? test).count}; accuracies are in percent and of ` +
      `the last step, not the best. The mean ${preprocessing.mean.join(', ')} is subtracted.`,
    ...(late.length === 0
      ? []
      : [
          `Had not arrived at ${stopAtTrainError} % training error after ${steps} steps, and count with these: ${late.join(', ')}.`,
        ]),
  ];
}
