/**
 * Squared error is a Gaussian likelihood in disguise, as long as the variance is fixed. Nix and Weigend 1994.
 *
 *     −log N(y; μ, v) = ½ log 2π + ½ log v + (y − μ)² / (2 v)
 *
 *     v = 1              ½ log 2π + ½ (y − μ)²: half the squared error and a constant, so the same gradients, the same net
 *     v = v(x) learned   a point with much noise pulls less, by 1 / v, and the net says how sure it is
 *
 * Data: y = sin x + σ(x) ε, where the noise σ(x) grows from left to right. One net predicts μ, another μ and log v.
 */
import { compile, tf } from '@milestones/backend';
import {
  Adam,
  Dense,
  gaussianNegativeLogLikelihoodLoss,
  meanSquaredErrorLoss,
  Module,
  option,
  positiveInteger,
  positiveNumber,
  type Random,
  valueAndGradients,
} from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  points: option(positiveInteger, 1000, 'points to learn from, and as many to test on'),
  hidden: option(positiveInteger, 32, 'tanh units of the hidden layer'),
  steps: option(positiveInteger, 1000, 'steps of Adam on all points'),
  learningRate: option(positiveNumber, 0.01, 'rate of Adam'),
});
type Settings = v.InferOutput<typeof schema>;

/** x → H tanh → 1 or 2 numbers. */
class Curve extends Module {
  readonly hidden: Dense;
  readonly output: Dense;

  constructor(hidden: number, outputs: number) {
    super();
    this.hidden = new Dense(1, hidden);
    this.output = new Dense(hidden, outputs);
  }

  /** [N, 1] → μ [N, 1], and log v [N, 1] where there are two outputs. */
  forward(x: tf.Tensor2D): tf.Tensor[] {
    const output = this.output.forward(tf.tanh(this.hidden.forward(x)));
    return this.output.outFeatures === 1 ? [output] : tf.split(output, 2, 1);
  }
}

const full = { full: true } as const;
const losses = {
  /** ½ (y − μ)² */
  squared: ([mean]: tf.Tensor[], y: tf.Tensor): tf.Tensor => tf.mul(meanSquaredErrorLoss(mean!, y), 0.5),
  /** −log N(y; μ, 1) */
  unit: ([mean]: tf.Tensor[], y: tf.Tensor): tf.Tensor =>
    gaussianNegativeLogLikelihoodLoss(mean!, y, tf.onesLike(y), full),
  /** −log N(y; μ, v) */
  learned: ([mean, logVariance]: tf.Tensor[], y: tf.Tensor): tf.Tensor =>
    gaussianNegativeLogLikelihoodLoss(mean!, y, tf.exp(logVariance!), full),
};
type Name = keyof typeof losses;
const names = Object.keys(losses) as Name[];

/** σ(x): from 0.05 at the left end to 0.55 at the right. */
const noiseAt = (x: number): number => 0.05 + (0.5 * (x + 3)) / 6;

function drawPoints(count: number, random: Random): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const x = Float32Array.from({ length: count }, () => 6 * random.uniform() - 3);
  const y = Float32Array.from(x, (value) => Math.sin(value) + noiseAt(value) * random.normal());
  return { x: tf.tensor2d(x, [count, 1]), y: tf.tensor2d(y, [count, 1]) };
}

async function train(
  model: Curve,
  name: Name,
  { x, y }: { x: tf.Tensor2D; y: tf.Tensor2D },
  settings: Settings,
  onStep: () => void,
) {
  const parameters = model.trainableParameters();
  const optimizer = new Adam().initialize(parameters);
  const step = compile((inputs: tf.Tensor2D, targets: tf.Tensor2D) => {
    const { value, gradients } = valueAndGradients(() => losses[name](model.forward(inputs), targets), parameters);
    optimizer.update(parameters, gradients, settings.learningRate);
    return value;
  });
  for (let update = 0; update < settings.steps; update++) {
    (await step(x, y)).dispose();
    onStep();
  }
  await step.dispose();
  optimizer.dispose();
}

