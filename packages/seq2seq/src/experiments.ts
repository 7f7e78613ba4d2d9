/** The networks of one run by name, and what is computed from their scores. */
import type { RunConfig, TranslatorConfig } from './config.ts';

/** One network of a run. */
export interface Net {
  /** As in the configuration, with the number of its seed where there are several: `reversed`, `reversed seed 2`. */
  name: string;
  kind: RunConfig['experiment']['nets'][number];
  /** Before its metrics: empty where a run has one network, else the name as one word, such as `reversedSeed2`. */
  prefix: string;
  /** Of its weights, batches and dropout. */
  seed: number;
  config: TranslatorConfig;
}

/** The networks that a configuration names: those of a seed one after the other, then those of the next. */
export function netsOf(config: RunConfig, seed: number): Net[] {
  const { nets, seeds } = config.experiment;
  return Array.from({ length: seeds }, (_, index) =>
    nets.map((kind): Net => {
      const name = seeds === 1 ? kind : `${kind} seed ${seed + index}`;
      const prefix = seeds === 1 ? kind : `${kind}Seed${seed + index}`;
      return {
        name,
        kind,
        prefix: nets.length * seeds === 1 ? '' : prefix,
        seed: seed + index,
        config: configOf(config, kind),
      };
    }),
  ).flat();
}

function configOf({ model, attention }: RunConfig, kind: Net['kind']): TranslatorConfig {
  if (kind === 'model') return model;
  if (kind !== 'attention') return { ...model, kind: 'plain', reverseSource: kind === 'reversed' };
  return { ...model, ...attention, kind: 'attention', layers: 1, reverseSource: false };
}

/** A metric of one network: `validationLoss`, or `reversedSeed2ValidationLoss` where a run has several. */
export function metricName({ prefix }: Pick<Net, 'prefix'>, metric: string): string {
  return prefix === '' ? metric : `${prefix}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

/**
 * What the run is about: the lowest score of each kind of net and its mean over the seeds, what reversing the source gains on
 * average, and what attention gains over the better plain net. Only what the run's networks allow.
 */
export function comparisons(
  config: RunConfig,
  seed: number,
  metrics: Readonly<Record<string, number>>,
): Record<string, number> {
  const nets = netsOf(config, seed);
  const valuesOf = (kind: Net['kind'], metric: string): number[] =>
    nets.filter((net) => net.kind === kind).flatMap((net) => metrics[metricName(net, metric)] ?? []);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const found: Record<string, number> = {};
  for (const metric of ['exact', 'areaUnderExact', 'testBleu', 'testPerplexity']) {
    const capital = `${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
    for (const kind of nets.length === 1 ? [] : new Set(config.experiment.nets)) {
      const values = valuesOf(kind, metric);
      if (values.length > 0 && metric === 'exact') found[`${kind}LowestExact`] = Math.min(...values);
      if (values.length > 1) found[`${kind}Mean${capital}`] = mean(values);
    }
    const [reversed, straight] = [valuesOf('reversed', metric), valuesOf('straight', metric)];
    if (reversed.length > 0 && straight.length > 0) found[`reversal${capital}Gain`] = mean(reversed) - mean(straight);
  }
  const attention = valuesOf('attention', 'testBleu');
  const plain = [...valuesOf('reversed', 'testBleu'), ...valuesOf('straight', 'testBleu')];
  if (attention.length > 0 && plain.length > 0) found['attentionGain'] = mean(attention) - Math.max(...plain);
  return found;
}
