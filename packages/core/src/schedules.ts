/**
 * Learning-rate schedules: pure functions of the step, on the host. The caller passes the result to the step as a scalar
 * tensor.
 *
 * `step` is the number of updates made before: 0 for the first. Papers that count from 1 call it t = step + 1.
 */

/** From the number of updates made before to the learning rate of the next. */
export type Schedule = (step: number) => number;

/** The same rate at every step. */
export function constantSchedule(rate: number): Schedule {
  check('constantSchedule', { rate });
  return () => rate;
}

/**
 * The rate is multiplied by `factor` when a boundary is reached: rate · factorⁿ, where n counts the boundaries that are at
 * most `step`, or with `every`, n = ⌊step / every⌋.
 *
 * He et al. 2015, section 4.2: `{ rate: 0.1, factor: 0.1, boundaries: [32000, 48000] }`.
 */
export function stepSchedule(
  options: { rate: number; factor: number } & ({ boundaries: readonly number[] } | { every: number }),
): Schedule {
  const { rate, factor } = options;
  check('stepSchedule', { rate, factor });
  if ('every' in options) {
    const { every } = options;
    check('stepSchedule', { every }, 1);
    return (step) => rate * factor ** Math.floor(step / every);
  }
  const { boundaries } = options;
  for (const boundary of boundaries) check('stepSchedule', { boundary });
  return (step) => rate * factor ** boundaries.filter((boundary) => step >= boundary).length;
}

/** Options of schedules that warm up to `rate`, then fall to `minimum` at `decaySteps`. */
export interface WarmupDecayOptions {
  /** The highest rate, reached when the warm-up ends. */
  rate: number;
  /** The rate from `decaySteps` on. Default 0. */
  minimum?: number;
  /** Length of the warm-up. Default 0. */
  warmupSteps?: number;
  /** The step at which `minimum` is reached, counted from the start of training; at least `warmupSteps`. */
  decaySteps: number;
}

/**
 * Linear warm-up, then a straight line down to `minimum`. With `minimum` 0, the schedule of Devlin et al. 2018, appendix
 * A.2. The warm-up is as in {@link cosineSchedule}.
 */
export function linearSchedule(options: WarmupDecayOptions): Schedule {
  return warmupThen('linearSchedule', options, (progress) => 1 - progress);
}

/**
 * Linear warm-up, then half a cosine down to `minimum`. Loshchilov and Hutter 2017, equation 5, without restarts.
 *
 *     step < warmupSteps        rate · (step + 1) / (warmupSteps + 1)
 *     step ≥ decaySteps         minimum
 *     between                   minimum + (rate − minimum) · (1 + cos(π p)) / 2,
 *                               p = (step − warmupSteps) / (decaySteps − warmupSteps)
 *
 * The warm-up is nanoGPT's: it begins above 0, so that the first update is not wasted, and reaches `rate` exactly at
 * `warmupSteps`.
 */
export function cosineSchedule(options: WarmupDecayOptions): Schedule {
  return warmupThen('cosineSchedule', options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

/**
 * The Transformer's schedule. Vaswani et al. 2017, equation 3, with t = step + 1:
 *
 *     factor · features^−0.5 · min(t^−0.5, t · warmupSteps^−1.5)
 *
 * @param options `features` is the model's width; `factor` scales the whole, default 1
 */
export function inverseSquareRootSchedule(options: {
  features: number;
  warmupSteps: number;
  factor?: number;
}): Schedule {
  const { features, warmupSteps, factor = 1 } = options;
  check('inverseSquareRootSchedule', { factor });
  check('inverseSquareRootSchedule', { features, warmupSteps }, 1);
  return (step) => (factor / Math.sqrt(features)) * Math.min((step + 1) ** -0.5, (step + 1) * warmupSteps ** -1.5);
}

/** rate / √t with t = step + 1: the decay of Adam's convergence theorem. Kingma and Ba 2014, section 4. */
export function inverseSquareRootDecaySchedule(rate: number): Schedule {
  check('inverseSquareRootDecaySchedule', { rate });
  return (step) => rate / Math.sqrt(step + 1);
}

function warmupThen(where: string, options: WarmupDecayOptions, shape: (progress: number) => number): Schedule {
  const { rate, minimum = 0, warmupSteps = 0, decaySteps } = options;
  check(where, { rate, minimum, warmupSteps, decaySteps });
  if (minimum > rate) {
    throw new Error(`${where}: minimum ${minimum} is above rate ${rate}; exchange them, or use constantSchedule.`);
  }
  if (decaySteps < warmupSteps) {
    throw new Error(
      `${where}: decaySteps ${decaySteps} lies before the end of the warm-up, ${warmupSteps}; decaySteps counts from the ` +
        'start of training, not from the end of the warm-up.',
    );
  }
  return (step) => {
    if (step < warmupSteps) return (rate * (step + 1)) / (warmupSteps + 1);
    if (step >= decaySteps) return minimum; // Before the division: decaySteps may equal warmupSteps.
    return minimum + (rate - minimum) * shape((step - warmupSteps) / (decaySteps - warmupSteps));
  };
}

function check(where: string, options: Record<string, number>, least = 0): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isFinite(value) || value < least) {
      throw new Error(`${where}: ${name} is ${value}; give a finite number of at least ${least}.`);
    }
  }
}
