/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import { TranslationBatches, type TranslationBatchesState } from '@milestones/datasets';
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
import { createTranslator } from './attention.ts';
import { configSchema, type RunConfig } from './config.ts';
import { SentenceDecoder } from './decode.ts';
import { deviations } from './deviations.ts';
import { comparisons, metricName, netsOf, type Net } from './experiments.ts';
import { lengthPicture } from './length-picture.ts';
import type { Translator } from './model.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { finalTest, type LengthScores } from './node/final-test.ts';
import { isText, loadTextData, type TextData } from './node/text-data.ts';
import { translationScores } from './scores.ts';
import { createEvaluateStep, createOptimizer, evaluate, train } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'seq2seq',
      title: 'Sequence to sequence learning (Sutskever et al. 2014; Bahdanau et al. 2015)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const nets = netsOf(command.config, command.seed);
    const facts = {
      parameters: nets.reduce((sum, net) => sum + createTranslator(net.config).parameterCount(), 0),
      steps: nets.length * command.config.training.steps,
    };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const data = await loadTextData(command.config.data, command.seed, loaderOptions(command));
    checkVocabularies(command.config, data);
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await trainAndReport(command, run, nets, data);
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
  /** Where its batches stand. */
  batches: TranslationBatchesState;
  /** The last scores of every network so far. */
  final: Record<string, number>;
  /** By the length of the source, of every network that is done. */
  lengths: LengthScores;
}

async function trainAndReport(command: Command<RunConfig>, run: Run, nets: Net[], data: TextData): Promise<number> {
  const { config } = command;
  const { training } = config;
  const start = run.checkpoint?.state['position'] as Position | undefined;
  const final = start?.final ?? {};
  const lengths = start?.lengths ?? [];
  const progress = run.progress({ total: nets.length * training.steps });

  for (const [index, net] of nets.entries()) {
    if (index < (start?.net ?? 0)) continue;
    const resumed = index === start?.net ? start : undefined;
    const model = createTranslator(net.config).initialize(net.seed);
    model.text = data.text;
    const optimizer = createOptimizer(model, training);
    if (resumed !== undefined) restore(run.checkpoint!.tensors, { model, optimizer });
    const decoder = new SentenceDecoder(model);
    const evaluateNet = evaluationOf(command, net, model, decoder, data);
    const pairs = data.text.encodePairs(data.train, net.config.reverseSource);
    const batches =
      resumed === undefined
        ? new TranslationBatches({
            pairs,
            batchSize: training.batchSize,
            buckets: training.buckets,
            seed: net.seed,
            maximumLength: net.config.maximumLength,
            longer: 'skip',
          })
        : TranslationBatches.fromState(pairs, resumed.batches);
    if (batches.skipped > 0)
      run.note(`${batches.skipped} pairs are longer than ${net.config.maximumLength} tokens and left out.`);
    let last: Record<string, number> = {};
    let area = final[metricName(net, 'areaUnderExact')] ?? 0;
    try {
      await train({
        model,
        optimizer,
        batches,
        config: training,
        seed: net.seed,
        startStep: resumed?.step ?? 0,
        events: {
          onLoss: (step, loss, learningRate) => {
            run.log(step, { [metricName(net, 'batchLoss')]: loss, [metricName(net, 'learningRate')]: learningRate });
            last = { ...last, loss };
          },
          onEvaluation: async (step) => {
            const scores = await evaluateNet(step);
            if ('exact' in scores && step > 0) {
              // The mean of the curve: how fast a net learns, where in the end all of them may reach 100 %.
              area += (scores['exact']! * training.evaluateEvery) / training.steps;
              final[metricName(net, 'areaUnderExact')] = area;
            }
            const named = Object.entries(scores).map(([name, value]) => [metricName(net, name), value] as const);
            run.log(step, Object.fromEntries(named));
            Object.assign(final, Object.fromEntries(named));
            last = { ...last, ...scores };
            const where = nets.length === 1 ? '' : `${net.name}, `;
            const shown = Object.entries(scores).map(([name, value]) => `${name} ${value.toFixed(2)}`);
            progress.note(`${where}step ${step}: ${shown.join(', ')}`);
          },
          onStep: async (step, checkpointDue) => {
            progress.update(index * training.steps + step, last);
            if (checkpointDue || run.stopping) {
              const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
              const position: Position = { net: index, step, batches: batches.state(), final, lengths };
              await run.saveCheckpoint({ step: index * training.steps + step, tensors, state: { position } });
            }
            return run.stopping;
          },
        },
      });
      if (run.stopping) return run.interrupted();
      model.eval();
      await savePretrained(model, join(run.folder, net.prefix === '' ? 'model' : `model-${net.prefix}`));
      const tested = await finalTest({ command, run, net, model, decoder, data });
      Object.assign(final, tested.metrics);
      if (tested.lengths !== undefined) lengths.push({ name: net.name, scores: tested.lengths });
    } finally {
      await decoder.dispose();
      optimizer.dispose();
      model.dispose();
    }
  }
  if (lengths.length > 0) await run.saveSample('bleu-by-length.svg', lengthPicture(lengths));
  return run.finish({
    steps: nets.length * training.steps,
    metrics: { ...final, ...comparisons(config, command.seed, final) },
    charts: chartsOf(config, nets),
    notes: notesOf(config, data),
  });
}

