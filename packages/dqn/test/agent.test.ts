import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import * as v from 'valibot';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  configSchema,
  createActor,
  DqnAgent,
  evaluate,
  HostNetwork,
  indexOfLargest,
  makeEnvironment,
  oneStepTarget,
  QNetwork,
  suitsHost,
  temporalDifferenceLoss,
  train,
  type BatchTensors,
  type LoopState,
  type NetworkConfig,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('onnx');
});
afterEach(async () => {
  await useBackend('onnx');
});

const network = (kind: NetworkConfig['kind'], hidden = [120, 84]): NetworkConfig => ({ kind, hidden });

describe('QNetwork', () => {
  it.each([
    ['atari2013', 3, 676_915],
    ['atari2013', 4, 677_172],
    ['atari2013', 6, 677_686],
    ['atari2013', 18, 680_770],
    ['atari2015', 4, 1_686_180],
    ['atari2015', 6, 1_687_206],
    ['atari2015', 18, 1_693_362],
  ] as const)('%s with %i actions has %i weights', (kind, actions, count) => {
    expect(new QNetwork([84, 84, 4], actions, network(kind)).parameterCount()).toBe(count);
  });

  it('has the published counts for small states', () => {
    expect(new QNetwork([10, 10, 4], 6, network('grid')).parameterCount()).toBe(132_566);
    expect(new QNetwork([10, 10, 4], 3, network('grid')).parameterCount()).toBe(132_179);
    expect(new QNetwork([4], 2, network('mlp')).parameterCount()).toBe(10_934);
  });

  it('refuses states that do not fit', () => {
    expect(() => new QNetwork([4], 2, network('grid'))).toThrow('for measured values choose mlp');
    expect(() => new QNetwork([10, 10, 4], 6, network('atari2013'))).toThrow('too small');
  });

  it('sees pixels as parts of 1', () => {
    const model = new QNetwork([84, 84, 4], 3, network('atari2013')).initialize(1);
    const states = tf.fill([1, 84, 84, 4], 255);
    const values = model.forward(states);
    const [first] = model.convolutions;
    const expected = tf.relu(first!.forward(tf.ones([1, 84, 84, 4])));
    expect(values.shape).toEqual([1, 3]);
    expect(expected.shape).toEqual([1, 20, 20, 16]);
    model.dispose();
    tf.dispose([states, values, expected]);
  });
});

describe('HostNetwork', () => {
  it.each([
    ['grid', [10, 10, 7], [], 6],
    ['mlp', [4], [120, 84], 2],
    ['mlp', [3], [], 4],
    ['atari2013', [84, 84, 2], [], 4],
  ] as const)('%s for %j agrees with the compiled graph to 1e-5', async (kind, shape, hidden, actions) => {
    const model = new QNetwork(shape, actions, { kind, hidden: [...hidden] }).initialize(3);
    const host = new HostNetwork(model);
    await host.refresh();
    const random = new Random(1);
    const size = shape.reduce((product, each) => product * each, 1);
    for (let trial = 0; trial < 4; trial++) {
      const state = Float32Array.from({ length: size }, () => (random.uniform() < 0.7 ? 0 : random.normal()));
      const states = tf.tensor(state, [1, ...shape]);
      const expected = model.forward(states);
      const values = host.values(state);
      (await expected.data()).forEach((value, index) => expect(Math.abs(values[index]! - value)).toBeLessThan(1e-5));
      tf.dispose([states, expected]);
    }
    model.dispose();
  });

  it('serves small networks; large ones act by the compiled graph, and choose the same', async () => {
    expect(suitsHost(new QNetwork([10, 10, 10], 6, network('grid')))).toBe(true);
    expect(suitsHost(new QNetwork([84, 84, 4], 4, network('atari2013')))).toBe(false);
    const model = new QNetwork([84, 84, 4], 4, network('atari2013')).initialize(5);
    const actor = createActor(model);
    const host = new HostNetwork(model);
    await host.refresh();
    const random = new Random(1);
    for (let trial = 0; trial < 3; trial++) {
      const state = Float32Array.from({ length: 84 * 84 * 4 }, () => random.integer(256));
      expect(await actor.best(state)).toBe(indexOfLargest(host.values(state)));
    }
    await actor.dispose();
    model.dispose();
  });

  it('follows the weights when it is told that they have changed', async () => {
    const model = new QNetwork([2], 3, network('mlp', [4])).initialize(1);
    const actor = createActor(model);
    const state = Float32Array.of(0.3, -0.4);
    await actor.best(state);
    model.output.bias!.assign(tf.tensor1d([0, 0, 100]));
    actor.changed();
    expect(await actor.best(state)).toBe(2);
    model.dispose();
  });
});

