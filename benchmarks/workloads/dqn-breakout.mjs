/** The loop of a deep Q-network on Breakout, as the package's preset laptop has it: 10 moves, 10 updates of 32. */
import { playAndLearn } from './dqn-loop.mjs';

export const batchSize = 10;

/** @returns {import('./workload.mjs').Workload} */
export function create() {
  return playAndLearn('Breakout', batchSize, {
    network: { kind: 'grid' },
    agent: { targetEvery: 1000, loss: 'huber', replayCapacity: 100_000 },
    training: { trainEvery: 1, batchSize: 32, optimizer: 'rmsprop', epsilonInsideRoot: false },
  });
}
