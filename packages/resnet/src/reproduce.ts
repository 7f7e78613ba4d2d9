/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import { evaluationBatches, preparationSteps } from '@milestones/datasets';
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
import { configSchema, type RunConfig } from './config.ts';
import { deviations } from './deviations.ts';
import { comparisons, initialGradientRatio, metricName, netsOf, type Net } from './experiments.ts';
import { ResNet } from './model.ts';
import { loadImages, type ImageSplits } from './node/images.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { createOptimizer, train, type Classifier } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'resnet',
      title: 'Deep residual learning (He et al. 2015)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const nets = netsOf(command.config);
    const facts = {
      parameters: nets.reduce((sum, net) => sum + net.build().parameterCount(), 0),
      steps: nets.length * command.config.training.steps,
    };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const images = await loadImages(command.config.data, command.seed, loaderOptions(command));
    checkImages(command.config, images);
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
  const start: Position = (run.checkpoint?.state['position'] as Position | undefined) ?? { net: 0, step: 0, final: {} };
  const { final } = start;
  const progress = run.progress({ total: nets.length * steps });

  for (const [index, net] of nets.entries()) {
    if (index < start.net) continue;
    const resumed = index === start.net && run.checkpoint !== null ? run.checkpoint : undefined;
    if (resumed === undefined) Object.assign(final, gradientRatio(net, command, images));
    const model = net.build().initialize(command.seed);
    const optimizer = createOptimizer(model, net.training);
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
        startStep: resumed === undefined ? 0 : start.step,
        events: {
          onLoss: (step, loss, learningRate) => {
            run.log(step, { [metricName(net, 'batchLoss')]: loss, [metricName(net, 'learningRate')]: learningRate });
            last = { ...last, loss };
          },
          onEvaluation: (step, scores) => {
            const named = Object.entries(scores).flatMap(([set, { loss, accuracy }]) => [
              // Early on, a deep plain net may overflow here, where batch norm uses estimates that are still far off; a
              // net that has gone wrong is noticed by its batch loss.
              ...(Number.isFinite(loss) ? [[metricName(net, `${set}Loss`), loss]] : []),
              [metricName(net, `${set}Accuracy`), accuracy],
            ]);
            run.log(step, Object.fromEntries(named) as Record<string, number>);
            Object.assign(final, Object.fromEntries(named));
            const { loss, accuracy } = Object.values(scores).at(-1)!;
            last = { ...last, accuracy };
            const where = nets.length === 1 ? '' : `${net.name}, `;
            progress.note(`${where}step ${step}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(2)} %`);
          },
          onStep: async (step, checkpointDue) => {
            progress.update(index * steps + step, last);
            if (checkpointDue || run.stopping) {
              const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
              const position: Position = { net: index, step, final };
              await run.saveCheckpoint({ step: index * steps + step, tensors, state: { position } });
            }
            return run.stopping;
          },
        },
      });
      if (run.stopping) return run.interrupted();
      if (model instanceof ResNet) await saveModel(model, run, net, images);
    } finally {
      optimizer.dispose();
      model.dispose();
    }
  }
  return run.finish({
    steps: nets.length * steps,
    metrics: { ...final, ...comparisons(command.config, final) },
    charts: chartsOf(nets, images),
    notes: notesOf(images),
  });
}

/** Test images are seen at every evaluation where none are held out; nothing in the training depends on them. */
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
  return { ...(count > 0 && { train: part }), ...(validation && { validation }), test };
}

async function saveModel(model: ResNet, run: Run, net: Net, images: ImageSplits): Promise<void> {
  model.classNames = images.train.classNames;
  model.preprocessing = images.preprocessing;
  await savePretrained(model, join(run.folder, net.prefix === '' ? 'model' : `model-${net.name}`));
}

function restore(
  tensors: NonNullable<Run['checkpoint']>['tensors'],
  targets: { model: Classifier; optimizer: ReturnType<typeof createOptimizer> },
): void {
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

/** Of an untrained dense net, on its first images; nothing for the others. */
function gradientRatio(net: Net, { config, seed }: Command<RunConfig>, images: ImageSplits): Record<string, number> {
  const dense = /^mlp-(plain|residual)-(\d+)$/.exec(net.name);
  if (dense === null) return {};
  const steps = preparationSteps(images.preprocessing, images.train);
  const [batch] = evaluationBatches(images.train, config.training.batchSize, steps);
  const inputs = tf.tensor4d(batch!.images, batch!.shape);
  const labels = tf.tensor1d(batch!.labels, 'int32');
  const options = {
    ...config.mlp,
    identityStart: false, // Blocks that begin as the identity pass no gradient to their own weights yet.
    inputs: inputs.size / batch!.shape[0],
    classes: images.train.classNames.length,
    residual: dense[1] === 'residual',
    depth: Number(dense[2]),
  };
  const ratio = initialGradientRatio(options, seed, inputs, labels);
  tf.dispose([inputs, labels]);
  return { [metricName(net, 'gradientRatio')]: ratio };
}

/** The configuration decides the number of weights before any image is loaded, so the images must fit it. */
function checkImages({ model }: RunConfig, { train: { name, channels, classNames } }: ImageSplits): void {
  if (model.inputChannels === channels && model.classes === classNames.length) return;
  throw new Error(
    `resnet: ${name} has ${channels} channels and ${classNames.length} classes, the model ${model.inputChannels} and ` +
      `${model.classes}; add --set model.inputChannels=${channels} --set model.classes=${classNames.length}.`,
  );
}

/** One chart for each kind of score, with a line for each network. */
function chartsOf(nets: Net[], { validation }: ImageSplits): Chart[] {
  const lines = (metrics: string[]): string[] =>
    nets.flatMap((net) => metrics.map((metric) => metricName(net, metric)));
  const sets = validation === undefined ? ['train', 'test'] : ['train', 'validation', 'test'];
  return [
    { title: 'Accuracy in percent', metrics: lines(sets.map((set) => `${set}Accuracy`)) },
    {
      title: 'Loss',
      metrics: lines([...(nets.length === 1 ? ['batchLoss'] : []), ...sets.map((set) => `${set}Loss`)]),
    },
    { title: 'Learning rate', metrics: [metricName(nets[0]!, 'learningRate')] },
  ];
}

function notesOf({ train: images, test, preprocessing }: ImageSplits): string[] {
  return [
    `Trained on ${images.count} images of '${images.name}' and tested on ${test.count}; accuracies are in percent and of ` +
      `the last step, not the best. Mean ${preprocessing.mean.join(', ')}, deviation ${preprocessing.deviation.join(', ')}.`,
  ];
}