describe('the loss', () => {
  /** A network that is a table: Q(s, a) = s · W, with W as given, for states of two numbers. */
  const table = (weights: number[][]): QNetwork => {
    const model = new QNetwork([2], 3, network('mlp', [])).initialize(1);
    model.output.weight.assign(tf.tensor2d(weights));
    model.output.bias!.assign(tf.zeros([3]));
    return model;
  };
  const online = (): QNetwork =>
    table([
      [1, 2, 3],
      [6, 5, 4],
    ]);
  const target = (): QNetwork =>
    table([
      [10, 20, 15],
      [7, 8, 9],
    ]);
  const batch = (): BatchTensors => [
    tf.tensor2d([
      [1, 0],
      [0, 1],
    ]),
    tf.tensor1d([1, 0], 'int32'),
    tf.tensor1d([0.5, -1]),
    tf.tensor2d([
      [1, 0],
      [0, 1],
    ]),
    tf.tensor1d([0, 1]),
  ];

  it('takes the best value of the next state, and nothing after the end', () => {
    const values = oneStepTarget(online(), target(), batch(), { discount: 0.9, double: false });
    expect([...values.dataSync()]).toEqual([Math.fround(0.5 + 0.9 * 20), -1]);
  });

  it('of Double DQN lets the online network choose', () => {
    const values = oneStepTarget(online(), target(), batch(), { discount: 0.9, double: true });
    expect([...values.dataSync()]).toEqual([Math.fround(0.5 + 0.9 * 15), -1]);
  });

  it('is squared, or linear beyond errors of 1', () => {
    const wanted = tf.tensor1d([2.5, 3]); // errors of −0.5 and 3
    expect(temporalDifferenceLoss(online(), batch(), wanted, 'squared').dataSync()[0]).toBeCloseTo((0.25 + 9) / 2, 5);
    expect(temporalDifferenceLoss(online(), batch(), wanted, 'huber').dataSync()[0]).toBeCloseTo((0.125 + 2.5) / 2, 5);
  });
});

const small = (changes: { agent?: object; training?: object } = {}) =>
  v.parse(configSchema, {
    environment: { name: 'CartPole', frameSkip: 1, frameStack: 1 },
    network: { kind: 'mlp', hidden: [16] },
    agent: { replayCapacity: 200, targetEvery: 5, explorationFrames: 100, ...changes.agent },
    training: {
      frames: 120,
      learningStarts: 20,
      trainEvery: 2,
      batchSize: 8,
      learningRate: 1e-3,
      evaluateEvery: 1000,
      finalEpisodes: 2,
      logEvery: 10,
      checkpointEvery: 60,
      ...changes.training,
    },
  });

function start(config: ReturnType<typeof small>, frameStack = 1) {
  const environment = makeEnvironment('CartPole');
  const { network: net, agent: options, training } = config;
  const agent = new DqnAgent({ environment, frameStack, network: net, agent: options, training, seed: 7 });
  return { agent, environment, evaluationEnvironment: makeEnvironment('CartPole'), frameStack, config, seed: 7 };
}

async function fill({ agent, environment }: ReturnType<typeof start>): Promise<void> {
  agent.memory.begin(environment.reset(1).observation);
  for (let move = 0; move < 60; move++) {
    const step = environment.step(await agent.act(agent.memory.current(), 1));
    agent.memory.add(move % 2, step.reward, step, step.observation);
    if (step.terminated || step.truncated) agent.memory.begin(environment.reset().observation);
  }
}

const valuesOf = async (model: QNetwork): Promise<number[]> =>
  (await Promise.all(Object.values(model.stateDict()).map((variable) => variable.data()))).flatMap((data) => [...data]);

