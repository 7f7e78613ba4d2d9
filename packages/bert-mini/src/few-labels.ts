/**
 * The comparison with few labels: which nets are tuned with how many, at which rates, and what their scores add up to.
 * Devlin et al. 2018, section 4.1, chooses the rate of each task on its development set; so does each kind of net here.
 */
import type { RunConfig } from './config.ts';

/** A net that has guessed hidden words, the same net from random weights, or an LSTM. */
export type Kind = 'pretrained' | 'random' | 'lstm';

/** One fine-tuning. */
export interface FineTuning {
  kind: Kind;
  /** Share of the labels. */
  share: number;
  /** Counts the seeds, from 0. */
  round: number;
  /** Highest learning rate. */
  rate: number;
}

/** Scores by {@link nameOf}, and losses of pre-training: what is known so far, plain JSON for a checkpoint. */
export type Results = Record<string, number>;

type Settings = Pick<RunConfig, 'fineTuning'>;

/** The name of a fine-tuning's accuracy among the results. */
export const nameOf = ({ kind, share, round, rate }: FineTuning): string => `${kind} ${share} ${round} ${rate}`;

/** Share of the labels in percent, as it is part of a metric's name. */
export const percent = (share: number): string => String(Number((100 * share).toFixed(3))).replace('.', '_');

/** The largest share of the labels. */
export const mostLabels = ({ fineTuning }: Settings): number => Math.max(...fineTuning.labelShares);

function ratesOf({ fineTuning }: Settings, kind: Kind): readonly number[] {
  const { learningRate, learningRates, lstmLearningRate } = fineTuning;
  if (kind === 'lstm') return [lstmLearningRate];
  return learningRates.length === 0 ? [learningRate] : learningRates;
}

/** Of the rates that were tried with the first seed, the one with the highest accuracy; undefined before the first. */
export function bestRate(config: Settings, results: Results, kind: Kind, share: number): number | undefined {
  const score = (rate: number): number => results[nameOf({ kind, share, round: 0, rate })] ?? -1;
  const tried = ratesOf(config, kind).filter((rate) => score(rate) >= 0);
  return tried.length === 0 ? undefined : tried.reduce((best, rate) => (score(rate) > score(best) ? rate : best));
}

/** How many fine-tunings a run makes. */
export function countFineTunings(config: Settings): number {
  const { labelShares, seeds, baseline, lstm } = config.fineTuning;
  const ofKind = ratesOf(config, 'pretrained').length + seeds - 1;
  return labelShares.length * (baseline ? 2 : 1) * ofKind + (lstm ? seeds : 0);
}

/**
 * All fine-tunings in their order. At each share, each kind of net tries all rates with the first seed, and goes on with the
 * best; so `results` must have grown by the score of one before the next is asked for.
 */
export function* fineTunings(config: Settings, results: Results): Generator<FineTuning> {
  const { labelShares, seeds, baseline, lstm } = config.fineTuning;
  const kinds: Kind[] = baseline ? ['pretrained', 'random'] : ['pretrained'];
  for (const share of labelShares) {
    for (let round = 0; round < seeds; round++) {
      for (const kind of kinds) {
        const rates = round === 0 ? ratesOf(config, kind) : [bestRate(config, results, kind, share)!];
        for (const rate of rates) yield { kind, share, round, rate };
      }
    }
  }
  for (let round = 0; round < (lstm ? seeds : 0); round++) {
    for (const rate of ratesOf(config, 'lstm')) yield { kind: 'lstm', share: mostLabels(config), round, rate };
  }
}

/** Means over seeds: `accuracy10` with 10 % of the labels, `random10` from random weights, `gain10` their difference, in points. */
export function metricsOf(config: Settings, results: Results): Results {
  const { labelShares, seeds } = config.fineTuning;
  const metrics: Results = {};
  for (const name of ['initialMaskedLoss', 'unigramLoss', 'maskedLoss']) {
    if (results[name] !== undefined) metrics[name] = results[name];
  }
  const mean = (kind: Kind, share: number): number | undefined => {
    const rate = bestRate(config, results, kind, share);
    if (rate === undefined) return undefined;
    const scores = Array.from({ length: seeds }, (_, round) => results[nameOf({ kind, share, round, rate })]!);
    return (100 * scores.reduce((sum, score) => sum + score, 0)) / seeds;
  };
  for (const share of labelShares) {
    const [tuned, random, lstm] = (['pretrained', 'random', 'lstm'] as const).map((kind) => mean(kind, share));
    if (tuned !== undefined) metrics[`accuracy${percent(share)}`] = tuned;
    if (random !== undefined) metrics[`random${percent(share)}`] = random;
    if (tuned !== undefined && random !== undefined) metrics[`gain${percent(share)}`] = tuned - random;
    if (lstm !== undefined) metrics[`lstm${percent(share)}`] = lstm;
  }
  const most = mostLabels(config);
  const rate = bestRate(config, results, 'pretrained', most);
  if (rate !== undefined) {
    metrics['classifierAccuracy'] = 100 * results[nameOf({ kind: 'pretrained', share: most, round: 0, rate })]!;
  }
  const [fewest, all] = [Math.min(...labelShares), most].map((share) => metrics[`gain${percent(share)}`]);
  if (labelShares.length > 1 && fewest !== undefined && all !== undefined) metrics['gainOfFewest'] = fewest - all;
  return metrics;
}

/** Which rates were chosen, a sentence for the report. */
export function describeRates(config: Settings, results: Results): string {
  const chosen = config.fineTuning.labelShares.flatMap((share) =>
    (['pretrained', 'random'] as const).flatMap((kind) => {
      const rate = bestRate(config, results, kind, share);
      return rate === undefined ? [] : [`${kind} with ${percent(share)} %: ${rate}`];
    }),
  );
  return `Learning rates, each the best of ${ratesOf(config, 'pretrained').join(', ')} with the first seed: ${chosen.join('; ')}.`;
}
