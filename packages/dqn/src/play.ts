/** Watching an agent act. */
import type { AnyEnvironment } from './environments/environment.ts';
import type { QNetwork } from './model.ts';
import type { Picture } from './picture/picture.ts';
import { enlarge } from './picture/picture.ts';
import { evaluate } from './train.ts';

/** Pictures smaller than this are enlarged. */
const smallest = 200;

/** How {@link recordEpisode} plays. */
export interface RecordOptions {
  seed: number;
  /** ε, probability of a random action. Default 0. */
  epsilon?: number;
  /** k, frames in a state. Default 1. */
  frameStack?: number;
  /** Moves after which the episode is cut off. Default: as the environment has it. */
  maximumSteps?: number;
  /** Called with every picture as it comes, before it is enlarged. */
  onPicture?: (picture: Picture, action: string | undefined, total: number) => void | Promise<void>;
}

/** An episode in pictures: the one after the reset, and one for each move. */
export interface Recording {
  pictures: Picture[];
  /** What the episode earned. */
  total: number;
}

/** Plays one episode by the best action of a network, and keeps its pictures; `encodeGif` makes one of them. */
export async function recordEpisode(
  network: QNetwork,
  environment: AnyEnvironment,
  options: RecordOptions,
): Promise<Recording> {
  if (environment.picture === undefined) {
    throw new Error(`recordEpisode: ${environment.name} has no pictures; give an environment with picture().`);
  }
  const { onPicture, ...rest } = options;
  const pictures: Picture[] = [];
  const { returns } = await evaluate(network, environment, {
    ...rest,
    episodes: 1,
    onMove: async (_episode, action, total) => {
      const picture = environment.picture!();
      const own = { ...picture, data: picture.data.slice() };
      const factor = Math.max(1, Math.ceil(smallest / Math.max(own.width, own.height)));
      pictures.push(factor > 1 ? enlarge(own, factor) : own);
      await onPicture?.(own, action === undefined ? undefined : environment.actions[action], total);
    },
  });
  return { pictures, total: returns[0]! };
}
