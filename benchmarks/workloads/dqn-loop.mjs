import { core, dqn } from '../packages.mjs';
import { countParameters } from './workload.mjs';

/** Moves by chance that the replay memory begins with. */
const START = 1000;
/** Probability of a random action. */
const EXPLORATION = 0.05;

/**
 * The whole loop of a deep Q-network: act by the network, move in the environment, remember, draw from memory, update.
 *
 * @param {string} name environment
 * @param {number} moves in one step of the benchmark
 * @param {object} options parts of the package's configuration
 * @returns {import('./workload.mjs').Workload}
 */
export function playAndLearn(name, moves, options) {
  const environment = dqn.makeEnvironment(name);
  const config = dqn.completeRunConfig({ environment: { name, frameSkip: 1, frameStack: 1 }, ...options });
  const { network, agent: settings, training } = config;
  const agent = new dqn.DqnAgent({ environment, frameStack: 1, network, agent: settings, training, seed: 1 });
  const { memory } = agent;
  const chance = new core.Random(1);
  let made = 0;
  const move = (action) => {
    const step = environment.step(action);
    memory.add(action, step.reward, step, step.observation);
    if (step.terminated || step.truncated) memory.begin(environment.reset().observation);
    made++;
  };
  memory.begin(environment.reset(1).observation);
  for (let index = 0; index < START; index++) move(chance.integer(environment.actions.length));
  return {
    parameters: countParameters(agent.online),
    run: async () => {
      let loss;
      for (let index = 0; index < moves; index++) {
        move(await agent.act(memory.current(), EXPLORATION));
        if (made % training.trainEvery !== 0) continue;
        loss?.dispose();
        loss = await agent.learn();
      }
      return { loss };
    },
    batch: () => [{ shape: [], dtype: 'float32', data: [0] }],
  };
}
