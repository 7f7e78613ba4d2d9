/**
 * Exploding gradients, and what clipping does about them. Pascanu, Mikolov and Bengio 2013, sections 2 and 3.2.
 *
 * Through T steps of a recurrent net a gradient is multiplied T times by the same matrix. Where that stretches, the loss is a
 * cliff: one step taken at its foot, along a gradient of length 10⁶, ends the training. Algorithm 1 keeps the direction and
 * limits the length:
 *
 *     g ← g · min(1, θ / ‖g‖)
 *
 * The task is the adding problem (Hochreiter and Schmidhuber 1997): T pairs of a number from 0 to 1 and a mark; the answer, due
 * at the end, is the sum of the two marked numbers. Who answers 1 every time has the error 1/6. The net has ReLUs and starts
 * at h′ = relu(x U + h I + b) (Le, Jaitly and Hinton 2015), so that it remembers from the start, and has nothing that bounds h.
 *
 * Dimensions: B batch, T time, H hidden.
 */
import { compile, tf } from '@milestones/backend';
import {
  clipByGlobalNorm,
  meanSquaredErrorLoss,
  option,
  positiveInteger,
  positiveNumber,
  SGD,
  valueAndGradients,
} from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { constantError, drawBatch, IdentityRecurrentNet } from './adding-problem.ts';

const schema = v.strictObject({
  lag: option(positiveInteger, 100, 'T, numbers in a sequence'),
  hidden: option(positiveInteger, 64, 'H, hidden units'),
  batchSize: option(positiveInteger, 16, 'B, sequences per step'),
  steps: option(positiveInteger, 30_000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.02, 'learning rate of plain gradient descent'),
  threshold: option(positiveNumber, 0.1, 'θ, the longest gradient that passes unchanged'),
  seeds: option(positiveInteger, 3, 'nets with clipping, and as many without'),
});
type Settings = v.InferOutput<typeof schema>;

/** What became of one net, for as long as it lasted: a point at each power of 2, at the end and at its ruin. */
interface Course {
  diverged: boolean;
  /** Mean loss since the point before. */
  losses: [step: number, loss: number][];
  /** log₁₀ of the longest gradient since the point before. */
  norms: [step: number, norm: number][];
  /** Mean loss of the last tenth of the training; of a net that diverged, what the constant answer costs. */
  finalLoss: number;
}

async function trainNet(settings: Settings, seed: number, clip: boolean, context: ExperimentContext): Promise<Course> {
  const { lag, batchSize, steps, learningRate, threshold } = settings;
  const model = new IdentityRecurrentNet(settings.hidden).initialize(seed);
  const parameters = model.trainableParameters();
  const optimizer = new SGD().initialize(parameters);
  const step = compile((sequence: tf.Tensor3D, sums: tf.Tensor2D) => {
    const { value, gradients } = valueAndGradients(
      () => meanSquaredErrorLoss(model.forward(sequence), sums),
      parameters,
    );
    const clipped = clipByGlobalNorm(gradients, threshold);
    optimizer.update(parameters, clip ? clipped.gradients : gradients, learningRate);
    return { loss: value, norm: clipped.norm };
  });
  const random = context.random(`sequences ${seed}`); // the same sequences with and without clipping
  const course: Course = { diverged: false, losses: [], norms: [], finalLoss: constantError };
  const recent: number[] = [];
  let [sum, longest, last] = [0, -Infinity, 0];
  for (let done = 1; done <= steps; done++) {
    context.advance();
    if (course.diverged) continue; // its steps are not made, but counted
    const { sequence, sums } = drawBatch(random, lag, batchSize);
    const result = await step(sequence, sums);
    const [[loss], [norm]] = await Promise.all([result.loss.data(), result.norm.data()]);
    tf.dispose([sequence, sums, result]);
    course.diverged = !(loss! < 1e6) || !Number.isFinite(norm!);
    if (Number.isFinite(norm!)) longest = Math.max(longest, Math.log10(norm!));
    if (!course.diverged) {
      sum += loss!;
      if (done > 0.9 * steps) recent.push(loss!);
    }
    if (!course.diverged && done !== steps && !Number.isInteger(Math.log2(done))) continue;
    if (Number.isFinite(longest)) course.norms.push([done, longest]);
    if (course.diverged) continue;
    course.losses.push([done, sum / (done - last)]);
    context.log(done, { [clip ? 'clippedLoss' : 'plainLoss']: sum / (done - last) });
    [sum, longest, last] = [0, -Infinity, done];
  }
  if (!course.diverged) course.finalLoss = recent.reduce((total, loss) => total + loss, 0) / recent.length;
  await step.dispose();
  optimizer.dispose();
  model.dispose();
  return course;
}

