/** Environments by name. */
import { Acrobot } from './acrobot.ts';
import { CartPole } from './cart-pole.ts';
import type { Environment } from './environment.ts';
import { Asterix } from './grid/asterix.ts';
import { Breakout } from './grid/breakout.ts';
import { Freeway } from './grid/freeway.ts';
import type { GridOptions } from './grid/grid-environment.ts';
import { Seaquest } from './grid/seaquest.ts';
import { SpaceInvaders } from './grid/space-invaders.ts';
import { MountainCar } from './mountain-car.ts';

/** The environments of this package. */
export const environments = {
  CartPole,
  Acrobot,
  MountainCar,
  Breakout,
  SpaceInvaders,
  Asterix,
  Freeway,
  Seaquest,
} as const;

/** Name of one of the {@link environments}. */
export type EnvironmentName = keyof typeof environments;

/** A new environment. `stickyProbability` concerns the games on a grid. @throws for a name that does not exist */
export function makeEnvironment(name: string, options: GridOptions = {}): Environment {
  if (!Object.hasOwn(environments, name)) {
    throw new Error(`makeEnvironment: there is no '${name}'; choose from ${Object.keys(environments).join(', ')}.`);
  }
  return new environments[name as EnvironmentName](options);
}