export const gaussianLikelihood = defineExperiment({
  name: 'gaussian-likelihood',
  title: 'The Gaussian likelihood with unit and with learned variance',
  paper: 'Nix and Weigend 1994',
  claim:
    'with unit variance the Gaussian likelihood trains the same net as squared error; with learned variance it finds the noise',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: a sine whose noise grows from left to right',
      minutes: 0.06,
      targets: [
        {
          metric: 'unitGap',
          claim: 'squared error against unit variance: largest difference of the two nets’ curves',
          expected: [0, 1e-3],
        },
        {
          metric: 'constant',
          claim: 'likelihood with unit variance less half the squared error: ½ log 2π',
          published: 0.918939,
          source: 'closed form',
          expected: [0.91893, 0.91895],
        },
        {
          metric: 'nats',
          claim: 'learned variance: test likelihood gained over unit variance, in nats per point',
          expected: [0.5, null],
        },
        {
          metric: 'noiseError',
          claim: 'learned σ(x) over the true one: root mean square of the logarithm',
          expected: [0, 0.3],
        },
      ],
    },
  },
  size: ({ hidden, steps }) => ({ parameters: new Curve(hidden, 2).parameterCount(), steps: names.length * steps }),

  async run(settings, context): Promise<Outcome> {
    const { points, hidden } = settings;
    const data = drawPoints(points, context.random('train'));
    const test = drawPoints(points, context.random('test'));
    const models = {} as Record<Name, Curve>;
    for (const name of names) {
      models[name] = new Curve(hidden, name === 'learned' ? 2 : 1).initialize(context.seed);
      await train(models[name], name, data, settings, () => context.advance());
    }
    const places = Array.from({ length: 121 }, (_, at) => at / 20 - 3);
    const curves = tf.tidy(() => {
      const x = tf.tensor2d(places, [places.length, 1]);
      const read = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];
      const [mean, logVariance] = models.learned.forward(x);
      return {
        squared: read(models.squared.forward(x)[0]!),
        unit: read(models.unit.forward(x)[0]!),
        learned: read(mean!),
        sigma: read(tf.exp(tf.mul(logVariance!, 0.5))),
      };
    });
    const testLoss = (loss: Name, model: Name): number =>
      tf.tidy(() => losses[loss](models[model].forward(test.x), test.y).dataSync()[0]!);
    const logErrors = curves.sigma.map((sigma, at) => Math.log(sigma / noiseAt(places[at]!)) ** 2);
    const outcome: Outcome = {
      metrics: {
        unitGap: Math.max(...curves.unit.map((value, at) => Math.abs(value - curves.squared[at]!))),
        constant: testLoss('unit', 'squared') - testLoss('squared', 'squared'),
        nats: testLoss('unit', 'unit') - testLoss('learned', 'learned'),
        noiseError: Math.sqrt(logErrors.reduce((sum, value) => sum + value, 0) / places.length),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'curves',
          title: 'What the nets say: the learned variance as a band of one σ',
          x: { label: 'x' },
          y: { label: 'y' },
          series: [
            { name: 'squared error', points: curves.squared.map((y, at) => [places[at]!, y]) },
            { name: 'unit variance', style: 'dashed', points: curves.unit.map((y, at) => [places[at]!, y]) },
            { name: 'learned μ', points: curves.learned.map((y, at) => [places[at]!, y]) },
            {
              name: 'μ + σ',
              style: 'dashed',
              points: curves.learned.map((y, at) => [places[at]!, y + curves.sigma[at]!]),
            },
            {
              name: 'μ − σ',
              style: 'dashed',
              points: curves.learned.map((y, at) => [places[at]!, y - curves.sigma[at]!]),
            },
          ],
        },
        {
          kind: 'lines',
          name: 'noise',
          title: 'The noise, as it is and as it was learned',
          x: { label: 'x' },
          y: { label: 'σ(x)' },
          series: [
            { name: 'true', points: places.map((x) => [x, noiseAt(x)]) },
            { name: 'learned', points: places.map((x, at) => [x, curves.sigma[at]!]) },
          ],
        },
      ],
    };
    for (const model of Object.values(models)) model.dispose();
    tf.dispose([data, test]);
    return outcome;
  },
});