describe('DqnAgent', () => {
  it.each([
    ['2015', {}, {}],
    ['2013', { targetNetwork: false, loss: 'squared' }, {}],
    ['double, with Adam and clipping', { double: true }, { optimizer: 'adam', epsilon: 1e-8, clipNorm: 0.5 }],
    ['without replay', { replay: false }, {}],
  ])('%s: updates agree on the engines cpu and onnx', async (_name, agent, training) => {
    const learned: number[][] = [];
    for (const engine of ['cpu', 'onnx'] as const) {
      await useBackend(engine);
      const run = start(small({ agent, training }));
      await fill(run);
      for (let update = 0; update < 6; update++) (await run.agent.learn()).dispose();
      learned.push(await valuesOf(run.agent.online));
      await run.agent.dispose();
    }
    const [reference, compiled] = learned;
    compiled!.forEach((value, index) => expect(Math.abs(value - reference![index]!)).toBeLessThan(1e-5));
  });

  it('renews its target network every so many updates, and not in between', async () => {
    const run = start(small());
    await fill(run);
    const { agent } = run;
    const initial = await valuesOf(agent.target!);
    for (let update = 0; update < 4; update++) (await agent.learn()).dispose();
    expect(await valuesOf(agent.target!)).toEqual(initial);
    (await agent.learn()).dispose();
    const fifth = await valuesOf(agent.online);
    expect(await valuesOf(agent.target!)).toEqual(fifth);
    (await agent.learn()).dispose();
    expect(await valuesOf(agent.target!)).toEqual(fifth);
    expect(await valuesOf(agent.online)).not.toEqual(fifth);
    expect(agent.updates).toBe(6);
    await agent.dispose();
  });

  it('leaks nothing', async () => {
    const run = start(small());
    await fill(run);
    (await run.agent.learn()).dispose();
    await run.agent.act(run.agent.memory.current(), 0);
    const before = tf.memory().numTensors;
    for (let update = 0; update < 3; update++) {
      (await run.agent.learn()).dispose();
      await run.agent.act(run.agent.memory.current(), 0);
    }
    expect(tf.memory().numTensors).toBe(before);
    await run.agent.dispose();
  });

  it('refuses a memory beyond its budget before anything else is made', () => {
    const before = tf.memory().numTensors;
    expect(() => start(small({ agent: { replayCapacity: 100_000_000, replayMegabytes: 100 } }))).toThrow(
      'lower the capacity to 4,545,454',
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('train', () => {
  it('is bit for bit the same when it was stopped in the middle of an episode and continued, through JSON', async () => {
    const logs: string[][] = [[], []];
    const finals: number[][] = [];
    let loop: LoopState | undefined;
    const config = small({ agent: { double: true } });
    for (const [attempt, log] of logs.entries()) {
      const events = {
        onLog: (frame: number, values: object) => void log.push(JSON.stringify([frame, values])),
        onEvaluation: (frame: number, { returns }: { returns: number[] }) => void log.push(`${frame}: ${returns}`),
      };
      let run = start(config);
      if (attempt === 1) {
        await train({
          ...run,
          events: {
            ...events,
            onMove: (frame, _due, save) => {
              if (frame === 67) loop = save();
              return frame === 67;
            },
          },
        });
        const { tensors, state } = run.agent.checkpoint();
        const copied: Record<string, Record<string, never>> = {};
        for (const [group, record] of Object.entries(tensors)) {
          copied[group] = {};
          for (const [name, tensor] of Object.entries(record)) {
            const data =
              'dataId' in tensor ? { dtype: 'float32', shape: tensor.shape, data: await tensor.data() } : tensor;
            copied[group][name] = structuredClone(data) as never;
          }
        }
        await run.agent.dispose();
        run = start(config);
        run.agent.restore(copied, structuredClone(state));
        await train({ ...run, from: JSON.parse(JSON.stringify(loop)), events });
      } else {
        await train({ ...run, events });
      }
      finals.push(await valuesOf(run.agent.online));
      await run.agent.dispose();
    }
    expect(loop!.earned).toBeGreaterThan(0); // In the middle of an episode.
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[0]).toHaveLength(13); // Twelve lines and an evaluation.
    expect(finals[1]).toEqual(finals[0]);
  });

  it('learns the discounted distance to a goal, whether episodes are cut off or not', async () => {
    // Places 0 to 3; the action 1 goes to the right, 0 stays; from place 3 it arrives, for a reward of 1.
    const space = { shape: [4], type: 'float32' } as const;
    const at = (index: number): Float32Array =>
      Float32Array.from({ length: 4 }, (_, place) => (place === index ? 1 : 0));
    const { agent: options, training } = small({
      agent: { replayCapacity: 64, discount: 0.5 },
      training: { optimizer: 'adam', epsilon: 1e-8, learningRate: 0.05, batchSize: 32 },
    });
    for (const cut of [false, true]) {
      const agent = new DqnAgent({
        environment: { space, actions: ['stay', 'right'] },
        frameStack: 1,
        network: network('mlp', []),
        agent: options,
        training,
        seed: 1,
      });
      for (let place = 0; place < 4; place++) {
        agent.memory.begin(at(place));
        agent.memory.add(0, 0, { terminated: false, truncated: cut }, at(place));
        if (cut) agent.memory.begin(at(place));
        const arrives = place === 3;
        agent.memory.add(1, arrives ? 1 : 0, { terminated: arrives, truncated: cut && !arrives }, at((place + 1) % 4));
      }
      for (let update = 0; update < 300; update++) (await agent.learn()).dispose();
      const values = agent.online.forward(tf.tensor2d([0, 1, 2, 3].map((place) => [...at(place)])));
      const expected = [0.0625, 0.125, 0.125, 0.25, 0.25, 0.5, 0.5, 1]; // γ to the power of the moves that are left.
      (await values.data()).forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(0.02));
      values.dispose();
      await agent.dispose();
    }
  });
});

describe('evaluate', () => {
  it('plays the same episodes for the same seed, and cuts off where told to', async () => {
    const { agent } = start(small());
    const play = (seed: number, maximumSteps = Infinity) =>
      evaluate(agent.online, makeEnvironment('CartPole'), { episodes: 5, seed, epsilon: 0.3, maximumSteps });
    expect(await play(1)).toEqual(await play(1));
    expect(await play(1)).not.toEqual(await play(2));
    expect(await play(1, 3)).toEqual({ returns: [3, 3, 3, 3, 3], mean: 3, length: 3 });
    await agent.dispose();
  });
});