/** What is watched while a net trains: loss, and exact translations or BLEU, on the validation pairs. */
function evaluationOf(
  { config }: Command<RunConfig>,
  net: Net,
  model: Translator,
  decoder: SentenceDecoder,
  { validation, text }: TextData,
): (step: number) => Promise<Record<string, number>> {
  const step = createEvaluateStep(model);
  const pairs = text.encodePairs(validation, net.config.reverseSource);
  const batches = new TranslationBatches({
    pairs,
    batchSize: config.training.batchSize,
    buckets: config.training.buckets,
    seed: 0,
    shuffle: false,
    maximumLength: net.config.maximumLength,
    longer: 'skip',
  });
  const count = config.training.decodedSentences || pairs.source.length;
  const part = { source: pairs.source.slice(0, count), target: pairs.target.slice(0, count) };
  return async (updates) => {
    const validationLoss = await evaluate(model, step, batches);
    // An untrained net writes nonsense up to the maximum length.
    if (updates === 0) return { validationLoss, ...(!isText(config.data) && { exact: 0 }) };
    const options = { lowercase: config.data.lowercase };
    const scores = await translationScores(decoder, part, validation.target.slice(0, count), text, options);
    return isText(config.data)
      ? { validationLoss, validationBleu: scores.bleu.score }
      : { validationLoss, exact: scores.exact };
  };
}

function restore(
  tensors: NonNullable<Run['checkpoint']>['tensors'],
  targets: { model: Translator; optimizer: ReturnType<typeof createOptimizer> },
): void {
  for (const [group, target] of Object.entries(targets)) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

/** The configuration decides the number of weights before any text is read, so the vocabularies must fit it. */
function checkVocabularies({ model }: RunConfig, { text, train: { name } }: TextData): void {
  const [source, target] = [text.source.vocabularySize, text.target.vocabularySize];
  if (model.sourceVocabulary === source && model.targetVocabulary === target) return;
  throw new Error(
    `seq2seq: '${name}' has ${source} source and ${target} target tokens, the model ${model.sourceVocabulary} and ` +
      `${model.targetVocabulary}; add --set model.sourceVocabulary=${source} --set model.targetVocabulary=${target}.`,
  );
}

/** One chart for each kind of score, with a line for each network. */
function chartsOf(config: RunConfig, nets: Net[]): Chart[] {
  const lines = (metric: string): string[] => nets.map((net) => metricName(net, metric));
  return [
    isText(config.data)
      ? { title: 'BLEU on the validation pairs, greedy', metrics: lines('validationBleu') }
      : { title: 'Percent of held-out pairs that are translated exactly', metrics: lines('exact') },
    { title: 'Validation loss, nats per token', metrics: lines('validationLoss') },
    { title: 'Batch loss, nats per token', metrics: lines('batchLoss') },
  ];
}

function notesOf(config: RunConfig, { train: { name, source }, validation, test, text }: TextData): string[] {
  const sizes = `${text.source.vocabularySize} source and ${text.target.vocabularySize} target tokens`;
  const parts = `Trained on ${source.length} pairs of '${name}', watched on ${validation.source.length}`;
  if (!isText(config.data)) {
    return [`${parts} that were held out; ${sizes}. Exact: every token of the greedy translation is right.`];
  }
  return [
    `${parts}, tested on ${test?.source.length ?? 'the same'}; ${sizes}. Losses and perplexities are per word or punctuation ` +
      'mark of the rule tokenizer, the end token included, by teacher forcing, so they compare with the same tokenization alone.',
    `BLEU: ${config.data.lowercase ? 'nrefs:1|case:lc' : 'nrefs:1|case:mixed'}|eff:no|tok:13a|smooth:exp|version:milestones, on detokenized text.`,
  ];
}
