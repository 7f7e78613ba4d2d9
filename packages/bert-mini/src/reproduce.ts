/** One run from the command line: data → pre-training → fine-tuning with and without it → report. Node only. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors, Random } from '@milestones/core';
import type { LabelledText } from '@milestones/datasets';
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
import {
  bestRate,
  describeRates,
  fineTunings,
  metricsOf,
  mostLabels,
  nameOf,
  percent,
  type Kind,
  type Results,
} from './few-labels.ts';
import { accuracy, examplesOf, fineTune, type Classifier, type Example } from './fine-tune.ts';
import { LstmClassifier } from './lstm.ts';
import { BertClassifier, BertForPretraining } from './model.ts';
import { encodeDocuments, learnTokenizer, loadRunTexts, type RunTexts } from './node/run-data.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { PretrainingBatches, unigramLoss } from './pretraining-data.ts';
import { createOptimizer, maskedLoss, pretrain } from './train.ts';

/** Batches of held-out text that the loss of hidden words is measured on. */
const EVALUATION_BATCHES = 40;

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'bert-mini',
      title: 'BERT (Devlin et al. 2018): pre-training by hidden words, then few labels',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const { config, seed } = command;
    const { from } = config.data;
    if (from !== '') await useBackend(command.backend as EngineName | undefined);
    const { data, offline } = loaderOptions(command);
    const model =
      from === ''
        ? new BertForPretraining(config.model)
        : await BertForPretraining.fromPretrained(from, { data, offline });
    const parameters = model.bert.parameterCount();
    if (describeCommand(command, { parameters, steps: config.pretraining.steps })) return 0;
    const engine = await useBackend(command.backend as EngineName | undefined);
    const texts = await loadRunTexts(config, seed, loaderOptions(command));
    if (from === '') {
      model.initialize(seed);
      model.tokenizer = learnTokenizer(texts, config);
    } else if (model.tokenizer === undefined) {
      throw new Error(`bert-mini: '${from}' has no tokenizer; put its vocab.txt into the folder.`);
    }
    const run = await openRun(command, { engine, parameters, deviations });
    try {
      return await trainAndReport(command, run, model, texts);
    } finally {
      run.close();
      model.dispose();
    }
  });
}

async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  model: BertForPretraining,
  texts: RunTexts,
): Promise<number> {
  const { config, seed } = command;
  const steps = config.pretraining.steps;
  const results: Results = { ...(run.checkpoint?.state['results'] as Results | undefined) };
  if (run.checkpoint !== null) restore(run.checkpoint.tensors['model'] ?? {}, model);
  // The last loss is in the log and the results before the last checkpoint is made: a run that has it is done with this part.
  const pretrained = steps === 0 || results['maskedLoss'] !== undefined;
  if (!pretrained && !(await pretrainModel(command, run, model, texts, results))) return run.interrupted();
  await savePretrained(model, join(run.folder, 'model'));

  const tokenizer = model.tokenizer!;
  const examples = (text: LabelledText): Example[] => examplesOf(text, tokenizer, config.fineTuning.length);
  const train = examples(texts.labelled.train);
  const validation = examples(texts.labelled.validation);
  const work = fineTunings(config);
  const progress = run.progress({ total: work.length, label: 'fine-tuning' });
  for (const [index, tuning] of work.entries()) {
    const name = nameOf(tuning);
    if (results[name] !== undefined) continue;
    const { kind, share, round, rate } = tuning;
    const net = classifierOf(kind, model, texts, config.fineTuning.dropout, seed + round);
    const subset = subsetOf(train, share, seed + round);
    const settings = { ...config.fineTuning, learningRate: rate };
    const finished = await fineTune(net, subset, settings, seed + round, (_step, _steps, loss) => {
      progress.update(index, { loss });
      return run.stopping;
    });
    if (!finished) return run.interrupted();
    results[name] = await accuracy(net, validation, config.fineTuning);
    progress.note(
      `${kind}, ${percent(share)} % of the labels, seed ${seed + round}, rate ${rate}: ${(100 * results[name]).toFixed(2)} %`,
    );
    const isCandidate = kind === 'pretrained' && share === mostLabels(config) && round === 0;
    if (net instanceof BertClassifier && isCandidate) {
      net.tokenizer = tokenizer;
      await savePretrained(net, candidateFolder(run, rate));
    }
    net.dispose();
    await run.saveCheckpoint({ step: steps + index + 1, tensors: { model: model.stateDict() }, state: { results } });
    if (run.stopping && index + 1 < work.length) return run.interrupted();
  }
  keepBestClassifier(config, results, run);
  return run.finish({ steps, metrics: metricsOf(config, results), notes: notesOf(config, texts, results) });
}

const candidateFolder = (run: Run, rate: number): string => join(run.folder, `classifier-${rate}`);

