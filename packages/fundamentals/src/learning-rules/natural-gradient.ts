/**
 * The natural gradient: steps that do not depend on how a distribution is written down. Amari 1998.
 *
 *     θ ← θ − η F(θ)⁻¹ ∇L(θ)        F = E[∇log p · ∇log pᵀ], the Fisher information
 *
 * A Gaussian N(μ, σ²) is fitted to data by its mean negative log-likelihood. Its σ is written in three ways: as itself, as
 * eᵘ, and as softplus(u) = log(1 + eᵘ). For σ itself F = diag(1/σ², 2/σ²); for σ(u) the second entry becomes 2 σ′² / σ².
 *
 *     plain      the change of σ is −η σ′(u)² ∂L/∂σ: it depends on the way of writing
 *     natural    the change of σ is −η σ²/2 ∂L/∂σ: it does not
 *
 * For a small step, that is. A step of finite length η still bends with the way of writing, by an amount of order η²: so
 * the ends of a path of 1/η steps agree better in proportion to η.
 */
import { option, positiveInteger, positiveNumber } from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  deviation: option(positiveNumber, 3, 'standard deviation of the data'),
  startDeviation: option(positiveNumber, 0.7, 'σ at the start'),
  startMean: option(v.number(), 2, 'μ at the start; the data has mean 0'),
  steps: option(positiveInteger, 50, 'steps of the coarse path; the fine one has ten times as many, a tenth as long'),
  length: option(positiveNumber, 1, 'η · steps, the length of a path'),
});

/** Ways to write σ: σ(u), its slope, and the u of a σ. */
const writings = {
  itself: { sigma: (u: number) => u, slope: (_u: number) => 1, inverse: (sigma: number) => sigma },
  exponential: { sigma: Math.exp, slope: Math.exp, inverse: Math.log },
  softplus: {
    sigma: (u: number) => Math.log1p(Math.exp(u)),
    slope: (u: number) => 1 / (1 + Math.exp(-u)),
    inverse: (sigma: number) => Math.log(Math.expm1(sigma)),
  },
};
type Writing = keyof typeof writings;
const names = Object.keys(writings) as Writing[];

/** L = log σ + (s² + μ²) / (2 σ²) for data with mean 0 and variance s²: ∂L/∂μ and ∂L/∂σ. */
function slopes(mu: number, sigma: number, variance: number): [number, number] {
  return [mu / sigma ** 2, 1 / sigma - (variance + mu ** 2) / sigma ** 3];
}

/** How fast (μ, σ) moves, to first order in η. */
export function velocity(
  name: Writing,
  natural: boolean,
  mu: number,
  sigma: number,
  variance: number,
): [number, number] {
  const { slope, inverse } = writings[name];
  const stretch = slope(inverse(sigma)); // dσ/du
  const [byMu, bySigma] = slopes(mu, sigma, variance);
  const byU = bySigma * stretch;
  if (!natural) return [-byMu, -byU * stretch];
  const fisher = [1 / sigma ** 2, (2 * stretch ** 2) / sigma ** 2] as const; // diagonal
  return [-byMu / fisher[0], (-byU / fisher[1]) * stretch];
}

/** Steps in (μ, u); the path in (μ, σ). */
function path(
  name: Writing,
  natural: boolean,
  start: [number, number],
  variance: number,
  steps: number,
  eta: number,
  onStep: () => void,
) {
  const { sigma, slope, inverse } = writings[name];
  let [mu, u] = [start[0], inverse(start[1])];
  const points: [number, number][] = [start];
  for (let step = 0; step < steps; step++) {
    const [byMu, bySigma] = slopes(mu, sigma(u), variance);
    const stretch = slope(u);
    const scale = natural ? ([sigma(u) ** 2, sigma(u) ** 2 / (2 * stretch ** 2)] as const) : ([1, 1] as const);
    mu -= eta * scale[0] * byMu;
    u -= eta * scale[1] * bySigma * stretch;
    points.push([mu, sigma(u)]);
    onStep();
  }
  return points;
}

/** The largest distance between two of the points. */
function spread(points: readonly (readonly [number, number])[]): number {
  return Math.max(...points.flatMap((a) => points.map((b) => Math.hypot(a[0] - b[0], a[1] - b[1]))));
}

export const naturalGradient = defineExperiment({
  name: 'natural-gradient',
  title: 'The natural gradient of a Gaussian, written in three ways',
  paper: 'Amari 1998',
  claim:
    'the natural gradient moves a Gaussian the same way whether σ is written as itself, eᵘ or softplus(u); the plain one does not',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: three ways of writing σ, two lengths of step',
      minutes: 0.01,
      targets: [
        {
          metric: 'naturalTangentGap',
          claim: 'natural gradient: first-order motion, largest difference between the ways',
          expected: [0, 1e-12],
        },
        { metric: 'plainTangentGap', claim: 'plain gradient: the same', expected: [0.1, null] },
        {
          metric: 'refinement',
          claim: 'natural gradient: spread of the ends, coarse path over one of ten times finer steps',
          expected: [8, 12],
        },
        {
          metric: 'plainRefinement',
          claim: 'plain gradient: the same; finer steps do not make the ends agree',
          expected: [0.5, 2],
        },
      ],
    },
  },
  size: ({ steps }) => ({ parameters: 2, steps: 2 * names.length * 11 * steps }),

  async run({ deviation, startDeviation, startMean, steps, length }, context): Promise<Outcome> {
    const variance = deviation ** 2;
    const start: [number, number] = [startMean, startDeviation];
    const advance = (): void => context.advance();
    const paths = (natural: boolean, count: number) =>
      names.map((name) => path(name, natural, start, variance, count, length / count, advance));
    const coarse = { natural: paths(true, steps), plain: paths(false, steps) };
    const fine = { natural: paths(true, 10 * steps), plain: paths(false, 10 * steps) };
    const ends = (all: [number, number][][]) => spread(all.map((points) => points.at(-1)!));
    const tangents = (natural: boolean) => spread(names.map((name) => velocity(name, natural, ...start, variance)));
    const draw = (kind: 'natural' | 'plain') => ({
      kind: 'lines' as const,
      name: kind,
      title: `The ${kind} gradient’s path, σ written in three ways`,
      x: { label: 'μ' },
      y: { label: 'σ' },
      series: names.map((name, index) => ({
        name,
        style: index === 0 ? ('line' as const) : ('dashed' as const),
        points: fine[kind][index]!.filter((_, step) => step % 10 === 0),
      })),
    });
    return {
      metrics: {
        naturalTangentGap: tangents(true),
        plainTangentGap: tangents(false),
        naturalSpread: ends(fine.natural),
        plainSpread: ends(fine.plain),
        refinement: ends(coarse.natural) / ends(fine.natural),
        plainRefinement: ends(coarse.plain) / ends(fine.plain),
      },
      drawings: [draw('natural'), draw('plain')],
    };
  },
});
