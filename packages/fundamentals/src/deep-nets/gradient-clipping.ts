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
  Dense,
  meanSquaredErrorLoss,
  Module,
  normal,
  option,
  Parameter,
  positiveInteger,
  positiveNumber,
  type Random,
  SGD,
  valueAndGradients,
  zeros,
} from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  lag: option(positiveInteger, 100, 'T, numbers in a sequence'),
  hidden: option(positiveInteger, 64, 'H, hidden units'),
  batchSize: option(positiveInteger, 16, 'B, sequences per step'),
  steps: option(positiveInteger, 15_000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.02, 'learning rate of plain gradient descent'),
  threshold: option(positiveNumber, 1, 'θ, the longest gradient that passes unchanged'),
  seeds: option(positiveInteger, 3, 'nets with clipping, and as many without'),
});
type Settings = v.InferOutput<typeof schema>;

/** What answering 1 every time costs: the variance of the sum of two numbers from U(0, 1). */
const constantError = 1 / 6;

/** h′ = relu(x U + h W + b), W = I at the start; the answer is read from the last h. */
class IdentityRecurrentNet extends Module {
  readonly input: Dense;
  readonly recurrent: Parameter;
  readonly output: Dense;

  constructor(hidden: number) {
    super();
    const small = { weightInitializer: normal(0.1), biasInitializer: zeros() };
    this.input = new Dense(2, hidden, small);
    this.recurrent = new Parameter([hidden, hidden], () => tf.eye(hidden));
    this.output = new Dense(hidden, 1, small);
  }

  /** [T, B, 2] → [B, 1] */
  forward(sequence: tf.Tensor3D): tf.Tensor {
    const fed = this.input.forward(sequence); // [T, B, H]
    let h: tf.Tensor | undefined;
    for (const x of tf.unstack(fed)) {
      h = tf.relu(h === undefined ? x : tf.add(x, tf.matMul(h, this.recurrent.value))); // [B, H]
    }
    return this.output.forward(h!);
  }
}

/** One mark in each half of the sequence. */
function drawBatch(random: Random, lag: number, batch: number): { sequence: tf.Tensor3D; sums: tf.Tensor2D } {
  const numbers = random.uniformArray(lag * batch);
  const sequence = new Float32Array(lag * batch * 2);
  for (let index = 0; index < numbers.length; index++) sequence[2 * index] = numbers[index]!;
  const half = Math.floor(lag / 2);
  const sums = Float32Array.from({ length: batch }, (_, row) => {
    const marked = [random.integer(half), half + random.integer(lag - half)];
    for (const time of marked) sequence[2 * (time * batch + row) + 1] = 1;
    return marked.reduce((sum, time) => sum + numbers[time * batch + row]!, 0);
  });
  return { sequence: tf.tensor3d(sequence, [lag, batch, 2]), sums: tf.tensor2d(sums, [batch, 1]) };
}

/** What became of one net: mean loss of each tenth of its training, for as long as it lasted. */
interface Course {
  diverged: boolean;
  losses: number[];
  /** log₁₀ of the longest gradient in each tenth. */
  norms: number[];
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
  const course: Course = { diverged: false, losses: [], norms: [] };
  const tenth = Math.max(1, Math.floor(steps / 10));
  let sum = 0;
  let longest = -Infinity;
  for (let done = 1; done <= steps; done++) {
    context.advance();
    if (course.diverged) continue; // its steps are not made, but counted
    const { sequence, sums } = drawBatch(random, lag, batchSize);
    const result = await step(sequence, sums);
    const [[loss], [norm]] = await Promise.all([result.loss.data(), result.norm.data()]);
    tf.dispose([sequence, sums, result]);
    course.diverged = !(loss! < 1e6) || !Number.isFinite(norm!);
    if (course.diverged) continue;
    sum += loss!;
    longest = Math.max(longest, Math.log10(norm!));
    if (done % tenth === 0) {
      course.losses.push(sum / tenth);
      course.norms.push(longest);
      context.log(done, { [clip ? 'clippedLoss' : 'plainLoss']: sum / tenth });
      [sum, longest] = [0, -Infinity];
    }
  }
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
      minutes: 0.15,
      set: { lag: 20, hidden: 32, steps: 1500, learningRate: 0.05 },
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
      why: 'a lag of 100',
      minutes: 6,
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
    const last = courses.clipped.map(({ losses }) => losses.at(-1) ?? constantError);
    const lines = (values: (course: Course) => number[]) =>
      (['clipped', 'plain'] as const).flatMap((kind) =>
        courses[kind].map((course, net) => ({
          name: `${kind}, net ${net + 1}${course.diverged ? ' (diverges)' : ''}`,
          style: kind === 'plain' ? ('dashed' as const) : ('line' as const),
          points: values(course).map((value, tenth) => [((tenth + 1) / 10) * settings.steps, value] as const),
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
          x: { label: 'updates' },
          y: { label: 'error' },
          series: lines(({ losses }) => losses),
        },
        {
          kind: 'lines',
          name: 'norms',
          title: 'Longest gradient of each tenth of the training, before clipping',
          x: { label: 'updates' },
          y: { label: 'log₁₀ ‖g‖' },
          series: lines(({ norms }) => norms),
        },
      ],
    };
  },
});
