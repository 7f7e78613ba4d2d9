/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the agent of 2015 on Atari; what a laptop can train is in the presets.
 */
import { z } from 'zod';
import { environments, type EnvironmentName } from './environments/make.ts';

const positive = z.int().min(1);
const natural = z.int().min(0);
const probability = z.number().min(0).max(1);

/** A Q-network. */
export const networkSchema = z.strictObject({
  kind: z
    .enum(['mlp', 'grid', 'atari2013', 'atari2015'])
    .default('atari2015')
    .describe(
      'mlp: dense layers; grid: one 3×3 convolution and a dense layer; the convolutional nets of the two papers',
    ),
  hidden: z.array(positive).default([120, 84]).describe('kind mlp: units of the hidden layers'),
});

/** A Q-network, complete. */
export type NetworkConfig = z.output<typeof networkSchema>;
/** A Q-network with everything optional that has a default. */
export type NetworkOptions = z.input<typeof networkSchema>;

/** Where the agent acts. */
export const environmentSchema = z
  .strictObject({
    name: z
      .enum([...(Object.keys(environments) as EnvironmentName[]), 'gymnasium'])
      .default('gymnasium')
      .describe('gymnasium: a process that offers one, with the frames of Atari'),
    maximumSteps: natural.default(0).describe('moves until an episode is cut off; 0: the environment’s own limit'),
    stickyProbability: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe('games on a grid: probability that the last action is repeated'),
    command: z
      .array(z.string())
      .default([])
      .describe('name gymnasium: program and arguments of the process; empty: python3 with the script of this package'),
    game: z.string().default('ALE/Breakout-v5').describe('name gymnasium: what the process is asked for'),
    frameSkip: positive.default(4).describe('name gymnasium: frames for each move'),
    frameStack: positive.default(4).describe('k, frames in a state; 1 for what can be seen in one'),
    crop: z
      .enum(['2013', '2015'])
      .default('2015')
      .describe('name gymnasium: 2013 shrinks to 110×84 and takes the lower 84 rows, 2015 shrinks to 84×84'),
  })
  .refine(({ name, frameSkip, frameStack }) => name === 'gymnasium' || (frameSkip === 1 && frameStack === 1), {
    path: ['frameSkip'],
    error: 'only frames of Atari are skipped and stacked; set environment.frameSkip and environment.frameStack to 1',
  });

/** Where the agent acts, complete. */
export type EnvironmentConfig = z.output<typeof environmentSchema>;

/** The agent and how it learns. Defaults: Mnih et al. 2015, extended data table 1. */
export const agentSchema = z.strictObject({
  targetNetwork: z
    .boolean()
    .default(true)
    .describe('2015: targets come from a copy of the network that is renewed now and then; false: 2013'),
  targetEvery: positive.default(10_000).describe('updates between two copies'),
  double: z.boolean().default(false).describe('the online network chooses the action that the target network values'),
  loss: z.enum(['squared', 'huber']).default('huber').describe('huber: errors clipped to ±1, 2015; squared: 2013'),
  discount: z.number().min(0).lt(1).default(0.99).describe('γ'),
  replay: z.boolean().default(true).describe('false: learn from the latest move alone'),
  replayCapacity: positive.default(100_000).describe('frames in the replay memory; the papers: 1,000,000'),
  replayMegabytes: positive.default(2048).describe('the most memory that the replay memory may take'),
  initialExploration: probability.default(1).describe('ε at the start'),
  finalExploration: probability.default(0.1).describe('ε at the end of its fall'),
  explorationFrames: natural.default(1_000_000).describe('frames over which ε falls'),
});

/** The agent, complete. */
export type AgentConfig = z.output<typeof agentSchema>;

/** How long and by what the agent is trained. */
export const trainingSchema = z.strictObject({
  frames: positive.default(50_000_000).describe('frames of the game'),
  learningStarts: natural.default(50_000).describe('frames before the first update, spent at random by ε'),
  trainEvery: positive.default(4).describe('moves between two updates'),
  batchSize: positive.default(32).describe('B, moves in an update'),
  optimizer: z.enum(['rmsprop', 'adam']).default('rmsprop').describe('rmsprop is centred'),
  learningRate: z.number().positive().default(2.5e-4).describe('learning rate'),
  smoothing: z.number().min(0).lt(1).default(0.95).describe('rmsprop: decay of both moving averages'),
  epsilon: z.number().positive().default(0.01).describe('rmsprop: least squared gradient; adam: ε'),
  epsilonInsideRoot: z.boolean().default(true).describe('rmsprop: the paper’s place of ε; false: PyTorch’s'),
  clipNorm: z.number().min(0).default(0).describe('largest global norm of the gradients; 0 switches clipping off'),
  evaluateEvery: positive.default(1_000_000).describe('frames between two evaluations'),
  evaluationEpisodes: positive.default(30).describe('episodes of an evaluation'),
  finalEpisodes: positive.default(100).describe('episodes of the last evaluation'),
  evaluationExploration: probability.default(0.05).describe('ε in evaluations'),
  evaluationSteps: positive.default(5000).describe('moves after which an evaluated episode is cut off'),
  logEvery: positive.default(10_000).describe('frames between two lines of the log'),
  checkpointEvery: positive.default(1_000_000).describe('frames between checkpoints, which hold the replay memory'),
});

/** How long and by what the agent is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** The names of agents in a run: as configured, or with replay and target network on or off. */
export const variantNames = ['agent', 'replay-and-target', 'replay', 'target', 'neither'] as const;

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  environment: environmentSchema.prefault({}),
  network: networkSchema.prefault({}),
  agent: agentSchema.prefault({}),
  training: trainingSchema.prefault({}),
  experiment: z
    .strictObject({
      variants: z
        .array(z.enum(variantNames))
        .min(1)
        .default(['agent'])
        .describe(
          `agents, one after the other: ${variantNames.join(', ')}; the last four set replay and target network`,
        ),
      seeds: positive.default(1).describe('seeds of each, from the run’s own on'),
    })
    .prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;
