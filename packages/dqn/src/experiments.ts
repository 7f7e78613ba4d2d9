/**
 * The agents of one run by name, and what is computed from their returns. All are trained one after the other.
 */
import type { AgentConfig, RunConfig } from './config.ts';
import { mean } from './train.ts';

/** One training of a run. */
export interface Training {
  /** Such as `replay-and-target`, or `agent, seed 2`. */
  name: string;
  variant: string;
  /** Before its metrics: empty where a run has one training, else for example `replayAndTarget` or `seed2`. */
  prefix: string;
  seed: number;
  agent: AgentConfig;
}

const parts: Record<string, Pick<AgentConfig, 'replay' | 'targetNetwork'>> = {
  'replay-and-target': { replay: true, targetNetwork: true },
  replay: { replay: true, targetNetwork: false },
  target: { replay: false, targetNetwork: true },
  neither: { replay: false, targetNetwork: false },
};

/** The trainings that a configuration names, from the run's seed on. */
export function trainingsOf({ experiment, agent }: RunConfig, seed: number): Training[] {
  const { variants, seeds } = experiment;
  return variants.flatMap((variant) =>
    Array.from({ length: seeds }, (_, index) => {
      const words = [...(variants.length > 1 ? [variant] : []), ...(seeds > 1 ? [`seed${seed + index}`] : [])].join(
        '-',
      );
      return {
        name: `${variant}${seeds > 1 ? `, seed ${seed + index}` : ''}`,
        variant,
        prefix: words.replaceAll(/-([a-z\d])/g, (_match, letter: string) => letter.toUpperCase()),
        seed: seed + index,
        agent: { ...agent, ...parts[variant] },
      };
    }),
  );
}

/** A metric of one training: `trainingReturn`, or `seed2TrainingReturn` where a run has several. */
export function metricName({ prefix }: Pick<Training, 'prefix'>, metric: string): string {
  return prefix === '' ? metric : `${prefix}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

/**
 * Means over seeds, and, where all four variants were trained, what replay and target network bring, as the 2015 table
 * shows it: the mean return with replay less that without, and likewise for the target network.
 */
export function comparisons(
  config: RunConfig,
  seed: number,
  metrics: Readonly<Record<string, number>>,
): Record<string, number> {
  const trainings = trainingsOf(config, seed);
  const found: Record<string, number> = {};
  const { variants, seeds } = config.experiment;
  const over = (variant: string, metric: string): number[] =>
    trainings.filter((each) => each.variant === variant).flatMap((each) => metrics[metricName(each, metric)] ?? []);
  for (const variant of variants) {
    if (seeds === 1) break;
    for (const metric of ['trainingReturn', 'evaluationReturn']) {
      const values = over(variant, metric);
      if (values.length !== seeds) continue;
      const prefix = variants.length > 1 ? trainings.find((each) => each.variant === variant)!.prefix : '';
      const own = prefix.replace(/Seed\d+$/, '');
      found[metricName({ prefix: own }, `mean${metric.charAt(0).toUpperCase()}${metric.slice(1)}`)] = mean(values);
    }
  }
  const [both, replay, target, neither] = Object.keys(parts).map((variant) => {
    const values = over(variant, 'evaluationReturn');
    return values.length === seeds ? mean(values) : undefined;
  });
  if (both !== undefined && replay !== undefined && target !== undefined && neither !== undefined) {
    found['replayGain'] = (both + replay - target - neither) / 2;
    found['targetGain'] = (both + target - replay - neither) / 2;
  }
  return found;
}
