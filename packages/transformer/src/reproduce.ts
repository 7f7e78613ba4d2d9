/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors, WeightAverage } from '@milestones/core';
import type { ParallelText, Tokenizer } from '@milestones/datasets';
import {
  describeCommand,
  loaderOptions,
  openRun,
  parseCommand,
  runMain,
  type Command,
  type Run,
} from '@milestones/reproduce';
import { configSchema, type RunConfig } from './config.ts';
import { deviations } from './deviations.ts';
import { Transformer } from './model.ts';
import { compareEvaluations, readComparedRun, type Evaluation } from './node/compared-run.ts';
import { finalTest } from './node/final-test.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { learnTokenizers, loadTranslationData, tokenPairs, type TranslationData } from './node/translation-data.ts';
import { createEvaluateStep, createOptimizer, evaluate, train, trainingBatches, validationBatches } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'transformer',
      title: 'The Transformer (Vaswani et al. 2017)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const untrained = new Transformer(command.config.model);
    const facts = { parameters: untrained.parameterCount(), steps: command.config.training.steps };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const data = await loadTranslationData(command.config.data, command.seed, loaderOptions(command));
    const tokenizers = learnTokenizers(command.config.data, data);
    checkTokenizers(tokenizers, command.config, data.train);
    const compared = readComparedRun(command);
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    const model = untrained.initialize(command.seed);
    model.tokenizers = tokenizers;
    try {
      return await trainAndReport(command, run, model, data, compared);
    } finally {
      run.close();
      model.dispose();
    }
  });
}

async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  model: Transformer,
  data: TranslationData,
  compared: readonly Evaluation[] | undefined,
): Promise<number> {
  const { training, decoding, averaging, comparison } = command.config;
  const tokenizers = model.tokenizers!;
  const pairs = { train: tokenPairs(data.train, tokenizers), validation: tokenPairs(data.validation, tokenizers) };
  const optimizer = createOptimizer(model, training);
  const average = new WeightAverage().initialize(model.trainableParameters());
  // What the evaluations saw is part of the checkpoint: a run that resumes at its end reports it again.
  const evaluations = (run.checkpoint?.state['evaluations'] as Evaluation[] | undefined) ?? [];
  if (run.checkpoint !== null) restore(run, { model, optimizer, average });
  const progress = run.progress({ total: training.steps });
  const epoch = trainingBatches({ data: pairs, config: training, seed: command.seed, model });
  progress.note(`${epoch.batchesPerEpoch} steps an epoch, batches of lengths ${JSON.stringify(epoch.buckets)}`);
  const averageEvery = averaging.every === 0 ? epoch.batchesPerEpoch : averaging.every;
  const isAveraged = (step: number): boolean =>
    (training.steps - step) % averageEvery === 0 && (training.steps - step) / averageEvery < averaging.points;

  let last: Record<string, number> = {};
  const done = await train({
    model,
    optimizer,
    config: training,
    seed: command.seed,
    data: pairs,
    startStep: run.checkpoint?.step ?? 0,
    events: {
      onLoss: (step, loss, learningRate) => {
        run.log(step, { batchLoss: loss, learningRate });
        last = { ...last, loss };
      },
      onEvaluation: (step, { loss, perplexity, batchMeanPerplexity, accuracy }) => {
        const scores = {
          validationLoss: loss,
          validationPerplexity: perplexity,
          validationPerplexityByBatch: batchMeanPerplexity,
          validationAccuracy: accuracy,
        };
        run.log(step, scores);
        evaluations.push({ step, ...scores });
        last = { ...last, perplexity };
        progress.note(
          `step ${step}: validation perplexity ${perplexity.toFixed(3)}, by batch ${batchMeanPerplexity.toFixed(3)}, ` +
            `accuracy ${accuracy.toFixed(2)} %`,
        );
      },
      onStep: async (step, checkpointDue) => {
        if (isAveraged(step)) average.update(model.trainableParameters());
        progress.update(step, last);
        const stop = run.stopping;
        if (checkpointDue || stop) {
          const tensors = {
            model: model.stateDict(),
            optimizer: optimizer.stateDict(),
            average: average.stateDict(),
          };
          await run.saveCheckpoint({ step, tensors, state: { evaluations } });
        }
        return stop;
      },
    },
  });
  optimizer.dispose();
  if (run.stopping && done < training.steps) return run.interrupted();

  model.eval();
  await savePretrained(model, join(run.folder, 'model'));
  const { step: _, ...scores } = evaluations.at(-1)!;
  const metrics: Record<string, number> = {
    ...scores,
    bestValidationPerplexity: Math.min(...evaluations.map(({ validationPerplexity }) => validationPerplexity)),
    ...(compared && compareEvaluations(evaluations, compared, comparison.evaluations)),
  };
  const tested = await finalTest(run, model, data, decoding);
  Object.assign(metrics, tested.metrics);
  if (averaging.points > 1) {
    average.swapIn(model.trainableParameters());
    await savePretrained(model, join(run.folder, 'model-averaged'));
    const step = createEvaluateStep(model);
    const { perplexity, accuracy } = await evaluate(model, step, validationBatches(pairs.validation, model));
    await step.dispose();
    const named = { validationPerplexity: perplexity, validationAccuracy: accuracy };
    Object.assign(
      metrics,
      prefixed('averaged', { ...named, ...(await finalTest(run, model, data, decoding)).metrics }),
    );
  }
  average.dispose();
  return run.finish({
    steps: done,
    metrics,
    charts: [
      { title: 'Validation perplexity', metrics: ['validationPerplexity'] },
      { title: 'Loss', metrics: ['batchLoss', 'validationLoss'] },
      { title: 'Validation accuracy in percent', metrics: ['validationAccuracy'] },
      { title: 'Learning rate', metrics: ['learningRate'] },
    ],
    notes: notesOf(command, data, tested.signatures, metrics),
  });
}

