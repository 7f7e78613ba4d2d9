/**
 * The networks of one run by name, and what is computed from their scores. All are trained one after the other, from the
 * same seed, on the same batches.
 */
import { AlexNet } from './model.ts';
import { CifarNet } from './cifar-net.ts';
import type { RunConfig, TrainingConfig } from './config.ts';
import type { Classifier } from './train.ts';

/** One network of a run. */
export interface Net {
  /** As in the configuration, such as `relu-0.002`. */
  name: string;
  /** Before its metrics: empty where a run has one network, else its name without hyphens, such as `relu0.002`. */
  prefix: string;
  training: TrainingConfig;
  /** Declares the network. */
  build(): Classifier;
}

/** The networks that a configuration names. */
export function netsOf(config: RunConfig): Net[] {
  const { nets } = config.experiment;
  return nets.map((name) => {
    const rated = /^(relu|tanh)-(.+)$/.exec(name);
    return {
      name,
      prefix: nets.length === 1 ? '' : name.replaceAll(/-([a-z\d])/g, (_, letter: string) => letter.toUpperCase()),
      training: rated ? { ...config.training, learningRate: Number(rated[2]) } : config.training,
      build: () => {
        if (name === 'imagenet') return new AlexNet(config.imagenet);
        if (rated) return new CifarNet({ ...config.cifar, activation: rated[1] as 'relu' | 'tanh' });
        return new CifarNet({ ...config.cifar, ...(name === 'cifar-without-lrn' && { responseNormalization: false }) });
      },
    };
  });
}

/** A metric of one network: `testAccuracy`, or `relu0.002TestAccuracy` where a run has several. */
export function metricName(net: Pick<Net, 'prefix'>, metric: string): string {
  return net.prefix === '' ? metric : `${net.prefix}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

/** The networks whose last evaluation found a larger training error than the one to stop at. */
export function notArrived(config: RunConfig, metrics: Readonly<Record<string, number>>): string[] {
  const { stopAtTrainError } = config.training;
  if (stopAtTrainError === 0) return [];
  return netsOf(config)
    .filter((net) => 100 - (metrics[metricName(net, 'trainAccuracy')] ?? 0) > stopAtTrainError)
    .map(({ name }) => name);
}

/**
 * Figure 1: the steps of ReLU and of tanh to the training error that the configuration stops at, each at its best learning
 * rate, and tanh's as a multiple of ReLU's. A net that never got there counts with the steps it had, so that the ratio is
 * then at least (or at most) the one printed. And what local response normalisation gains, in points of test accuracy.
 * Only what the run's networks allow.
 */
export function comparisons(config: RunConfig, metrics: Readonly<Record<string, number>>): Record<string, number> {
  const nets = netsOf(config);
  const found: Record<string, number> = {};
  for (const activation of ['relu', 'tanh']) {
    const steps = nets
      .filter(({ name }) => name.startsWith(`${activation}-`))
      .flatMap((net) => metrics[metricName(net, 'stepsTrained')] ?? []);
    if (steps.length > 0) found[`${activation}Steps`] = Math.min(...steps);
  }
  const { reluSteps, tanhSteps } = found;
  if (reluSteps !== undefined && tanhSteps !== undefined) found['tanhOverRelu'] = tanhSteps / reluSteps;
  const accuracyOf = (name: string): number | undefined => {
    const net = nets.find((candidate) => candidate.name === name);
    return net && metrics[metricName(net, 'testAccuracy')];
  };
  const [normalized, without] = [accuracyOf('cifar'), accuracyOf('cifar-without-lrn')];
  if (normalized !== undefined && without !== undefined) found['responseNormalizationGain'] = normalized - without;
  return found;
}
