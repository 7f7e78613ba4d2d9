/**
 * The first learning rule: a line through points, by formula and by going downhill.
 *
 *     L(w, b) = 1/n · Σ (w xᵢ + b − yᵢ)²
 *
 *     ∂L/∂w = 2/n · Σ (w xᵢ + b − yᵢ) · xᵢ        ∂L/∂b = 2/n · Σ (w xᵢ + b − yᵢ)
 *
 * Both are zero at (Legendre 1805, Gauss 1809)
 *
 *     w* = Σ (xᵢ − x̄)(yᵢ − ȳ) / Σ (xᵢ − x̄)²       b* = ȳ − w* x̄
 *
 * and descent, w ← w − α ∂L/∂w, b ← b − α ∂L/∂b, gets there for every α below 2 / λmax, where λmax is the larger eigenvalue
 * of the Hessian 2/n · [[Σ x², Σ x], [Σ x, n]] (Cauchy 1847).
 */
import { tf } from '@milestones/backend';
import { finiteNumber, nonNegativeNumber, option, positiveInteger, positiveNumber } from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  points: option(positiveInteger, 50, 'n, points'),
  slope: option(finiteNumber, 2, 'w of the line that the points are scattered about'),
  intercept: option(finiteNumber, -1, 'b of that line'),
  noise: option(nonNegativeNumber, 0.5, 'standard deviation of the scatter'),
  steps: option(positiveInteger, 200, 'steps of descent'),
  rateShare: option(positiveNumber, 0.5, 'α as a share of 2 / λmax; from 1 on descent diverges'),
});

/** Points, and what all the formulas need of them. */
interface Points {
  x: number[];
  y: number[];
}
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The line of least squares. */
export function closedForm({ x, y }: Points): { w: number; b: number } {
  const [meanX, meanY] = [mean(x), mean(y)];
  const together = mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
  const w = together / mean(x.map((value) => (value - meanX) ** 2));
  return { w, b: meanY - w * meanX };
}

/** ∂L/∂w and ∂L/∂b, as written above. */
export function partialDerivatives({ x, y }: Points, w: number, b: number): { w: number; b: number } {
  const errors = x.map((value, i) => w * value + b - y[i]!);
  return { w: 2 * mean(errors.map((error, i) => error * x[i]!)), b: 2 * mean(errors) };
}

/** The same two from automatic differentiation: no formula, only L. */
function automaticDerivatives({ x, y }: Points, w: number, b: number): { w: number; b: number } {
  return tf.tidy(() => {
    const [inputs, outputs] = [tf.tensor1d(x), tf.tensor1d(y)];
    const loss = (slope: tf.Tensor, intercept: tf.Tensor): tf.Tensor =>
      tf.mean(tf.square(tf.sub(tf.add(tf.mul(inputs, slope), intercept), outputs)));
    const [byW, byB] = tf.grads(loss as (...args: tf.Tensor[]) => tf.Tensor)([tf.scalar(w), tf.scalar(b)]);
    return { w: byW!.dataSync()[0]!, b: byB!.dataSync()[0]! };
  });
}

export const linearRegression = defineExperiment({
  name: 'linear-regression',
  title: 'A line through points: closed form and gradient descent',
  paper: 'Legendre 1805; Cauchy 1847',
  claim: 'descent along the two partial derivatives ends at the line that the closed form gives',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: fifty points about a line',
      minutes: 0.01,
      targets: [
        {
          metric: 'descentGap',
          claim: 'descent against the closed form, larger difference of w and b',
          expected: [0, 1e-9],
        },
        {
          metric: 'formulaGap',
          claim: 'the two formulas against automatic differentiation, largest difference',
          expected: [0, 1e-4],
        },
        { metric: 'slopeAtMinimum', claim: 'the gradient’s length at the closed form’s line', expected: [0, 1e-12] },
      ],
    },
  },
  size: ({ steps }) => ({ parameters: 2, steps }),

  async run({ points: count, slope, intercept, noise, steps, rateShare }, context): Promise<Outcome> {
    const random = context.random('points');
    const x = Array.from({ length: count }, () => 4 * random.uniform() - 1);
    const points = { x, y: x.map((value) => slope * value + intercept + noise * random.normal()) };
    const best = closedForm(points);

    const [a, c] = [mean(x.map((value) => value ** 2)), mean(x)];
    const largest = a + 1 + Math.sqrt((a - 1) ** 2 + 4 * c ** 2); // Of the matrix 2 · [[a, c], [c, 1]].
    const rate = (rateShare * 2) / largest;

    let [w, b] = [0, 0];
    let formulaGap = 0;
    const path: [number, number][] = [];
    for (let step = 1; step <= steps; step++) {
      const slopes = partialDerivatives(points, w, b);
      if (step <= 3) {
        const automatic = automaticDerivatives(points, w, b);
        formulaGap = Math.max(formulaGap, Math.abs(slopes.w - automatic.w), Math.abs(slopes.b - automatic.b));
      }
      w -= rate * slopes.w;
      b -= rate * slopes.b;
      path.push([step, Math.max(Math.abs(w - best.w), Math.abs(b - best.b))]);
      context.log(step, { slopeOfLine: w, intercept: b });
      context.advance();
    }
    const atBest = partialDerivatives(points, best.w, best.b);
    const line = (slopeOf: number, start: number) => [-1, 3].map((at) => [at, slopeOf * at + start] as const);
    return {
      metrics: {
        slope: best.w,
        intercept: best.b,
        descentGap: path.at(-1)![1],
        formulaGap,
        slopeAtMinimum: Math.hypot(atBest.w, atBest.b),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'line',
          title: 'Points and the two lines, one on the other',
          x: { label: 'x' },
          y: { label: 'y' },
          series: [
            { name: 'points', style: 'points', points: x.map((value, i) => [value, points.y[i]!]) },
            { name: 'closed form', points: line(best.w, best.b) },
            { name: 'descent', style: 'dashed', points: line(w, b) },
          ],
        },
        {
          kind: 'lines',
          name: 'approach',
          title: 'Distance of descent from the closed form',
          x: { label: 'step' },
          y: { label: 'max |w − w*|, |b − b*|', scale: 'log' },
          series: [{ name: 'descent', points: path }],
        },
      ],
    };
  },
});