export const gradientClipping = defineExperiment({
  name: 'gradient-clipping',
  title: 'Clipping the gradients of a recurrent net with a long lag',
  paper: 'Pascanu, Mikolov and Bengio 2013, section 3.2',
  claim: 'without clipping the net diverges in some seeds; with it, in none, and it learns to add',
  schema,
  presets: {
    quick: {
      why: 'twenty numbers, 32 units: seconds, and the cliffs are there',
      minutes: 0.06,
      set: { lag: 20, hidden: 32, steps: 1500, learningRate: 0.05, threshold: 1 },
      targets: [
        { metric: 'divergedWithout', claim: 'nets of three that diverge without clipping', expected: [1, 3] },
        { metric: 'divergedWith', claim: 'nets of three that diverge with clipping', expected: [0, 0] },
        {
          metric: 'lossWith',
          claim: 'mean squared error with clipping, below the constant answer’s 1/6',
          expected: [0, 0.15],
        },
      ],
    },
    laptop: {
      why: 'a lag of 100; with θ = 1, tried first, steps along clipped gradients were still long enough to throw a net off',
      minutes: 4,
      targets: [
        { metric: 'divergedWithout', claim: 'nets of three that diverge without clipping', expected: [1, 3] },
        { metric: 'divergedWith', claim: 'nets of three that diverge with clipping', expected: [0, 0] },
        {
          metric: 'lossWith',
          claim: 'mean squared error with clipping, below the constant answer’s 1/6',
          expected: [0, 0.1],
        },
      ],
    },
  },
  deviations: [
    {
      topic: 'task and net',
      paper: 'temporal order and music, tanh units',
      ours: 'the adding problem, ReLUs that start from the identity',
      why: 'nothing bounds such a net: what explodes is seen as a loss, not only as a gradient',
    },
  ],
  size: ({ hidden, steps, seeds }) => ({
    parameters: 2 * hidden + hidden + hidden ** 2 + hidden + 1,
    steps: 2 * seeds * steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const courses: Record<'clipped' | 'plain', Course[]> = { clipped: [], plain: [] };
    for (let net = 0; net < settings.seeds; net++) {
      for (const kind of ['clipped', 'plain'] as const) {
        const seed = 1000 * context.seed + net;
        courses[kind].push(
          await context.part(`${kind} ${net}`, () => trainNet(settings, seed, kind === 'clipped', context)),
        );
      }
    }
    const diverged = (kind: 'clipped' | 'plain'): number => courses[kind].filter((course) => course.diverged).length;
    const last = courses.clipped.map(({ finalLoss }) => finalLoss);
    const lines = (values: (course: Course) => [number, number][]) =>
      (['clipped', 'plain'] as const).flatMap((kind) =>
        courses[kind].map((course, net) => ({
          name: `${kind} ${net + 1}`,
          style: kind === 'plain' ? ('dashed' as const) : ('line' as const),
          points: values(course),
        })),
      );
    return {
      metrics: {
        divergedWithout: diverged('plain'),
        divergedWith: diverged('clipped'),
        lossWith: last.reduce((sum, loss) => sum + loss, 0) / last.length,
      },
      drawings: [
        {
          kind: 'lines',
          name: 'losses',
          title: `Adding two of ${settings.lag} numbers: mean squared error (constant answer: 0.167)`,
          x: { label: 'updates', scale: 'log' },
          y: { label: 'error', scale: 'log' },
          series: lines(({ losses }) => losses),
        },
        {
          kind: 'lines',
          name: 'norms',
          title: 'Longest gradient, before clipping; a line that ends has diverged',
          x: { label: 'updates', scale: 'log' },
          y: { label: 'log₁₀ ‖g‖' },
          series: lines(({ norms }) => norms),
        },
      ],
    };
  },
});
