/**
 * Weights on disk. An agent is a folder of two files: `config.json` (network and environment) and `model.safetensors` (the
 * weights, by parameter path).
 */
import { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  describeIssues,
  encodeSafetensors,
  insideFolder,
  loadBytes,
  positiveInteger,
  tensorsToData,
} from '@milestones/core';
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

const files = { config: 'config.json', weights: 'model.safetensors' } as const;
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
  const place =
    typeof source === 'string' && Object.hasOwn(pretrained, source) ? pretrained[source as PretrainedName] : source;
  const text = new TextDecoder().decode(await load(insideFolder(place, files.config), String(source), files.config));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `loadPretrained: ${files.config} of '${String(source)}' is not JSON (${(error as Error).message}); save the agent anew.`,
      { cause: error },
    );
  }
  const saved = v.safeParse(savedSchema, parsed);
  if (!saved.success) {
    throw new Error(
      `loadPretrained: ${files.config} of '${String(source)}' is not the configuration of a dqn agent ` +
        `(${describeIssues(saved.issues)}); give a folder that savePretrained wrote.`,
    );
  }
  const { network: config, stateShape, actions, frameStack, environment } = saved.output;
  const { tensors } = decodeSafetensors(await load(insideFolder(place, files.weights), String(source), files.weights));
  const network = new QNetwork(stateShape, actions, config);
  const state = dataToTensors(tensors);
  try {
    network.loadStateDict(state);
  } finally {
    tf.dispose(state);
  }
  return { network: network.eval(), frameStack, home: environment };
}

/** The files of an agent's folder, by name. */
export async function encodePretrained({
  network,
  frameStack,
  home,
}: TrainedAgent): Promise<Record<string, string | Uint8Array>> {
  const { config, stateShape, actions } = network;
  const saved = { milestone: 'dqn', network: config, stateShape, actions, frameStack, environment: home };
  return {
    [files.config]: `${JSON.stringify(saved, null, 2)}\n`,
    [files.weights]: encodeSafetensors(await tensorsToData(network.stateDict()), {
      metadata: { format: 'milestones' },
    }),
  };
}

/** The environment that an agent was trained in. @throws where it lives in another process */
export function makeHome({ name, maximumSteps, stickyProbability }: Home): Environment {
  return makeEnvironment(name, {
    ...(maximumSteps !== undefined && { maximumSteps }),
    ...(stickyProbability !== undefined && { stickyProbability }),
  });
}

async function load(place: string | URL, source: string, file: string): Promise<Uint8Array> {
  try {
    return await loadBytes(place);
  } catch (error) {
    const remedy = Object.hasOwn(pretrained, source)
      ? `the weights '${source}' are not in this copy of the package; train them (dqn reproduce --preset ` +
        `${source === 'cartpole' ? 'cartpole' : 'laptop'}) and give the folder model/ of that run`
      : `'${source}' has no readable ${file}; give a folder with ${Object.values(files).join(' and ')}, or one of the ` +
        `names: ${Object.keys(pretrained).join(', ')}`;
    throw new Error(`loadPretrained: ${remedy}. (${(error as Error).message})`, { cause: error });
  }
}
