/** Deep Q-learning on a small state: 4 → 128 → 128 → 2, a frozen target network, Huber's loss; Adam. */
import { core, tf } from '../packages.mjs';
import { Layers } from './layers.mjs';
import { countParameters, integers, normals, trainingStep, uniforms } from './workload.mjs';

export const batchSize = 128;
const DISCOUNT = 0.99;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 1e-3 } = {}) {
  const online = new Layers([4, 128, 128, 2], core.relu).initialize(1);
  const target = new Layers([4, 128, 128, 2], core.relu).initialize(2);
  const lossOf = (states, actions, rewards, nextStates, done) => {
    const best = tf.max(target.forward(nextStates), 1); // [B]
    const wanted = tf.add(rewards, tf.mul(tf.mul(best, tf.sub(1, done)), DISCOUNT)); // [B]
    const chosen = tf.cast(tf.oneHot(actions, 2), 'float32'); // [B, 2]
    return core.huberLoss(tf.sum(tf.mul(online.forward(states), chosen), 1), wanted);
  };
  return {
    parameters: countParameters(online),
    step: trainingStep(online, new core.Adam(), learningRate, lossOf),
    batch: (random) => {
      const done = uniforms(random, [batch], 0, 1);
      return [
        normals(random, [batch, 4]),
        integers(random, [batch], 2),
        normals(random, [batch]),
        normals(random, [batch, 4]),
        { ...done, data: done.data.map((value) => (value < 0.1 ? 1 : 0)) },
      ];
    },
  };
}
