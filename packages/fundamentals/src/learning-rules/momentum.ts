/**
 * Momentum on an ill-conditioned valley. Polyak 1964; Sutskever et al. 2013, section 2.
 *
 *     f(θ) = ½ Σ λᵢ θᵢ²       λ from 1 to κ, the condition number
 *
 *     plain      θ ← θ − α ∇f                               best α = 2 / (κ + 1)             rate (κ − 1) / (κ + 1)
 *     momentum   v ← μ v − α ∇f,  θ ← θ + v                 best α = 4 / (√κ + 1)²,
 *                                                           μ = ((√κ − 1) / (√κ + 1))²       rate (√κ − 1) / (√κ + 1)
 *
 * The rate is the factor by which the distance to the minimum shrinks in each step, in the long run. With κ = 100 a digit
 * costs plain descent 115 steps and momentum 12.
 */
import { option, positiveInteger } from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  conditions: option(
    v.pipe(v.array(v.pipe(v.number(), v.gtValue(1))), v.minLength(1)),
    [10, 100, 1000],
    'κ, condition numbers',
  ),
  dimensions: option(v.pipe(positiveInteger, v.minValue(2)), 20, 'eigenvalues, evenly spaced in their logarithm'),
  steps: option(v.pipe(positiveInteger, v.minValue(100)), 4000, 'steps of each descent'),
});

/** Distances from the minimum, ‖θ‖ after 0, 1, 2 … steps. Doubles end near 10⁻³⁰⁰, and so does the list. */
export function descend(
  eigenvalues: readonly number[],
  { rate, momentum, steps }: { rate: number; momentum: number; steps: number },
  onStep: () => void = () => {},
): number[] {
  const theta = eigenvalues.map(() => 1);
  const velocity = eigenvalues.map(() => 0);
  const distances = [Math.hypot(...theta)];
  for (let step = 1; step <= steps; step++) {
    eigenvalues.forEach((eigenvalue, i) => {
      velocity[i] = momentum * velocity[i]! - rate * eigenvalue * theta[i]!;
      theta[i]! += velocity[i]!;
    });
    // Scaled before squaring, so that small numbers do not vanish.
    const largest = Math.max(...theta.map(Math.abs));
    if (distances.length === step && largest > 1e-280) {
      distances.push(largest * Math.hypot(...theta.map((value) => value / largest)));
    }
    onStep();
  }
  return distances;
}

/** The factor per step over the second half of a descent: what came first still depends on where it began. */
export function measuredRate(distances: readonly number[]): number {
  const [from, to] = [Math.floor(distances.length / 2), distances.length - 1];
  return (distances[to]! / distances[from]!) ** (1 / (to - from));
}

/** Digits gained in a step cost this many steps. */
const stepsPerDigit = (rate: number): number => -1 / Math.log10(rate);

export const momentum = defineExperiment({
  name: 'momentum',
  title: 'Momentum against plain descent on an ill-conditioned quadratic',
  paper: 'Polyak 1964',
  claim: 'plain descent shrinks the distance by (κ − 1)/(κ + 1) in each step, momentum by (√κ − 1)/(√κ + 1)',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: three condition numbers, the best rates of theory',
      minutes: 0.01,
      targets: [
        {
          metric: 'momentumGap',
          claim: 'steps per digit with momentum, measured over theory, largest departure from 1',
          expected: [0, 0.05],
        },
        { metric: 'plainGap', claim: 'the same for plain descent', expected: [0, 0.01] },
        {
          metric: 'speedUp',
          claim: 'steps per digit, plain over momentum, at the largest κ: near √κ = 31.6',
          expected: [28, 32],
        },
      ],
    },
  },
  size: ({ conditions, dimensions, steps }) => ({ parameters: dimensions, steps: 2 * conditions.length * steps }),

  async run({ conditions, dimensions, steps }, context): Promise<Outcome> {
    const rows = conditions.map((kappa) => {
      const eigenvalues = Array.from({ length: dimensions }, (_, i) => kappa ** (i / (dimensions - 1)));
      const root = Math.sqrt(kappa);
      const theory = { plain: (kappa - 1) / (kappa + 1), momentum: (root - 1) / (root + 1) };
      const advance = (): void => context.advance();
      const plain = descend(eigenvalues, { rate: 2 / (kappa + 1), momentum: 0, steps }, advance);
      const heavy = descend(eigenvalues, { rate: 4 / (root + 1) ** 2, momentum: theory.momentum ** 2, steps }, advance);
      const measured = { plain: measuredRate(plain), momentum: measuredRate(heavy) };
      return { kappa, theory, measured, plain, heavy };
    });
    const gap = (kind: 'plain' | 'momentum'): number =>
      Math.max(
        ...rows.map(({ theory, measured }) =>
          Math.abs(stepsPerDigit(measured[kind]) / stepsPerDigit(theory[kind]) - 1),
        ),
      );
    const last = rows.reduce((most, row) => (row.kappa > most.kappa ? row : most));
    const thinned = (distances: readonly number[]) =>
      distances.flatMap((distance, step) => (step <= 400 && step % 2 === 0 ? [[step, distance] as const] : []));
    return {
      metrics: {
        plainGap: gap('plain'),
        momentumGap: gap('momentum'),
        speedUp: stepsPerDigit(last.measured.plain) / stepsPerDigit(last.measured.momentum),
        ...Object.fromEntries(
          rows.flatMap(({ kappa, measured }) => [
            [`plainRate${kappa}`, measured.plain],
            [`momentumRate${kappa}`, measured.momentum],
          ]),
        ),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'distances',
          title: `Distance from the minimum, κ = ${conditions.join(', ')}`,
          x: { label: 'step' },
          y: { label: '‖θ‖', scale: 'log' },
          series: rows.flatMap(({ kappa, plain, heavy }) => [
            { name: `plain ${kappa}`, style: 'dashed' as const, points: thinned(plain) },
            { name: `momentum ${kappa}`, points: thinned(heavy) },
          ]),
        },
      ],
    };
  },
});
