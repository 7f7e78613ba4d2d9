/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the agent of 2015 on Atari; what a laptop can train is in the presets.
 */
import {
  completeConfig,
  finiteNumber,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import * as v from 'valibot';
import { environments, type EnvironmentName } from './environments/make.ts';

const probability = v.pipe(finiteNumber, v.minValue(0), v.maxValue(1));

/** A Q-network. */
export const networkSchema = v.strictObject({
  kind: option(
    v.picklist(['mlp', 'grid', 'atari2013', 'atari2015']),
    'atari2015',
    'mlp: dense layers; grid: one 3×3 convolution and a dense layer; the convolutional nets of the two papers',
  ),
  hidden: option(v.array(positiveInteger), [120, 84], 'kind mlp: units of the hidden layers'),
});

/** A Q-network, complete. */
export type NetworkConfig = v.InferOutput<typeof networkSchema>;
/** A Q-network with everything optional that has a default. */
export type NetworkOptions = v.InferInput<typeof networkSchema>;

/** Where the agent acts. */
export const environmentSchema = v.pipe(
  v.strictObject({
    name: option(
      v.picklist([...(Object.keys(environments) as EnvironmentName[]), 'gymnasium']),
      'gymnasium',
      'gymnasium: a process that offers one, with the frames of Atari',
    ),
    maximumSteps: option(nonNegativeInteger, 0, 'moves until an episode is cut off; 0: the environment’s own limit'),
    stickyProbability: option(fraction, 0.1, 'games on a grid: probability that the last action is repeated'),
    command: option(
      v.array(v.string()),
      [],
      'name gymnasium: program and arguments of the process; empty: python3 with the script of this package',
    ),
    game: option(v.string(), 'ALE/Breakout-v5', 'name gymnasium: what the process is asked for'),
    frameSkip: option(positiveInteger, 4, 'name gymnasium: frames for each move'),
    frameStack: option(positiveInteger, 4, 'k, frames in a state; 1 for what can be seen in one'),
    crop: option(
      v.picklist(['2013', '2015']),
      '2015',
      'name gymnasium: 2013 shrinks to 110×84 and takes the lower 84 rows, 2015 shrinks to 84×84',
    ),
  }),
  v.forward(
    v.check(
      ({ name, frameSkip, frameStack }) => name === 'gymnasium' || (frameSkip === 1 && frameStack === 1),
      'only frames of Atari are skipped and stacked; set environment.frameSkip and environment.frameStack to 1',
    ),
    ['frameSkip'],
  ),
);

/** Where the agent acts, complete. */
export type EnvironmentConfig = v.InferOutput<typeof environmentSchema>;

/** The agent and how it learns. Defaults: Mnih et al. 2015, extended data table 1. */
export const agentSchema = v.strictObject({
  targetNetwork: option(
    v.boolean(),
    true,
    '2015: targets come from a copy of the network that is renewed now and then; false: 2013',
  ),
  targetEvery: option(positiveInteger, 10_000, 'updates between two copies'),
  double: option(v.boolean(), false, 'the online network chooses the action that the target network values'),
  loss: option(v.picklist(['squared', 'huber']), 'huber', 'huber: errors clipped to ±1, 2015; squared: 2013'),
  discount: option(fraction, 0.99, 'γ'),
  replay: option(v.boolean(), true, 'false: learn from the latest move alone'),
  replayCapacity: option(positiveInteger, 100_000, 'frames in the replay memory; the papers: 1,000,000'),
  replayMegabytes: option(positiveInteger, 2048, 'the most memory that the replay memory may take'),
  initialExploration: option(probability, 1, 'ε at the start'),
  finalExploration: option(probability, 0.1, 'ε at the end of its fall'),
  explorationFrames: option(nonNegativeInteger, 1_000_000, 'frames over which ε falls'),
});

/** The agent, complete. */
export type AgentConfig = v.InferOutput<typeof agentSchema>;

/** How long and by what the agent is trained. */
export const trainingSchema = v.strictObject({
  frames: option(positiveInteger, 50_000_000, 'frames of the game'),
  learningStarts: option(nonNegativeInteger, 50_000, 'frames before the first update'),
  trainEvery: option(positiveInteger, 4, 'moves between two updates'),
  batchSize: option(positiveInteger, 32, 'B, moves in an update'),
  optimizer: option(v.picklist(['rmsprop', 'adam']), 'rmsprop', 'rmsprop is centred'),
  learningRate: option(positiveNumber, 2.5e-4, 'learning rate'),
  smoothing: option(fraction, 0.95, 'rmsprop: decay of both moving averages'),
  epsilon: option(positiveNumber, 0.01, 'rmsprop: least squared gradient; adam: ε'),
  epsilonInsideRoot: option(v.boolean(), true, 'rmsprop: the paper’s place of ε; false: PyTorch’s'),
  clipNorm: option(nonNegativeNumber, 0, 'largest global norm of the gradients; 0 switches clipping off'),
  evaluateEvery: option(positiveInteger, 1_000_000, 'frames between two evaluations'),
  evaluationEpisodes: option(positiveInteger, 30, 'episodes of an evaluation'),
  finalEpisodes: option(positiveInteger, 100, 'episodes of the last evaluation'),
  evaluationExploration: option(probability, 0.05, 'ε in evaluations'),
  evaluationSteps: option(positiveInteger, 5000, 'moves after which an evaluated episode is cut off'),
  logEvery: option(positiveInteger, 10_000, 'frames between two lines of the log'),
  checkpointEvery: option(positiveInteger, 1_000_000, 'frames between checkpoints, which hold the replay memory'),
});

/** How long and by what the agent is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** The names of agents in a run: as configured, or with replay and target network on or off. */
export const variantNames = ['agent', 'replay-and-target', 'replay', 'target', 'neither'] as const;

/** The agents of a run. */
export const experimentSchema = v.strictObject({
  variants: option(
    v.pipe(v.array(v.picklist(variantNames)), v.minLength(1)),
    ['agent'],
    `agents, one after the other: ${variantNames.join(', ')}; the last four set replay and target network`,
  ),
  seeds: option(positiveInteger, 1, 'seeds of each, from the run’s own on'),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  environment: v.optional(environmentSchema, {}),
  network: v.optional(networkSchema, {}),
  agent: v.optional(agentSchema, {}),
  training: v.optional(trainingSchema, {}),
  experiment: v.optional(experimentSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

/** Completes and checks the configuration of a run. @throws with every field that is wrong, and the remedy */
export function completeRunConfig(options: v.InferInput<typeof configSchema>): RunConfig {
  return completeConfig('dqn', configSchema, options);
}
