import type { tf } from '@milestones/backend';

/** One number for height and width, or [height, width]. */
export type Pair = number | readonly [number, number];

/** tfjs's padding of [N, H, W, C], written out. */
export type ExplicitPadding = [[number, number], [number, number], [number, number], [number, number]];

/** A pair as two whole numbers of at least `least`; `where` and `name` begin the message where it is none. */
export function pairOf(where: string, name: string, value: Pair, least: number): [number, number] {
  const pair = (typeof value === 'number' ? [value, value] : [...value]) as [number, number];
  if (pair.length !== 2 || !pair.every((each) => Number.isInteger(each) && each >= least)) {
    throw new Error(
      `${where}: ${name} is ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}; give a whole number of ` +
        `at least ${least}, or two of them, [height, width].`,
    );
  }
  return pair;
}

/** Refuses what is not a batch of images with that many channels; without a number, with any. */
export function requireImages(where: string, x: tf.Tensor, channels?: number): void {
  if (x.shape.length !== 4 || (channels !== undefined && x.shape[3] !== channels)) {
    throw new Error(
      `${where}: input of shape [${x.shape.join(', ')}] arrived; give images [batch, height, width, ` +
        `${channels === undefined ? 'channels' : `${channels} channels`}].`,
    );
  }
}
