/**
 * Weights on disk. An agent is a folder of two files: `config.json` (network and environment) and `model.safetensors` (the
 * weights, by parameter path).
 */
import { encodeOwnModel, loadOwnWeights, openOwnModel, positiveInteger } from '@milestones/core';
import * as v from 'valibot';
import { networkSchema } from './config.ts';
import type { Environment } from './environments/environment.ts';
import { makeEnvironment } from './environments/make.ts';
import { QNetwork } from './model.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** CartPole, by the preset `cartpole`. */
  cartpole: new URL('../weights/cartpole/', import.meta.url),
  /** Breakout on a grid, by the preset `laptop`. */
  breakout: new URL('../weights/breakout/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const savedSchema = v.strictObject({
  milestone: v.literal('dqn'),
  network: networkSchema,
  stateShape: v.pipe(v.array(positiveInteger), v.minLength(1)),
  actions: positiveInteger,
  frameStack: positiveInteger,
  environment: v.strictObject({
    name: v.string(),
    maximumSteps: v.optional(v.number()),
    stickyProbability: v.optional(v.number()),
  }),
});

/** Where an agent is at home: an environment by name, with its options. */
export interface Home {
  name: string;
  maximumSteps?: number | undefined;
  stickyProbability?: number | undefined;
}

/** A network, and what it needs to act. */
export interface TrainedAgent {
  network: QNetwork;
  /** k, frames in a state. */
  frameStack: number;
  home: Home;
}

/**
 * Loads an agent.
 *
 * @param source the name of weights that come with this package, or a folder that `savePretrained` wrote: a path (in
 * Node) or a URL
 */
export async function loadPretrained(source: PretrainedName | (string & {}) | URL): Promise<TrainedAgent> {
  const folder = await openOwnModel(source, {
    where: 'loadPretrained',
    what: 'a dqn agent',
    schema: savedSchema,
    pretrained,
    train: (name) =>
      `train them (dqn reproduce --preset ${name === 'cartpole' ? 'cartpole' : 'laptop'}) and give the folder model/ of that run`,
  });
  const { network: config, stateShape, actions, frameStack, environment } = folder.config;
  const network = new QNetwork(stateShape, actions, config);
  await loadOwnWeights(network, folder);
  return { network: network.eval(), frameStack, home: environment };
}

/** The files of an agent's folder, by name. */
export function encodePretrained({
  network,
  frameStack,
  home,
}: TrainedAgent): Promise<Record<string, string | Uint8Array>> {
  const { config, stateShape, actions } = network;
  return encodeOwnModel(network, {
    milestone: 'dqn',
    network: config,
    stateShape,
    actions,
    frameStack,
    environment: home,
  });
}

/** The environment that an agent was trained in. @throws where it lives in another process */
export function makeHome({ name, maximumSteps, stickyProbability }: Home): Environment {
  return makeEnvironment(name, {
    ...(maximumSteps !== undefined && { maximumSteps }),
    ...(stickyProbability !== undefined && { stickyProbability }),
  });
}
