/**
 * The networks of one run by name, and what is computed from their scores. All are trained one after the other by the same
 * recipe, from the same seed, on the same batches.
 */
import { tf } from '@milestones/backend';
import { valueAndGradients } from '@milestones/core';
import type { RunConfig, TrainingConfig } from './config.ts';
import { ResidualMlp } from './mlp.ts';
import { ResNet } from './model.ts';
import { classificationLoss, type Classifier } from './train.ts';

/** One network of a run. */
export interface Net {
  /** As in the configuration, such as `mlp-plain-50`. */
  name: string;
  /** Before its metrics: empty where a run has one network, else the name as one word, such as `mlpPlain50`. */
  prefix: string;
  training: TrainingConfig;
  /** Declares the network; the images decide what goes in and how many classes come out. */
  build(): Classifier;
}

/** The networks that a configuration names. */
export function netsOf(config: RunConfig): Net[] {
  const { nets } = config.experiment;
  return nets.map((name) => ({
    name,
    prefix: nets.length === 1 ? '' : name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    training: name === 'resnet-mixup' ? { ...config.training, mixUp: config.experiment.mixUp } : config.training,
    build: () => build(name, config),
  }));
}

function build(name: string, config: RunConfig): Classifier {
  const dense = /^mlp-(plain|residual)-(\d+)$/.exec(name);
  if (dense === null) return new ResNet({ ...config.model, ...(name === 'plain' && { shortcut: 'none' }) });
  const { inputChannels, classes } = config.model;
  const side = config.data.set === 'mnist' || config.data.set === 'digits' ? 28 : 32;
  return new ResidualMlp({
    ...config.mlp,
    inputs: side * side * inputChannels,
    classes,
    residual: dense[1] === 'residual',
    depth: Number(dense[2]),
  });
}

/** A metric of one network: `testAccuracy`, or `mlpPlain50TestAccuracy` where a run has several. */
export function metricName(net: Pick<Net, 'prefix'>, metric: string): string {
  return net.prefix === '' ? metric : `${net.prefix}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

/**
 * How much harder the deepest dense net is to train than the one of 20 layers, in points of training error; and what MixUp
 * gains, in points of test accuracy. Only what the run's networks allow.
 */
export function comparisons(config: RunConfig, metrics: Readonly<Record<string, number>>): Record<string, number> {
  const nets = netsOf(config);
  const value = (name: string, metric: string): number | undefined => {
    const net = nets.find((candidate) => candidate.name === name);
    return net && metrics[metricName(net, metric)];
  };
  const found: Record<string, number> = {};
  for (const kind of ['plain', 'residual']) {
    const depths = nets.flatMap(({ name }) => new RegExp(`^mlp-${kind}-(\\d+)$`).exec(name)?.[1] ?? []).map(Number);
    const deepest = value(`mlp-${kind}-${Math.max(...depths)}`, 'trainAccuracy');
    const usual = value(`mlp-${kind}-20`, 'trainAccuracy');
    if (Math.max(...depths) > 20 && deepest !== undefined && usual !== undefined) {
      found[`${kind}Degradation`] = usual - deepest;
    }
    const rival = value(`mlp-residual-${Math.max(...depths)}`, 'trainAccuracy');
    if (kind === 'plain' && deepest !== undefined && rival !== undefined) found['residualGain'] = rival - deepest;
  }
  const [mixed, unmixed] = [value('resnet-mixup', 'testAccuracy'), value('resnet', 'testAccuracy')];
  if (mixed !== undefined && unmixed !== undefined) found['mixUpGain'] = mixed - unmixed;
  return found;
}

/**
 * How the gradient fares on its way back through an untrained dense net: log10 of the norm of the first hidden weights'
 * gradient over that of the last. 0: it arrives as it left.
 *
 * @param images prepared images [B, H, W, C] and their labels; belong to the caller
 */
export function initialGradientRatio(
  options: ConstructorParameters<typeof ResidualMlp>[0],
  seed: number,
  images: tf.Tensor4D,
  labels: tf.Tensor1D,
): number {
  const model = new ResidualMlp(options).initialize(seed).train();
  try {
    return tf.tidy(() => {
      const { gradients } = valueAndGradients(
        () => classificationLoss(model, images, labels),
        model.trainableParameters(),
      );
      const norm = (block: number, layer: 'first' | 'second'): number =>
        tf.norm(gradients[`blocks.${block}.${layer}.dense.weight`]!).dataSync()[0]!;
      return Math.log10(norm(0, 'first') / norm(model.blocks.length - 1, 'second'));
    });
  } finally {
    model.dispose();
  }
}
