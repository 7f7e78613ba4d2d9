/**
 * How much of a gradient reaches the bottom of a deep net? Hochreiter 1991; Glorot and Bengio 2010, section 4; He et al. 2015,
 * "Delving deep into rectifiers", section 2.2.
 *
 * Through one layer h′ = φ(h W) of width n, weights from N(0, σ²), the squared length of a gradient is multiplied on average by
 *
 *     χ = n σ² · E[φ′(z)²]        slope = log₁₀ √χ decades per layer
 *
 *     sigmoid, σ = 1/√n           φ′ ≤ 1/4                 −0.63
 *     ReLU, σ = 1/√n              half of the units pass   log₁₀ √(1/2) = −0.151
 *     ReLU, σ = √(2/n) (He)       χ = 1                     0
 *     tanh, σ = 0.01, n = 256     φ′ ≈ 1                   log₁₀ 0.16 = −0.796
 *     tanh, σ = 1/√n              h shrinks like 1/√L and χ → 1: a power of the depth, no exponential
 *     h + φ(h W) / √L             (1 + χ/L)^(L/2) ≤ √e: it cannot vanish
 *
 * Dimensions: n width, L depth.
 */
import { tf } from '@milestones/backend';
import { option, positiveInteger } from '@milestones/core';
import * as v from 'valibot';
import { defineExperiment, type Outcome, type Target } from '../experiment.ts';

const depths = [10, 20, 50] as const;
const deepest = depths[2];

const schema = v.strictObject({
  width: option(positiveInteger, 256, 'n, units of each layer'),
  seeds: option(positiveInteger, 5, 'nets of each kind, over which the mean is taken'),
});

/** One layer: activations h [1, n], standard normal weights [n, n], depth of the whole net. */
type Layer = (h: tf.Tensor2D, weights: tf.Tensor2D, depth: number) => tf.Tensor2D;

/** h (σ W): scaling the product costs n multiplications, scaling W n². */
const product = (h: tf.Tensor2D, weights: tf.Tensor2D, deviation: number): tf.Tensor2D =>
  tf.mul(tf.matMul(h, weights), deviation);
const fan = (h: tf.Tensor2D): number => Math.sqrt(h.shape[1]);

const kinds = {
  sigmoid: (h, w) => tf.sigmoid(product(h, w, 1 / fan(h))),
  tanh: (h, w) => tf.tanh(product(h, w, 1 / fan(h))),
  tanhGain: (h, w) => tf.tanh(product(h, w, 5 / 3 / fan(h))),
  relu: (h, w) => tf.relu(product(h, w, 1 / fan(h))),
  reluHe: (h, w) => tf.relu(product(h, w, Math.SQRT2 / fan(h))),
  tanhSmall: (h, w) => tf.tanh(product(h, w, 0.01)),
  residual: (h, w, depth) => tf.add(h, tf.mul(tf.tanh(product(h, w, 1 / fan(h))), 1 / Math.sqrt(depth))),
} satisfies Record<string, Layer>;
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];

/**
 * log₁₀ (|gradient at the input| / |gradient at the output|) of one net.
 *
 * @param arriving the gradient at the output [1, n], of random direction (since a first run, in which all were equal): one of equal numbers is no fair probe of ReLUs, since
 * the weights into an active unit lean towards its inputs, which are all positive
 */
export function attenuation(
  kind: Kind,
  weights: readonly tf.Tensor2D[],
  input: tf.Tensor2D,
  arriving: tf.Tensor2D,
): number {
  return tf.tidy(() => {
    const layer: Layer = kinds[kind];
    const net = (x: tf.Tensor): tf.Tensor =>
      weights.reduce((h, matrix) => layer(h, matrix, weights.length), x as tf.Tensor2D);
    // 10¹²: behind fifty layers of the worst kind 10⁻⁴⁰ of it is left, less than float32 has.
    const leaving = tf.grad(net)(input, tf.mul(arriving, 1e12));
    return Math.log10(length(leaving) / length(arriving)) - 12;
  });
}

