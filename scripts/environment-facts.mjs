/**
 * Checks what is published or measured about the environments of `packages/dqn`, with enough episodes to tell: returns of
 * policies that do not learn, lengths, moves per second, and the time in which a small network chooses an action.
 * `pnpm environments:check`, half a minute.
 */
import { fileURLToPath } from 'node:url';

const built = (name) => fileURLToPath(new URL(`../packages/${name}/dist/index.js`, import.meta.url));
const { createActor, makeEnvironment, QNetwork } = await import(built('dqn'));
const { Random } = await import(built('core'));
const { useBackend } = await import(built('backend'));
const { formatTable } = await import(fileURLToPath(new URL('../packages/reproduce/dist/table.js', import.meta.url)));

/** Plays whole episodes. `policy` is a constant action, or undefined for a uniformly random one. */
function play(name, episodes, policy, options) {
  const environment = makeEnvironment(name, options);
  const random = new Random(1, 'policy');
  const sums = { reward: 0, moves: 0, zero: 0 };
  environment.reset(7);
  for (let episode = 0; episode < episodes; episode++) {
    if (episode > 0) environment.reset();
    let total = 0;
    for (let ended = false; !ended; sums.moves++) {
      const step = environment.step(policy ?? random.integer(environment.actions.length));
      total += step.reward;
      ended = step.terminated || step.truncated;
    }
    sums.reward += total;
    if (total === 0) sums.zero++;
  }
  return { mean: sums.reward / episodes, length: sums.moves / episodes, zero: sums.zero / episodes };
}

/** Moves per second with actions that were drawn beforehand: the environment alone. The best of five rounds. */
function speed(name) {
  const environment = makeEnvironment(name);
  const random = new Random(1);
  const actions = Array.from({ length: 4096 }, () => random.integer(environment.actions.length));
  environment.reset(1);
  const moves = 200_000;
  const rounds = Array.from({ length: 5 }, () => {
    const start = performance.now();
    for (let move = 0; move < moves; move++) {
      const { terminated, truncated } = environment.step(actions[move & 4095]);
      if (terminated || truncated) environment.reset();
    }
    return (moves / (performance.now() - start)) * 1000;
  });
  return Math.max(...rounds);
}

/** Microseconds in which a network chooses an action, over states of random play. The best of many short rounds: others use the machine too. */
async function choosing(name, config) {
  const environment = makeEnvironment(name);
  const network = new QNetwork(environment.space.shape, environment.actions.length, config).initialize(1);
  const actor = createActor(network);
  const random = new Random(1);
  const states = [Float32Array.from(environment.reset(1).observation)];
  while (states.length < 1000) {
    const { observation, terminated, truncated } = environment.step(random.integer(environment.actions.length));
    states.push(Float32Array.from(terminated || truncated ? environment.reset().observation : observation));
  }
  let best = Infinity;
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    for (let index = 0; index < 20; index++) await actor.best(states[(round * 20 + index) % states.length]);
    best = Math.min(best, ((performance.now() - start) * 1000) / 20);
  }
  return best;
}

await useBackend('cpu');
const random = play('CartPole', 50_000);
const breakout = play('Breakout', 20_000);
const steady = play('Breakout', 20_000, undefined, { stickyProbability: 0 });
const near = (value, tolerance) => [value - tolerance, value + tolerance];
const facts = [
  ['CartPole: return of a random policy, 50,000 episodes', random.mean, near(22.26, 0.1)],
  ['CartPole: return of a constant action, 20,000 episodes', play('CartPole', 20_000, 0).mean, near(9.35, 0.03)],
  ['Breakout: return of a random policy, 20,000 episodes', breakout.mean, near(0.514, 0.02)],
  ['Breakout: moves in an episode of it', breakout.length, near(11.25, 0.3)],
  ['Breakout: share of its episodes without a brick', breakout.zero, near(0.599, 0.015)],
  ['Breakout: return of a random policy, no sticky actions', steady.mean, near(0.53, 0.02)],
  ['CartPole: moves per second', speed('CartPole'), [500_000, Infinity]],
  ['Breakout: moves per second', speed('Breakout'), [300_000, Infinity]],
  [
    'CartPole: microseconds to choose an action',
    await choosing('CartPole', { kind: 'mlp', hidden: [120, 84] }),
    [0, 100],
  ],
  ['Breakout: microseconds to choose an action', await choosing('Breakout', { kind: 'grid', hidden: [] }), [0, 100]],
];
const digits = (value) =>
  value === Infinity
    ? ''
    : value > 1000
      ? Math.round(value).toLocaleString('en-US')
      : Number(value.toFixed(4)).toString();
const rows = facts.map(([claim, value, [low, high]]) => [
  claim,
  `${digits(low)} to ${digits(high)}`.replace(/ to $/, ' or more'),
  digits(value),
  value >= low && value <= high ? 'yes' : 'NO',
]);
console.log(formatTable(['fact', 'expected', 'measured', 'holds'], rows, { align: 'lrrl' }));

const others = [
  ['Freeway', 20],
  ['Asterix', 300],
  ['SpaceInvaders', 300],
  ['Seaquest', 300],
].map(([name, episodes]) => `${name} ${play(name, episodes).mean.toFixed(2)}`);
console.log(`\nReturn of a random policy in the games whose timing is our own: ${others.join(', ')}.`);
process.exitCode = rows.every((row) => row[3] === 'yes') ? 0 : 1;
