/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { join } from 'node:path';
import { useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors } from '@milestones/core';
import {
  CharacterTokenizer,
  generateCorpus,
  generatedTextEntropy,
  ngramEntropy,
  splitCorpus,
  type TextCorpus,
  type Tokenizer,
} from '@milestones/datasets';
import { loadText, loadTinyShakespeare } from '@milestones/datasets/node';
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
import { generateText } from './generate.ts';
import { Gpt } from './model.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { createOptimizer, train } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'gpt-mini',
      title: 'GPT (Radford et al. 2018, 2019) on characters',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    if (command.config.initial.from !== '') await useBackend(command.backend as EngineName | undefined);
    const untrained = await startingModel(command);
    const facts = { parameters: untrained.parameterCount(), steps: command.config.training.steps };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const corpus = await loadCorpus(command);
    let { tokenizer } = untrained;
    if (tokenizer === undefined) {
      const characters = CharacterTokenizer.fromText(corpus.text);
      checkVocabulary(characters, command.config, corpus);
      untrained.initialize(command.seed);
      tokenizer = characters;
    }
    const model = untrained;
    model.tokenizer = tokenizer;
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await trainAndReport(command, run, model, tokenizer, corpus);
    } finally {
      run.close();
      model.dispose();
    }
  });
}

async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  model: Gpt,
  tokenizer: Tokenizer,
  corpus: TextCorpus,
): Promise<number> {
  const { training } = command.config;
  const optimizer = createOptimizer(model, training);
  // What the last evaluation saw is part of the checkpoint: a run that resumes at its end reports it again.
  let final = (run.checkpoint?.state['final'] as Record<string, number> | undefined) ?? {};
  if (run.checkpoint !== null) restore(run, model, optimizer);
  const progress = run.progress({ total: training.steps });

  let last: Record<string, number> = {};
  const done = await train({
    model,
    optimizer,
    config: training,
    seed: command.seed,
    data: { train: tokenizer.encode(corpus.train), validation: tokenizer.encode(corpus.validation) },
    startStep: run.checkpoint?.step ?? 0,
    events: {
      onLoss: (step, loss, learningRate) => {
        run.log(step, { batchLoss: loss, learningRate });
        last = { ...last, loss };
      },
      onEvaluation: (step, losses) => {
        run.log(step, losses);
        const best = Math.min(final['bestValidationLoss'] ?? Infinity, losses.validationLoss);
        final = { ...losses, bestValidationLoss: best };
        last = { ...last, validation: losses.validationLoss };
        progress.note(
          `step ${step}: train ${losses.trainLoss.toFixed(4)}, validation ${losses.validationLoss.toFixed(4)}`,
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
  if (training.sampleCharacters > 0) {
    const text = await generateText(model, '\n', { tokens: training.sampleCharacters, seed: command.seed });
    await run.saveSample('generated.txt', `${text.slice(1)}\n`);
  }
  await savePretrained(model, join(run.folder, 'model'));
  return run.finish({
    steps: done,
    metrics: { ...final, ...(isByCharacter(tokenizer) && baselines(command.config, corpus)) },
    notes: notesOf(corpus, tokenizer),
  });
}

function restore(run: Run, model: Gpt, optimizer: ReturnType<typeof createOptimizer>): void {
  const { tensors } = run.checkpoint!;
  for (const [group, target] of [
    ['model', model],
    ['optimizer', optimizer],
  ] as const) {
    const state = dataToTensors(tensors[group] ?? {});
    target.loadStateDict(state);
    for (const tensor of Object.values(state)) tensor.dispose();
  }
}

/** The declared model, or, to fine-tune, the one that the configuration names: its architecture takes the place of ours. */
async function startingModel(command: Command<RunConfig>): Promise<Gpt> {
  const { from } = command.config.initial;
  if (from === '') return new Gpt(command.config.model);
  const { data, offline } = loaderOptions(command);
  const model = await Gpt.fromPretrained(from, { data, offline });
  if (model.tokenizer === undefined) {
    throw new Error(`gpt-mini: '${from}' has no tokenizer; put its vocab.json and merges.txt into the folder.`);
  }
  command.config.model = model.config;
  return model;
}

async function loadCorpus(command: Command<RunConfig>): Promise<TextCorpus> {
  const { config, seed } = command;
  if (config.data.corpus === 'generated') return generateCorpus({ characters: config.data.generatedCharacters, seed });
  if (config.data.corpus === 'file') return splitCorpus(config.data.file, await loadText(config.data.file));
  return loadTinyShakespeare(loaderOptions(command));
}

/** The count in the configuration is public (it decides the parameter count), so it must be the corpus's own. */
function checkVocabulary(tokenizer: CharacterTokenizer, { model }: RunConfig, corpus: TextCorpus): void {
  if (tokenizer.vocabularySize === model.vocabularySize) return;
  throw new Error(
    `gpt-mini: the text '${corpus.name}' has ${tokenizer.vocabularySize} different characters and model.vocabularySize is ` +
      `${model.vocabularySize}; add --set model.vocabularySize=${tokenizer.vocabularySize}.`,
  );
}

/** What models without a memory reach on the validation text, in nats per character. */
function baselines({ data }: RunConfig, corpus: TextCorpus): Record<string, number> {
  return {
    unigramLoss: ngramEntropy(corpus.validation, 1),
    bigramLoss: ngramEntropy(corpus.validation, 2),
    ...(data.corpus === 'generated' && { entropyFloor: generatedTextEntropy() }),
  };
}

function isByCharacter(tokenizer: Tokenizer): boolean {
  return tokenizer instanceof CharacterTokenizer;
}

function notesOf(corpus: TextCorpus, tokenizer: Tokenizer): string[] {
  const split = `'${corpus.name}' (${corpus.train.length} characters to train on, ${corpus.validation.length} to validate on)`;
  if (!isByCharacter(tokenizer)) return [`Losses are in nats per token, on ${split}.`];
  return [
    `Losses are in nats per character, on ${split}. unigramLoss and bigramLoss are what counting characters and pairs of ` +
      'characters reaches on the validation text itself.',
  ];
}