/** `testBleu` → `averagedTestBleu` */
function prefixed(prefix: string, metrics: Readonly<Record<string, number>>): Record<string, number> {
  const named = Object.entries(metrics).map(
    ([name, value]) => [`${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`, value] as const,
  );
  return Object.fromEntries(named);
}

function restore(
  run: Run,
  targets: { model: Transformer; optimizer: ReturnType<typeof createOptimizer>; average: WeightAverage },
): void {
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(run.checkpoint!.tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

/** The counts in the configuration are public (they decide the number of weights), so they must be the text's own. */
function checkTokenizers(
  { source, target }: { source: Tokenizer; target: Tokenizer },
  { model }: RunConfig,
  text: ParallelText,
): void {
  if (source.vocabularySize === model.sourceVocabulary && target.vocabularySize === model.targetVocabulary) return;
  throw new Error(
    `transformer: '${text.name}' has ${source.vocabularySize} source and ${target.vocabularySize} target tokens, the model ` +
      `${model.sourceVocabulary} and ${model.targetVocabulary}; add --set model.sourceVocabulary=${source.vocabularySize} ` +
      `--set model.targetVocabulary=${target.vocabularySize}.`,
  );
}

function notesOf(
  { config }: Command<RunConfig>,
  data: TranslationData,
  signatures: string[],
  metrics: Readonly<Record<string, number>>,
): string[] {
  const { tokens, set, minimumCount, merges } = config.data;
  const kind =
    tokens === 'bytePairs'
      ? `byte pairs (${merges} merges at most, of both languages)`
      : set === 'numberWords'
        ? 'letters'
        : `lower-cased words split by rules, those that occur fewer than ${minimumCount} times unknown`;
  return [
    `Trained on ${data.train.source.length} pairs of '${data.train.name}', watched by ${data.validation.source.length} and ` +
      `tested on ${data.test.source.length}. Perplexity and accuracy are per target token and its end token, given the right ` +
      `tokens before it; tokens are ${kind}. ByBatch: the mean of the mean losses of batches of 128 sorted by length, as ` +
      'published scripts print it; short sentences weigh more there.',
    `testBleu is on the words of the target tokenizer (${signatures[0]}), testBleu13a on detokenized text in lower case ` +
      `(${signatures[1]}); Greedy: one beam instead of ${config.decoding.beams}. testExact is the share of translations that ` +
      'are the reference, letter for letter, in percent.',
    ...averagingNotes(config, metrics),
  ];
}

/** The mean of late weights beside the last ones. Section 6.1. */
function averagingNotes(
  { averaging: { points, every } }: RunConfig,
  metrics: Readonly<Record<string, number>>,
): string[] {
  if (points < 2) return [];
  const both = (metric: string, averaged: string): string =>
    `${metrics[averaged]!.toFixed(2)} where the last weights alone have ${metrics[metric]!.toFixed(2)}`;
  return [
    `Mean of the weights at the last ${points} points, ${every === 0 ? 'an epoch' : `${every} steps`} apart: validation ` +
      `perplexity ${both('validationPerplexity', 'averagedValidationPerplexity')}, testBleu ` +
      `${both('testBleu', 'averagedTestBleu')}, testBleu13a ${both('testBleu13a', 'averagedTestBleu13a')}.`,
  ];
}
