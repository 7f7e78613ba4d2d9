/**
 * Which number stands for data with outliers? Huber 1964, Robust estimation of a location parameter.
 *
 * Data: nine tenths from N(0, 1), one tenth at 10. Each loss has its own best constant m, where the mean slope is zero:
 *
 *     squared error     ψ(d) = d                the mean: every outlier pulls with its whole distance
 *     absolute error    ψ(d) = sign(d)          the median: it pulls no more than any other number
 *     Huber, δ          ψ(d) = clip(d, −δ, δ)   in between
 *
 *     0.9 · E[ψ(Z − m)] + 0.1 · ψ(10 − m) = 0
 *
 * The price: on clean normal data the median needs 1 / 0.64 times the data of the mean, Huber's loss with δ = 1.345 only
 * 1 / 0.95 times. Both follow from E[ψ′]² / E[ψ²], the efficiency.
 */
import { tf } from '@milestones/backend';
import {
  fraction,
  huberLoss,
  meanAbsoluteErrorLoss,
  meanSquaredErrorLoss,
  option,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome, type Target } from '../experiment.ts';
import { findRoot, normalCumulative, normalDensity } from './standard-normal.ts';

const schema = v.strictObject({
  numbers: option(positiveInteger, 5000, 'numbers that gradient descent sees, evenly over the distribution'),
  outlierShare: option(fraction, 0.1, 'share of the numbers that are outliers'),
  outlier: option(positiveNumber, 10, 'where the outliers lie'),
  steps: option(positiveInteger, 60, 'steps of gradient descent for each loss'),
  learningRate: option(positiveNumber, 0.5, 'learning rate'),
});
type Settings = v.InferOutput<typeof schema>;

/** The losses by name; `delta` is where Huber's turns from a parabola into a line: 0 the absolute, ∞ the squared error. */
const losses = {
  squared: { delta: Infinity, of: meanSquaredErrorLoss },
  absolute: { delta: 0, of: meanAbsoluteErrorLoss },
  huber1: { delta: 1, of: (m: tf.Tensor, y: tf.Tensor) => huberLoss(m, y, { delta: 1 }) },
  huber1345: { delta: 1.345, of: (m: tf.Tensor, y: tf.Tensor) => huberLoss(m, y, { delta: 1.345 }) },
  huber2: { delta: 2, of: (m: tf.Tensor, y: tf.Tensor) => huberLoss(m, y, { delta: 2 }) },
};
type LossName = keyof typeof losses;
const names = Object.keys(losses) as LossName[];

/** E[ψ(Z − m)] for Z from N(0, 1): the parts left of m − δ, right of m + δ, and between. */
function meanSlope(m: number, delta: number): number {
  if (delta === 0) return 1 - 2 * normalCumulative(m);
  if (delta === Infinity) return -m;
  const [low, high] = [m - delta, m + delta];
  const [left, right] = [normalCumulative(low), 1 - normalCumulative(high)];
  return delta * (right - left) + normalDensity(low) - normalDensity(high) - m * (1 - left - right);
}

/** The m at which the mean slope over the whole distribution is zero. */
export function exactMinimiser(delta: number, { outlierShare, outlier }: Settings): number {
  const outlierSlope = (m: number): number => (delta === 0 ? 1 : Math.min(delta, outlier - m));
  return findRoot((m) => -(1 - outlierShare) * meanSlope(m, delta) - outlierShare * outlierSlope(m), -1, outlier);
}

/** E[ψ′]² / E[ψ²] on clean normal data, against 1 for the mean: 2/π for the median. */
export function normalEfficiency(delta: number): number {
  if (delta === 0) return 2 / Math.PI;
  const inside = 2 * normalCumulative(delta) - 1;
  const square = inside - 2 * delta * normalDensity(delta) + delta ** 2 * (1 - inside);
  return inside ** 2 / square;
}

