/** The environment that a configuration names. */
import { fileURLToPath } from 'node:url';
import { AtariEnvironment } from '../atari.ts';
import type { EnvironmentConfig } from '../config.ts';
import type { AnyEnvironment } from '../environments/environment.ts';
import { makeEnvironment } from '../environments/make.ts';
import { connectEnvironment } from './environment-process.ts';

/** The process of this package that offers an environment of Gymnasium. */
const server = fileURLToPath(new URL('../../gymnasium/serve.py', import.meta.url));

/**
 * Makes the environment, or starts its process; `close` ends that.
 *
 * @param learning whether it is learned in: an Atari episode then ends with a life, and rewards are their signs
 */
export async function openEnvironment(config: EnvironmentConfig, learning: boolean): Promise<AnyEnvironment> {
  const { name, maximumSteps, stickyProbability, frameSkip, crop } = config;
  if (name !== 'gymnasium') {
    return makeEnvironment(name, { stickyProbability, ...(maximumSteps > 0 && { maximumSteps }) });
  }
  const command = config.command.length > 0 ? [...config.command, config.game] : ['python3', server, config.game];
  const frames = await connectEnvironment({ command });
  try {
    return new AtariEnvironment(frames, {
      frameSkip,
      crop,
      lifeLossEnds: learning && crop === '2015',
      rewardSign: learning,
      waits: crop === '2015' ? 30 : 0,
    });
  } catch (error) {
    await frames.close?.();
    throw error;
  }
}
