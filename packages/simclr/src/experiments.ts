/**
 * The networks of one run by name, and what is computed from their scores: figure 5 (which augmentations), figure 8 (which
 * head), and how much better all that is than no learning.
 */
import type { AugmentationConfig, ModelConfig, RunConfig } from './config.ts';
import { uniformLoss } from './train.ts';

/** One network of a run. */
export interface Net {
  /** As in the configuration, such as `full-mlp`. */
  name: string;
  /** The same as one word, before its metrics: `fullMlp`. */
  prefix: string;
  model: ModelConfig;
  augmentation: AugmentationConfig;
}

/** The networks that a configuration names. All differ from its model and augmentation in head and policy only. */
export function netsOf({ experiment, model, augmentation }: RunConfig): Net[] {
  return experiment.nets.map((name) => {
    const [policy, head] = name.split('-') as ['full' | 'crop' | 'color', ModelConfig['head']];
    return {
      name,
      prefix: `${policy}${head.charAt(0).toUpperCase()}${head.slice(1)}`,
      model: { ...model, head },
      augmentation: { ...augmentation, crop: policy !== 'color', color: policy !== 'crop' },
    };
  });
}

/** A metric of one network, such as `fullMlpLinear`. */
export function metricName({ prefix }: Pick<Net, 'prefix'>, metric: string): string {
  return `${prefix}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

/** What is compared: name, and the two metrics whose difference it is, in points of accuracy. */
const differences: readonly (readonly [name: string, metric: string, less: string])[] = [
  ['knnOverPixels', 'fullMlpKnn', 'pixelsKnn'],
  ['knnOverRandom', 'fullMlpKnn', 'randomKnn'],
  ['partnerOverPixels', 'fullMlpPartner', 'pixelsPartner'],
  ['partnerOverRandom', 'fullMlpPartner', 'randomPartner'],
  ['linearOverPixels', 'fullMlpLinear', 'pixelsLinear'],
  ['linearOverRandom', 'fullMlpLinear', 'randomLinear'],
  ['bothOverCrop', 'fullMlpLinear', 'cropMlpLinear'],
  ['bothOverColor', 'fullMlpLinear', 'colorMlpLinear'],
  ['cropOverColor', 'cropMlpLinear', 'colorMlpLinear'],
  ['hOverZ', 'fullMlpLinear', 'fullMlpZLinear'],
  ['hOverZKnn', 'fullMlpKnn', 'fullMlpZKnn'],
  ['mlpOverLinear', 'fullMlpLinear', 'fullLinearLinear'],
  ['linearOverNone', 'fullLinearLinear', 'fullNoneLinear'],
  ['mlpOverNone', 'fullMlpLinear', 'fullNoneLinear'],
];

/** The differences that a run's networks allow, and by how many percent the first loss misses ln(2N − 1). */
export function comparisons(config: RunConfig, metrics: Readonly<Record<string, number>>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, metric, less] of differences) {
    const [value, other] = [metrics[metric], metrics[less]];
    if (value !== undefined && other !== undefined) found[name] = value - other;
  }
  const first = metrics['fullMlpFirstLoss'];
  if (first !== undefined) {
    found['firstLossGap'] = 100 * Math.abs(first / uniformLoss(config.training.batchSize) - 1);
  }
  return found;
}
