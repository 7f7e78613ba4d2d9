/**
 * Early stopping: keep the weights of the lowest validation loss. Prechelt 1998, "Early stopping - but when?".
 *
 *     GL(t) = 100 · (E_validation(t) / min over t′ ≤ t of E_validation(t′) − 1)        stop when GL exceeds α
 *     or when no new minimum came for some evaluations (patience)
 *
 * A published run of a character model of 10.8 million weights on tiny Shakespeare, six layers wide 384, shows the case: its
 * validation loss falls to 1.48 at step 3,000 and has risen to 1.56 at 5,000. The stopper must return step 3,000 for that
 * curve. It is too much for minutes on a core, so a small stand-in is trained besides: a window of characters through one hidden
 * layer (Bengio et al. 2003), on so little text that it learns it by heart.
 * Dimensions: B batch, T characters in the window.
 */
import { compile, tf } from '@milestones/backend';
import {
  Adam,
  crossEntropyLoss,
  EarlyStopping,
  option,
  positiveInteger,
  positiveNumber,
  valueAndGradients,
} from '@milestones/core';
import { CharacterTokenizer } from '@milestones/datasets';
import * as v from 'valibot';
import { textSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';
import { WindowModel, windowsAt } from './window-model.ts';

const schema = v.strictObject({
  text: option(textSet, 'tiny-shakespeare', 'text'),
  characters: option(positiveInteger, 100_000, 'characters to train on, from the start of the text'),
  validationCharacters: option(positiveInteger, 20_000, 'characters to validate on'),
  window: option(positiveInteger, 16, 'T, characters that the next is told from'),
  embedding: option(positiveInteger, 24, 'E, numbers for a character'),
  hidden: option(positiveInteger, 400, 'hidden units'),
  batchSize: option(positiveInteger, 128, 'windows per step'),
  steps: option(positiveInteger, 10_000, 'updates'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam'),
  evaluations: option(positiveInteger, 40, 'how often the validation loss is measured'),
  patience: option(positiveInteger, 6, 'evaluations without a new minimum after which training should have stopped'),
});
type Settings = v.InferOutput<typeof schema>;

/** Step and validation loss of the published run. */
export const publishedCurve: readonly (readonly [step: number, loss: number])[] = [
  [500, 1.9058],
  [1000, 1.5998],
  [2000, 1.5041],
  [3000, 1.48],
  [4999, 1.56],
];

/** The step that the stopper keeps of a finished curve, and the step at which it would have stopped. */
export function replay(
  curve: readonly (readonly [number, number])[],
  stopping: EarlyStopping,
): { kept: number; stopped: number } {
  for (const [step, loss] of curve) {
    stopping.add(step, loss);
    if (stopping.shouldStop) return { kept: stopping.bestStep, stopped: step };
  }
  return { kept: stopping.bestStep, stopped: curve.at(-1)![0] };
}

/** Validation and training loss at each evaluation. */
interface Course {
  validation: [step: number, loss: number][];
  train: [step: number, loss: number][];
}

async function trainModel(settings: Settings, context: ExperimentContext): Promise<Course> {
  const { window, batchSize, steps } = settings;
  const corpus = await context.data.text(settings.text, 10 * settings.validationCharacters);
  const tokenizer = CharacterTokenizer.fromText(corpus.text);
  const tokens = tokenizer.encode(corpus.train.slice(0, settings.characters));
  const held = tokenizer.encode(corpus.validation.slice(0, settings.validationCharacters));
  const model = new WindowModel(tokenizer.vocabularySize, settings).initialize(context.seed);
  const parameters = model.trainableParameters();
  const optimizer = new Adam().initialize(parameters);
  const step = compile((ids: tf.Tensor2D, next: tf.Tensor1D) => {
    const { value, gradients } = valueAndGradients(() => crossEntropyLoss(model.forward(ids), next), parameters);
    optimizer.update(parameters, gradients, settings.learningRate);
    return value;
  });
  const measure = compile((ids: tf.Tensor2D, next: tf.Tensor1D) => crossEntropyLoss(model.forward(ids), next));
  const piece = 500;
  const every = Math.max(1, Math.floor(steps / settings.evaluations));
  const random = context.random('windows');
  const course: Course = { validation: [], train: [] };
  let sum = 0;
  for (let done = 1; done <= steps; done++) {
    const starts = Array.from({ length: batchSize }, () => random.integer(tokens.length - window));
    const batch = windowsAt(tokens, starts, window);
    const result = await step(batch.ids, batch.next);
    const [loss] = await result.data();
    tf.dispose([batch, result]);
    sum += loss!;
    context.advance({ trainLoss: loss! });
    if (done % every !== 0) continue;
    let total = 0;
    let count = 0;
    // All windows of the held-out text, in pieces of one size.
    for (let start = 0; start + piece + window <= held.length; start += piece) {
      const part = windowsAt(
        held,
        Array.from({ length: piece }, (_, index) => start + index),
        window,
      );
      const mean = await measure(part.ids, part.next);
      total += (await mean.data())[0]!;
      count++;
      tf.dispose([part, mean]);
    }
    course.validation.push([done, total / count]);
    course.train.push([done, sum / every]);
    context.log(done, { trainLoss: sum / every, validationLoss: total / count });
    sum = 0;
  }
  await Promise.all([step.dispose(), measure.dispose()]);
  optimizer.dispose();
  model.dispose();
  return course;
}

const targets = (least: number): [Target, ...Target[]] => [
  {
    metric: 'publishedStep',
    claim: 'the step kept of the published curve',
    published: 3000,
    source: 'log of the lecture run: 1.5041 at 2,000, about 1.48 at 3,000, 1.56 at 4,999',
    expected: [3000, 3000],
  },
  {
    metric: 'overfitting',
    claim: 'validation loss at the end above its minimum, percent (published run: 5.4)',
    expected: [least, null],
  },
  { metric: 'regret', claim: 'validation loss kept above the minimum of the whole run, percent', expected: [0, 1] },
  { metric: 'saved', claim: 'share of the steps that need not be made', expected: [0.1, 1] },
];

export const earlyStopping = defineExperiment({
  name: 'early-stopping',
  title: 'Stopping at the minimum of the validation loss',
  paper: 'Prechelt 1998',
  claim:
    'a stopper with patience keeps step 3,000 of a published curve, and the minimum of a small net that overfits likewise',
  schema,
  presets: {
    quick: {
      why: 'a net of some thousand weights on a page of generated sentences',
      minutes: 0.04,
      set: {
        text: 'sentences',
        characters: 4000,
        validationCharacters: 2100,
        window: 8,
        embedding: 12,
        hidden: 100,
        batchSize: 64,
        steps: 1500,
        learningRate: 0.003,
        evaluations: 30,
      },
      targets: targets(2),
    },
    laptop: {
      why: 'the stand-in on the first 100,000 characters of tiny Shakespeare: like the published run it learns its text by heart',
      minutes: 1,
      targets: targets(2),
    },
  },
  deviations: [
    {
      topic: 'net',
      paper: 'the published run: a transformer of 10.8 million weights, 65,536 characters per step',
      ours: 'one hidden layer over 16 characters, 128 windows per step; the published curve itself is replayed besides',
      why: '5 · 10¹⁵ operations are days on a core',
    },
  ],
  size: ({ window, embedding, hidden, steps }) => ({
    parameters: 65 * embedding + (window * embedding + 1) * hidden + (hidden + 1) * 65,
    steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const { patience, steps } = settings;
    const { validation, train } = await context.part('training', () => trainModel(settings, context));
    const lossAt = new Map(validation);
    const minimum = Math.min(...lossAt.values());
    const { kept, stopped } = replay(validation, new EarlyStopping({ patience }));
    const percentAbove = (loss: number): number => 100 * (loss / minimum - 1);
    return {
      metrics: {
        publishedStep: replay(publishedCurve, new EarlyStopping({ patience: 1 })).kept,
        keptStep: kept,
        stoppedStep: stopped,
        keptLoss: lossAt.get(kept)!,
        finalLoss: validation.at(-1)![1],
        overfitting: percentAbove(validation.at(-1)![1]),
        regret: percentAbove(lossAt.get(kept)!),
        saved: 1 - stopped / steps,
      },
      drawings: [
        {
          kind: 'lines',
          name: 'losses',
          title: `Stopped at step ${stopped}, kept step ${kept}`,
          x: { label: 'steps' },
          y: { label: 'nats per character' },
          series: [
            { name: 'validation', points: validation },
            { name: 'training', style: 'dashed', points: train },
            { name: 'kept', style: 'points', points: [[kept, lossAt.get(kept)!]] },
          ],
        },
        {
          kind: 'lines',
          name: 'published',
          title: 'The published curve: step 3,000 is kept',
          x: { label: 'steps' },
          y: { label: 'nats per character' },
          series: [{ name: 'validation', points: publishedCurve }],
        },
      ],
    };
  },
});
