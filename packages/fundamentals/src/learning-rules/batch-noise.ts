/**
 * What a larger mini-batch buys. Robbins and Monro 1951; the trade as in McCandlish et al. 2018.
 *
 *     g_B = mean of B examples' gradients        E[g_B] = ∇L        E‖g_B − ∇L‖² = tr Σ / B
 *
 * The noise falls like 1/B, the cost of a step grows like B. As long as noise is what holds descent back, twice the batch
 * needs half the steps and the same number of examples. Once the gradient is exact enough, a larger batch saves no more
 * steps, and all that it adds is cost.
 *
 * Linear regression, f = ½ (x·θ − y)²: the best θ and the excess of the loss, ½ (θ − θ*)ᵀ H (θ − θ*), are known. For every
 * batch size the rate of a grid that needs the fewest steps counts.
 */
import { option, positiveInteger, positiveNumber, type Random } from '@milestones/core';
import * as v from 'valibot';
import { rateGrid } from '../best-rate.ts';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { apply, dot, type Matrix, solve, type Vector } from '../matrices.ts';

const schema = v.strictObject({
  examples: option(positiveInteger, 2000, 'examples'),
  dimensions: option(positiveInteger, 10, 'parameters'),
  noise: option(positiveNumber, 1, 'standard deviation of the targets about the line'),
  batchSizes: option(v.pipe(v.array(positiveInteger), v.minLength(2)), [1, 4, 16, 64, 256, 1024], 'B'),
  rates: option(rateGrid, [0.003, 0.006, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8], 'rates of the grid'),
  draws: option(positiveInteger, 400, 'mini-batches over which the noise is measured'),
  excess: option(positiveNumber, 0.01, 'the loss above its minimum at which a descent has arrived'),
  mostExamples: option(positiveInteger, 200_000, 'examples after which a descent that has not arrived gives up'),
});
type Settings = v.InferOutput<typeof schema>;

/** The regression, solved. */
interface Problem {
  x: Matrix;
  y: Vector;
  hessian: Matrix;
  best: Vector;
}

function makeProblem({ examples, dimensions, noise }: Settings, random: Random): Problem {
  const truth = Array.from({ length: dimensions }, () => random.normal());
  const x = Array.from({ length: examples }, () => truth.map(() => random.normal()));
  const y = x.map((row) => dot(row, truth) + noise * random.normal());
  const hessian = truth.map((_, i) =>
    truth.map((__, j) => x.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / examples),
  );
  const moments = truth.map((_, i) => x.reduce((sum, row, at) => sum + row[i]! * y[at]!, 0) / examples);
  return { x, y, hessian, best: solve(hessian, moments) };
}

/** g_B: the mean gradient of `size` examples, drawn with replacement. */
function batchGradient({ x, y }: Problem, theta: Vector, size: number, random: Random): number[] {
  const gradient = theta.map(() => 0);
  for (let draw = 0; draw < size; draw++) {
    const at = random.integer(x.length);
    const row = x[at]!;
    const error = dot(row, theta) - y[at]!;
    for (let i = 0; i < gradient.length; i++) gradient[i]! += (error * row[i]!) / size;
  }
  return gradient;
}

/** E‖g_B − ∇L‖² at θ = 0, over many draws. */
function noiseOf(problem: Problem, size: number, draws: number, random: Random): number {
  const theta = problem.best.map(() => 0);
  const exact = apply(problem.hessian, problem.best).map((value) => -value); // ∇L(0) = −H θ*
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    const gradient = batchGradient(problem, theta, size, random);
    sum += gradient.reduce((total, value, i) => total + (value - exact[i]!) ** 2, 0);
  }
  return sum / draws;
}

