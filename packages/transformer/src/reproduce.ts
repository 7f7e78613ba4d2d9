/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import { WordTokenizer, type ParallelText, type Tokenizer } from '@milestones/datasets';
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
import { savePretrained } from './node/save-pretrained.ts';
import { learnTokenizers, loadTranslationData, tokenPairs, type TranslationData } from './node/translation-data.ts';
import { scoreTranslations } from './score-translations.ts';
import { createOptimizer, train, trainingBatches } from './train.ts';
import { translate } from './translate.ts';

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
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    const model = untrained.initialize(command.seed);
    model.tokenizers = tokenizers;
    try {
      return await trainAndReport(command, run, model, data);
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
): Promise<number> {
  const { training, decoding } = command.config;
  const tokenizers = model.tokenizers!;
  const pairs = { train: tokenPairs(data.train, tokenizers), validation: tokenPairs(data.validation, tokenizers) };
  const optimizer = createOptimizer(model, training);
  // What the last evaluation saw is part of the checkpoint: a run that resumes at its end reports it again.
  let final = (run.checkpoint?.state['final'] as Record<string, number> | undefined) ?? {};
  if (run.checkpoint !== null) restore(run, { model, optimizer });
  const progress = run.progress({ total: training.steps });
  const epoch = trainingBatches({ data: pairs, config: training, seed: command.seed, model });
  progress.note(`${epoch.batchesPerEpoch} steps an epoch, batches of lengths ${JSON.stringify(epoch.buckets)}`);

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
      onEvaluation: (step, { loss, perplexity, accuracy }) => {
        const best = Math.min(final['bestValidationPerplexity'] ?? Infinity, perplexity);
        final = { validationLoss: loss, validationPerplexity: perplexity, validationAccuracy: accuracy };
        run.log(step, final);
        final['bestValidationPerplexity'] = best;
        last = { ...last, perplexity };
        progress.note(
          `step ${step}: validation perplexity ${perplexity.toFixed(3)}, accuracy ${accuracy.toFixed(2)} %`,
        );
      },
      onStep: async (step, checkpointDue) => {
        progress.update(step, last);
        const stop = run.stopping;
        if (checkpointDue || stop) {
          const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
          await run.saveCheckpoint({ step, tensors, state: { final } });
        }
        return stop;
      },
    },
  });
  optimizer.dispose();
  if (run.stopping && done < training.steps) return run.interrupted();

  model.eval();
  await savePretrained(model, join(run.folder, 'model'));
  const greedy = await translate(model, data.test.source, { ...decoding, beams: 1 });
  const beam = await translate(model, data.test.source, decoding);
  const wordsOf = wordsOfTarget(tokenizers.target);
  const scores = {
    greedy: scoreTranslations(greedy, data.test.target, wordsOf),
    beam: scoreTranslations(beam, data.test.target, wordsOf),
  };
  await run.saveSample('translations.txt', samplesOf(data.test, greedy, beam));
  return run.finish({
    steps: done,
    metrics: {
      ...final,
      testBleu: scores.beam.bleu,
      testBleuGreedy: scores.greedy.bleu,
      testBleu13a: scores.beam.bleu13a,
      testBleu13aGreedy: scores.greedy.bleu13a,
      testExact: scores.beam.exact,
      testExactGreedy: scores.greedy.exact,
    },
    charts: [
      { title: 'Validation perplexity', metrics: ['validationPerplexity'] },
      { title: 'Loss', metrics: ['batchLoss', 'validationLoss'] },
      { title: 'Validation accuracy in percent', metrics: ['validationAccuracy'] },
      { title: 'Learning rate', metrics: ['learningRate'] },
    ],
    notes: notesOf(command, data, scores.beam.signatures),
  });
}

function restore(run: Run, targets: { model: Transformer; optimizer: ReturnType<typeof createOptimizer> }): void {
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

/** The words that BLEU counts: the target tokenizer's own where it has words, else what is between spaces. */
function wordsOfTarget(tokenizer: Tokenizer): (text: string) => string[] {
  return (text) => (tokenizer instanceof WordTokenizer ? tokenizer.wordsOf(text) : text.split(' '));
}

function samplesOf({ source, target }: ParallelText, greedy: string[], beam: string[]): string {
  return source
    .slice(0, 20)
    .map(
      (text, index) =>
        `${text}\n  reference  ${target[index]}\n  greedy     ${greedy[index]}\n  beam       ${beam[index]}\n`,
    )
    .join('\n');
}

function notesOf({ config }: Command<RunConfig>, data: TranslationData, signatures: string[]): string[] {
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
      `tokens before it; tokens are ${kind}.`,
    `testBleu is on the words of the target tokenizer (${signatures[0]}), testBleu13a on detokenized text in lower case ` +
      `(${signatures[1]}); Greedy: one beam instead of ${config.decoding.beams}. testExact is the share of translations that ` +
      'are the reference, letter for letter, in percent.',
  ];
}
