/** The loop of a deep Q-network on CartPole, as the package's preset cartpole has it: 100 moves, 10 updates of 128. */
import { playAndLearn } from './dqn-loop.mjs';

export const batchSize = 100;

/** @returns {import('./workload.mjs').Workload} */
export function create() {
  return playAndLearn('CartPole', batchSize, {
    network: { kind: 'mlp', hidden: [120, 84] },
    agent: { targetEvery: 50, loss: 'squared', replayCapacity: 10_000 },
    training: { trainEvery: 10, batchSize: 128, optimizer: 'adam', epsilon: 1e-8 },
  });
}