/** Steps until the excess loss is small, from θ = 0; Infinity where that takes too many examples. */
function stepsToArrive(problem: Problem, size: number, rate: number, settings: Settings, random: Random): number {
  const most = Math.floor(settings.mostExamples / size);
  const theta = problem.best.map(() => 0);
  for (let step = 1; step <= most; step++) {
    batchGradient(problem, theta, size, random).forEach((slope, i) => (theta[i]! -= rate * slope));
    const off = theta.map((value, i) => value - problem.best[i]!);
    const excess = dot(off, apply(problem.hessian, off)) / 2;
    if (excess <= settings.excess) return step;
    if (!(excess < 1e6)) return Infinity;
  }
  return Infinity;
}

/** The slope of a straight line through (log x, log y). */
function logSlope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const [meanX, meanY] = [0, 1].map((axis) => logs.reduce((sum, point) => sum + point[axis]!, 0) / logs.length);
  const top = logs.reduce((sum, [x, y]) => sum + (x - meanX!) * (y - meanY!), 0);
  return top / logs.reduce((sum, [x]) => sum + (x - meanX!) ** 2, 0);
}

export const batchNoise = defineExperiment({
  name: 'batch-noise',
  title: 'Mini-batches: noise of the gradient against cost',
  paper: 'Robbins and Monro 1951; McCandlish et al. 2018',
  claim: 'the gradient’s noise falls like 1/B; larger batches need fewer steps, and beyond some size more examples',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: linear regression with batches of 1 to 1024',
      minutes: 0.05,
      targets: [
        {
          metric: 'noiseSlope',
          claim: 'variance of the gradient over the batch size, slope in logarithms: −1',
          expected: [-1.05, -0.95],
        },
        { metric: 'stepsSaved', claim: 'steps to the same loss, smallest batch over largest', expected: [10, null] },
        {
          metric: 'extraExamples',
          claim: 'examples to the same loss, largest batch over smallest',
          expected: [2, null],
        },
      ],
    },
  },
  size: ({ dimensions, batchSizes, rates }) => ({
    parameters: dimensions,
    steps: batchSizes.length * (1 + rates.length),
  }),

  async run(settings, context): Promise<Outcome> {
    const { batchSizes, rates, draws } = settings;
    const problem = makeProblem(settings, context.random('problem'));
    const rows = batchSizes.map((size) => {
      const noise = noiseOf(problem, size, draws, context.random(`noise ${size}`));
      context.advance();
      let steps = Infinity;
      for (const rate of rates) {
        steps = Math.min(steps, stepsToArrive(problem, size, rate, settings, context.random(`order ${size}`)));
        context.advance();
      }
      return { size, noise, steps, examples: size * steps };
    });
    const never = rows.find(({ steps }) => steps === Infinity);
    if (never) {
      throw new Error(
        `batch-noise: with batches of ${never.size} no rate arrived within ${settings.mostExamples} examples; raise mostExamples or excess.`,
      );
    }
    const [first, last] = [rows[0]!, rows.at(-1)!];
    return {
      metrics: {
        noiseSlope: logSlope(rows.map(({ size, noise }) => [size, noise])),
        stepsSaved: first.steps / last.steps,
        extraExamples: last.examples / first.examples,
      },
      drawings: [
        {
          kind: 'lines',
          name: 'noise',
          title: 'Variance of the gradient',
          x: { label: 'batch size', scale: 'log' },
          y: { label: 'E‖g − ∇L‖²', scale: 'log' },
          series: [
            { name: 'measured', style: 'points', points: rows.map(({ size, noise }) => [size, noise]) },
            {
              name: '1/B through the first',
              points: rows.map(({ size }) => [size, (first.noise * first.size) / size]),
            },
          ],
        },
        {
          kind: 'lines',
          name: 'cost',
          title: `What it takes to come within ${settings.excess} of the least loss`,
          x: { label: 'batch size', scale: 'log' },
          y: { label: 'count', scale: 'log' },
          series: (['steps', 'examples'] as const).map((name) => ({
            name,
            points: rows.map((row) => [row.size, row[name]]),
          })),
        },
      ],
    };
  },
});