/** Of the classifiers with the most labels and the first seed, the one at the best rate becomes `classifier`. */
function keepBestClassifier(config: RunConfig, results: Results, run: Run): void {
  const best = bestRate(config, results, 'pretrained', mostLabels(config))!;
  // A run that was stopped right here has it already.
  if (existsSync(candidateFolder(run, best))) renameSync(candidateFolder(run, best), join(run.folder, 'classifier'));
  for (const { rate } of fineTunings(config)) rmSync(candidateFolder(run, rate), { recursive: true, force: true });
}

/** @returns false where the user stopped it */
async function pretrainModel(
  command: Command<RunConfig>,
  run: Run,
  model: BertForPretraining,
  texts: RunTexts,
  results: Results,
): Promise<boolean> {
  const { config, seed } = command;
  const tokenizer = model.tokenizer!;
  const documents = encodeDocuments(texts.train, tokenizer);
  const common = { tokenizer, config: config.pretraining, seed };
  const batches = new PretrainingBatches({ ...common, documents, stream: 'pretraining' });
  const heldOut = encodeDocuments(texts.validation, tokenizer);
  const held = new PretrainingBatches({ ...common, documents: heldOut, stream: 'held out' });
  const optimizer = createOptimizer(model, config.pretraining);
  if (run.checkpoint !== null) restore(run.checkpoint.tensors['optimizer'] ?? {}, optimizer);
  if (results['initialMaskedLoss'] === undefined) {
    results['initialMaskedLoss'] = await maskedLoss(model, held, config.pretraining, EVALUATION_BATCHES);
    const labels = Array.from({ length: EVALUATION_BATCHES }, (_, index) => [...held.at(index).labels]).flat();
    results['unigramLoss'] = unigramLoss(documents, Int32Array.from(labels), tokenizer.vocabularySize);
  }
  const { steps } = config.pretraining;
  const progress = run.progress({ total: steps, label: 'pre-training' });
  const save = (step: number): Promise<void> =>
    run.saveCheckpoint({
      step,
      tensors: { model: model.stateDict(), optimizer: optimizer.stateDict() },
      state: { results },
    });
  const done = await pretrain({
    model,
    optimizer,
    batches,
    config: config.pretraining,
    seed,
    startStep: run.checkpoint?.step ?? 0,
    events: {
      onStep: async (step, loss, learningRate) => {
        progress.update(step, { loss });
        if (step % config.logEvery === 0 || !Number.isFinite(loss))
          run.log(step, { maskedTrainLoss: loss, learningRate });
        if (step < steps && (step % config.checkpointEvery === 0 || run.stopping)) await save(step);
        return run.stopping;
      },
    },
  });
  if (done === steps) {
    results['maskedLoss'] = await maskedLoss(model, held, config.pretraining, EVALUATION_BATCHES);
    run.log(steps, { maskedLoss: results['maskedLoss'] });
    await save(steps);
  }
  optimizer.dispose();
  return done === steps && !run.stopping;
}

function classifierOf(
  kind: Kind,
  model: BertForPretraining,
  texts: RunTexts,
  dropout: number,
  seed: number,
): Classifier {
  const { classNames } = texts.labelled.train;
  if (kind === 'lstm') return new LstmClassifier(model.config.vocabularySize, classNames.length).initialize(seed);
  const net = new BertClassifier({ ...model.config, dropout }, classNames).initialize(seed);
  if (kind === 'pretrained') net.bert.loadStateDict(model.bert.stateDict());
  return net;
}

/** The same examples for every kind of net: the first of an order that the seed decides. */
function subsetOf(examples: readonly Example[], share: number, seed: number): Example[] {
  const count = Math.max(1, Math.round(share * examples.length));
  if (count === examples.length) return [...examples];
  const order = new Random(seed, 'labels').permutation(examples.length);
  return Array.from({ length: count }, (_, index) => examples[order[index]!]!);
}

function notesOf(config: RunConfig, { labelled }: RunTexts, results: Results): string[] {
  return [
    describeRates(config, results),
    `Accuracies are in percent of ${labelled.validation.first.length} held-out texts, means over ${config.fineTuning.seeds} seeds. accuracyN is ` +
      `the pre-trained net tuned with N percent of ${labelled.train.first.length} labels, randomN the same net from random weights, gainN ` +
      'their difference in points, lstmN an LSTM; classifierAccuracy is that of the classifier that is saved, the first seed; gainOfFewest is the gain with the fewest labels less that with the most. Masked ' +
      'losses are in nats per hidden word; unigramLoss is what guessing by frequency reaches.',
  ];
}

function restore(
  data: Parameters<typeof dataToTensors>[0],
  target: { loadStateDict(state: Record<string, tf.Tensor>): void },
): void {
  const state = dataToTensors(data);
  target.loadStateDict(state);
  tf.dispose(state);
}
