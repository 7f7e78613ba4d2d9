/** How often the agent acts at random. */

/** From the number of frames seen so far to ε, the probability of a random action. */
export type ExplorationSchedule = (frame: number) => number;

/**
 * ε falls in a straight line from `initial` to `final` over `frames` frames and stays there. Mnih et al. 2013, section 5.1:
 * from 1 to 0.1 over the first million.
 *
 * Frames are the game's own: with a frame skip of 4, an agent has made a quarter as many moves.
 */
export function linearExplorationSchedule(options: {
  initial: number;
  final: number;
  frames: number;
}): ExplorationSchedule {
  const { initial, final, frames } = options;
  for (const [name, value] of Object.entries({ initial, final })) {
    if (!(value >= 0 && value <= 1)) {
      throw new Error(`linearExplorationSchedule: ${name} is ${value}; give a probability, from 0 to 1.`);
    }
  }
  if (!(frames >= 0)) {
    throw new Error(`linearExplorationSchedule: ${frames} frames arrived; give a number of at least 0.`);
  }
  return (frame) => (frame >= frames ? final : initial + (final - initial) * (frame / frames));
}