/** The same minimum by gradient descent on the loss functions of core. */
function descend(name: LossName, numbers: tf.Tensor1D, { steps, learningRate }: Settings, onStep: () => void): number {
  const value = tf.variable(tf.scalar(0));
  const slope = tf.grad((m) => losses[name].of(tf.mul(tf.onesLike(numbers), m), numbers));
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => value.assign(tf.sub(value, tf.mul(slope(value), learningRate)) as tf.Scalar));
    onStep();
  }
  const [found] = value.dataSync();
  value.dispose();
  return found!;
}

/** Quantiles of N(0, 1) in the middles of equal shares, then the outliers: no luck of the draw in the digits. */
function spreadNumbers({ numbers, outlierShare, outlier }: Settings): Float32Array {
  const clean = Math.round(numbers * (1 - outlierShare));
  return Float32Array.from({ length: numbers }, (_, index) =>
    index < clean ? findRoot((x) => normalCumulative(x) - (index + 0.5) / clean, -8, 8) : outlier,
  );
}

export const outliers = defineExperiment({
  name: 'outliers',
  title: 'Squared, absolute and Huber’s error under outliers',
  paper: 'Huber 1964',
  claim: 'a tenth of outliers at 10 moves the mean by 1, the median by 0.14 and Huber’s estimate by 0.16 to 0.23',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: five losses on numbers spread evenly over the distribution',
      minutes: 0.02,
      targets: [
        digits('huber1', 'the minimiser of Huber’s error, δ = 1', '0.16327'),
        digits('squared', 'the squared error’s minimiser, the mean', '1.000'),
        digits('absolute', 'the absolute error’s minimiser, the median', '0.13971'),
        digits('huber1345', 'Huber’s minimiser, δ = 1.345', '0.18248'),
        digits('huber2', 'Huber’s minimiser, δ = 2', '0.23330'),
        { metric: 'largestGap', claim: 'gradient descent against the closed form, worst loss', expected: [0, 5e-4] },
        digits('efficiencyHuber1345', 'efficiency on clean data, Huber’s loss with δ = 1.345', '0.9500'),
        digits('efficiencyMedian', 'efficiency on clean data, the median: 2/π', '0.6366'),
      ],
    },
  },
  size: ({ steps }) => ({ parameters: names.length, steps: names.length * steps }),

  async run(settings, context): Promise<Outcome> {
    const values = spreadNumbers(settings);
    const numbers = tf.tensor1d(values);
    const exact = Object.fromEntries(names.map((name) => [name, exactMinimiser(losses[name].delta, settings)]));
    const learned: Record<string, number> = {};
    for (const name of names) learned[name] = descend(name, numbers, settings, () => context.advance());
    numbers.dispose();
    const pull = (delta: number, d: number): number => Math.max(-delta, Math.min(delta, d));
    return {
      metrics: {
        ...exact,
        largestGap: Math.max(...names.map((name) => Math.abs(exact[name]! - learned[name]!))),
        efficiencyHuber1345: normalEfficiency(1.345),
        efficiencyMedian: normalEfficiency(0),
      },
      drawings: [
        {
          kind: 'bars',
          name: 'minimisers',
          title: 'Where each loss is least: nine tenths N(0, 1), one tenth at 10',
          y: { label: 'm' },
          groups: names.map((name) => ({
            name,
            values: { 'closed form': exact[name]!, 'gradient descent': learned[name]! },
          })),
        },
        {
          kind: 'lines',
          name: 'pull',
          title: 'How hard a number at distance d pulls at the estimate',
          x: { label: 'distance d' },
          y: { label: 'ψ(d)' },
          series: names.map((name) => ({
            name,
            points: Array.from({ length: 121 }, (_, index) => {
              const d = (index - 60) / 20;
              return [d, name === 'absolute' ? Math.sign(d) : pull(losses[name].delta, d)] as const;
            }),
          })),
        },
      ],
    };
  },
});

/** A target that holds to the last printed digit. */
function digits(metric: string, claim: string, printed: string): Target {
  const published = Number(printed);
  const half = 0.5 * 10 ** -printed.split('.')[1]!.length;
  const source = 'closed forms, computed independently';
  return { metric, claim, published, source, expected: [published - half, published + half] };
}
