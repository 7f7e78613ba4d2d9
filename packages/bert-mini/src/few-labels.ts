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

/** Of the rates, the one with the highest mean accuracy over the seeds; undefined until all have been tried. */
export function bestRate(config: Settings, results: Results, kind: Kind, share: number): number | undefined {
  const means = ratesOf(config, kind).map((rate) => [rate, meanOf(config, results, { kind, share, rate })] as const);
  if (means.some(([, mean]) => Number.isNaN(mean))) return undefined;
  return means.reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/** Mean accuracy over the seeds; NaN where one is missing. */
function meanOf({ fineTuning: { seeds } }: Settings, results: Results, net: Omit<FineTuning, 'round'>): number {
  const scores = Array.from({ length: seeds }, (_, round) => results[nameOf({ ...net, round })] ?? Number.NaN);
  return scores.reduce((sum, score) => sum + score, 0) / seeds;
}

/** All fine-tunings in their order. */
export function fineTunings(config: Settings): FineTuning[] {
  const { labelShares, seeds, baseline, lstm } = config.fineTuning;
  const rounds = Array.from({ length: seeds }, (_, round) => round);
  const of = (kind: Kind, share: number, round: number): FineTuning[] =>
    ratesOf(config, kind).map((rate) => ({ kind, share, round, rate }));
  const kinds: Kind[] = baseline ? ['pretrained', 'random'] : ['pretrained'];
  const compared = labelShares.flatMap((share) =>
    rounds.flatMap((round) => kinds.flatMap((kind) => of(kind, share, round))),
  );
  return lstm ? [...compared, ...rounds.flatMap((round) => of('lstm', mostLabels(config), round))] : compared;
}

/** Means over seeds: `accuracy10` with 10 % of the labels, `random10` from random weights, `gain10` their difference, in points. */
export function metricsOf(config: Settings, results: Results): Results {
  const { labelShares } = config.fineTuning;
  const metrics: Results = {};
  for (const name of ['initialMaskedLoss', 'unigramLoss', 'maskedLoss']) {
    if (results[name] !== undefined) metrics[name] = results[name];
  }
  const mean = (kind: Kind, share: number): number | undefined => {
    const rate = bestRate(config, results, kind, share);
    return rate === undefined ? undefined : 100 * meanOf(config, results, { kind, share, rate });
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
  return `Learning rates, each the best of ${ratesOf(config, 'pretrained').join(', ')} by the mean over the seeds: ${chosen.join('; ')}.`;
}