/** In double precision: the squares may be too small for float32. */
function length(tensor: tf.Tensor): number {
  return Math.hypot(...tensor.dataSync());
}

/** The mean over five seeds, computed independently; expected within three standard errors of the two means. */
function published(metric: string, kind: string, value: number, band: number): Target {
  const claim = `decades of the gradient's length, depth ${deepest}, ${kind}`;
  const source = 'mean of five seeds at width 256, computed independently';
  return { metric, claim, published: value, source, expected: [value - band, value + band] };
}

export const gradientAttenuation = defineExperiment({
  name: 'gradient-attenuation',
  title: 'What fifty layers leave of a gradient',
  paper: 'Hochreiter 1991; Glorot and Bengio 2010, section 4; He et al. 2015, section 2.2',
  claim:
    'a layer of sigmoids costs 0.63 decades of the gradient, one of ReLUs without He’s factor 0.151, with it nothing; a ' +
    'residual net loses nothing at any depth',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: seven kinds of nets, three depths, five seeds',
      minutes: 0.08,
      targets: [
        { metric: 'sigmoidSlope', claim: 'decades per layer, sigmoid', expected: [-0.64, -0.62], published: -0.63 },
        { metric: 'reluSlope', claim: 'decades per layer, ReLU: log₁₀ √½ = −0.1505', expected: [-0.165, -0.136] },
        { metric: 'reluHeSlope', claim: 'decades per layer, ReLU as He et al.: 0', expected: [-0.0145, 0.0145] },
        { metric: 'tanhSmallSlope', claim: 'decades per layer, tanh, σ 0.01: −0.796', expected: [-0.81, -0.782] },
        published('sigmoidDepth50', 'sigmoid', -31.4, 0.3),
        published('tanhDepth50', 'tanh, 1/√n', -0.92, 0.4),
        published('tanhGainDepth50', 'tanh, gain 5/3', 1.97, 0.4),
        published('reluDepth50', 'ReLU, 1/√n', -7.63, 0.4),
        published('reluHeDepth50', 'ReLU, He', 0.07, 0.4),
        published('tanhSmallDepth50', 'tanh, σ 0.01', -39.8, 0.3),
        {
          metric: 'residualDepth50',
          claim: 'decades, depth 50, residual: from 0 to log₁₀ √e = 0.22',
          expected: [0, 0.3],
        },
      ],
    },
  },
  size: ({ width, seeds }) => ({ parameters: deepest * width ** 2, steps: seeds }),

  async run({ width, seeds }, context): Promise<Outcome> {
    const sums = new Map<string, number>();
    for (let seed = 0; seed < seeds; seed++) {
      const random = context.random(`net ${seed}`);
      const normal = (rows: number): tf.Tensor2D => tf.tensor2d(random.normalArray(rows * width), [rows, width]);
      const [input, arriving] = [normal(1), normal(1)];
      // All kinds and depths of one seed share their random numbers: differences are the kinds' own.
      const weights = Array.from({ length: deepest }, () => normal(width));
      for (const kind of names) {
        for (const depth of depths) {
          const key = `${kind}Depth${depth}`;
          sums.set(key, (sums.get(key) ?? 0) + attenuation(kind, weights.slice(0, depth), input, arriving) / seeds);
        }
      }
      tf.dispose([input, arriving, ...weights]);
      context.advance();
    }
    const at = (kind: Kind, depth: number): number => sums.get(`${kind}Depth${depth}`)!;
    const slope = (kind: Kind): number => (at(kind, deepest) - at(kind, depths[0])) / (deepest - depths[0]);
    return {
      metrics: {
        ...Object.fromEntries(names.map((kind) => [`${kind}Slope`, slope(kind)])),
        ...Object.fromEntries(sums),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'attenuation',
          title: 'The gradient at the input, against that at the output',
          x: { label: 'depth' },
          y: { label: 'decades' },
          series: names.map((kind) => ({
            name: kind,
            points: [[0, 0] as const, ...depths.map((depth) => [depth, at(kind, depth)] as const)],
          })),
        },
      ],
    };
  },
});
