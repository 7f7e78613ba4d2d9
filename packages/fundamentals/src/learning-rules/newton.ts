/**
 * Newton's method: the gradient, measured by the curvature.
 *
 *     θ ← θ − H⁻¹ ∇f(θ)        H = ∇²f(θ)
 *
 * On a quadratic, f = ½ (θ − c)ᵀ A (θ − c), one step lands on c, from anywhere. And it does not matter in which
 * coordinates one works: with θ = M φ the gradient becomes Mᵀ∇f and the curvature Mᵀ H M, so that the step in φ, carried
 * back by M, is the same step. Plain descent, φ ← φ − α Mᵀ∇f, goes elsewhere: M Mᵀ ∇f is not ∇f.
 *
 * Both are checked on the quadratic; the invariance also on logistic regression, a convex problem that is not quadratic,
 * where Newton's method takes a handful of steps (there it is known as iteratively reweighted least squares).
 */
import { nonNegativeInteger, option, positiveInteger, positiveNumber, type Random } from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { apply, dot, type Matrix, multiply, solve, transpose, type Vector } from '../matrices.ts';

const schema = v.strictObject({
  dimensions: option(positiveInteger, 5, 'parameters'),
  condition: option(v.pipe(v.number(), v.minValue(1)), 1000, 'condition number of the quadratic'),
  examples: option(positiveInteger, 200, 'examples of the logistic regression'),
  steps: option(nonNegativeInteger, 8, 'steps on the logistic regression'),
  regularisation: option(positiveNumber, 0.01, 'λ of the logistic regression: λ/2 · ‖θ‖²'),
});

/** A function by its gradient and its curvature. */
interface Smooth {
  gradient: (theta: Vector) => Vector;
  hessian: (theta: Vector) => Matrix;
}

/** The same function of φ, where θ = M φ. */
function inCoordinates({ gradient, hessian }: Smooth, m: Matrix): Smooth {
  const back = transpose(m);
  return {
    gradient: (phi) => apply(back, gradient(apply(m, phi))),
    hessian: (phi) => multiply(back, multiply(hessian(apply(m, phi)), m)), // Mᵀ H M
  };
}

/** θ − H⁻¹ ∇f */
export function newtonStep({ gradient, hessian }: Smooth, theta: Vector): Vector {
  const step = solve(hessian(theta), gradient(theta));
  return theta.map((value, i) => value - step[i]!);
}

const plainStep = ({ gradient }: Smooth, theta: Vector, rate: number): Vector => {
  const slope = gradient(theta);
  return theta.map((value, i) => value - rate * slope[i]!);
};
const distance = (a: Vector, b: Vector): number => Math.hypot(...a.map((value, i) => value - b[i]!));
const randomMatrix = (size: number, random: Random): Matrix =>
  Array.from({ length: size }, () => Array.from({ length: size }, () => random.normal()));

/** −mean log-likelihood of labels ±1 under σ(± x·θ), plus λ/2 · ‖θ‖². */
function logistic(x: Matrix, y: Vector, regularisation: number): Smooth {
  const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));
  const shares = (theta: Vector): Vector => x.map((row) => sigmoid(dot(row, theta)));
  return {
    gradient: (theta) => {
      const wrong = shares(theta).map((share, i) => (share - y[i]!) / x.length);
      return theta.map(
        (value, j) =>
          regularisation * value +
          dot(
            wrong,
            x.map((row) => row[j]!),
          ),
      );
    },
    hessian: (theta) => {
      const weights = shares(theta).map((share) => (share * (1 - share)) / x.length);
      return theta.map((_, j) =>
        theta.map(
          (__, k) =>
            (j === k ? regularisation : 0) + x.reduce((sum, row, i) => sum + weights[i]! * row[j]! * row[k]!, 0),
        ),
      );
    },
  };
}

export const newton = defineExperiment({
  name: 'newton',
  title: 'Newton’s method: one step on a quadratic, the same in all coordinates',
  paper: 'Newton’s method; its invariance as in Nocedal and Wright 2006, section 3.3',
  claim:
    'one step of Newton’s method finds the minimum of a quadratic, and an affine change of coordinates changes nothing',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: a quadratic of condition 1000, and a logistic regression',
      minutes: 0.01,
      targets: [
        { metric: 'quadraticGap', claim: 'distance from the quadratic’s minimum after one step', expected: [0, 1e-9] },
        {
          metric: 'invarianceGap',
          claim: 'logistic regression: the steps in θ against those in φ, carried back',
          expected: [0, 1e-8],
        },
        {
          metric: 'plainGap',
          claim: 'the same for plain descent, which depends on the coordinates',
          expected: [0.01, null],
        },
        {
          metric: 'logisticGradient',
          claim: 'logistic regression: length of the gradient after the last step',
          expected: [0, 1e-10],
        },
      ],
    },
  },
  size: ({ dimensions, steps }) => ({ parameters: dimensions, steps: 1 + steps }),

  async run({ dimensions, condition, examples, steps, regularisation }, context): Promise<Outcome> {
    const random = context.random('newton');
    const normals = (count: number): Vector => Array.from({ length: count }, () => random.normal());

    const minimum = normals(dimensions);
    const scales = minimum.map((_, i) => condition ** (i / Math.max(1, dimensions - 1)));
    const m = randomMatrix(dimensions, random);
    const diagonal: Smooth = {
      gradient: (theta) => theta.map((value, i) => scales[i]! * (value - minimum[i]!)),
      hessian: () => scales.map((scale, i) => scales.map((_, j) => (i === j ? scale : 0))),
    };
    // In the coordinates φ the axes of the valley are no longer the axes of the parameters.
    const landed = apply(m, newtonStep(inCoordinates(diagonal, m), normals(dimensions)));
    context.advance();

    const truth = normals(dimensions);
    const x = Array.from({ length: examples }, () => normals(dimensions));
    const y = x.map((row) => (random.uniform() < 1 / (1 + Math.exp(-dot(row, truth))) ? 1 : 0));
    const problem = logistic(x, y, regularisation);
    const changed = inCoordinates(problem, m);

    let theta: Vector = truth.map(() => 0);
    let phi: Vector = solve(m, theta);
    let [plainTheta, plainPhi] = [theta, phi];
    let [invarianceGap, plainGap] = [0, 0];
    const lengths: { newton: number; plain: number }[] = [];
    const length = (at: Vector): number => Math.hypot(...problem.gradient(at));
    for (let step = 1; step <= steps; step++) {
      lengths.push({ newton: length(theta), plain: length(plainTheta) });
      [theta, phi] = [newtonStep(problem, theta), newtonStep(changed, phi)];
      [plainTheta, plainPhi] = [plainStep(problem, plainTheta, 1), plainStep(changed, plainPhi, 1)];
      invarianceGap = Math.max(invarianceGap, distance(theta, apply(m, phi)));
      plainGap = distance(plainTheta, apply(m, plainPhi));
      context.advance();
    }
    return {
      metrics: { quadraticGap: distance(landed, minimum), invarianceGap, plainGap, logisticGradient: length(theta) },
      drawings: [
        {
          kind: 'lines',
          name: 'logistic',
          title: 'Logistic regression: length of the gradient',
          x: { label: 'steps done' },
          y: { label: '‖∇f‖', scale: 'log' },
          series: (['newton', 'plain'] as const).map((name) => ({
            name: name === 'plain' ? 'plain descent, α = 1' : name,
            points: lengths.map((one, step) => [step, one[name]]),
          })),
        },
      ],
    };
  },
});
