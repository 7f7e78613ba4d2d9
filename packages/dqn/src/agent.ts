/**
 * The deep Q-network agent. Mnih et al. 2013, algorithm 1; 2015, algorithm 1.
 *   ε-greedy action   → act()          one gradient step on a batch from the replay memory → learn()
 *
 * 2013: `targetNetwork: false, loss: 'squared'`. 2015: `targetNetwork: true, loss: 'huber'`.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  Adam,
  clipByGlobalNorm,
  dataToTensors,
  Random,
  RMSProp,
  valueAndGradients,
  type Optimizer,
  type RandomState,
  type TensorData,
} from '@milestones/core';
import type { AgentConfig, NetworkConfig, TrainingConfig } from './config.ts';
import type { AnyEnvironment } from './environments/environment.ts';
import { HostNetwork, indexOfLargest, suitsHost } from './host-network.ts';
import { oneStepTarget, temporalDifferenceLoss } from './loss.ts';
import { QNetwork } from './model.ts';
import { stackedShape } from './frame-stack.ts';
import { ReplayMemory, type Batch, type ReplayState } from './replay.ts';

/** What an agent is made from. */
export interface AgentOptions {
  /** What it is to act in: only the observations' shape and the number of actions are looked at. */
  environment: Pick<AnyEnvironment, 'space' | 'actions'>;
  /** k, frames in a state. */
  frameStack: number;
  network: NetworkConfig;
  agent: AgentConfig;
  training: Pick<
    TrainingConfig,
    'batchSize' | 'optimizer' | 'learningRate' | 'smoothing' | 'epsilon' | 'epsilonInsideRoot' | 'clipNorm'
  >;
  seed: number;
}

/** What a checkpoint of an agent holds beside tensors; plain JSON. */
export interface AgentState {
  updates: number;
  exploration: RandomState;
  draws: RandomState;
  memory: ReplayState;
}

/** Arguments of an update: a batch, and the learning rate. */
export type UpdateStep = CompiledStep<
  [tf.Tensor, tf.Tensor1D, tf.Tensor1D, tf.Tensor, tf.Tensor1D, tf.Scalar],
  { loss: tf.Tensor }
>;

/** Chooses actions by the values of a network. */
export interface Actor {
  /** The best action in a state. */
  best(state: Float32Array): Promise<number>;
  /** Must be called after the network's weights have changed. */
  changed(): void;
  /** Frees what the engine keeps. */
  dispose(): Promise<void>;
}

/** An {@link Actor} for a network: in plain typed arrays if it is small, else by a compiled graph. */
export function createActor(network: QNetwork): Actor {
  if (suitsHost(network)) {
    const host = new HostNetwork(network);
    let stale = true;
    return {
      async best(state) {
        if (stale) await host.refresh();
        stale = false;
        return indexOfLargest(host.values(state));
      },
      changed() {
        stale = true;
      },
      async dispose() {},
    };
  }
  const step = compile((states: tf.Tensor) => network.forward(states));
  return {
    async best(state) {
      const states = tf.tensor(state, [1, ...network.stateShape]);
      const values = await step(states);
      const best = indexOfLargest(await values.data());
      tf.dispose([states, values]);
      return best;
    },
    changed() {},
    dispose: () => step.dispose(),
  };
}

/** One update: targets from Q⁻, the loss of Q, its gradients, the optimizer. */
export function createUpdateStep(
  online: QNetwork,
  target: QNetwork,
  optimizer: Optimizer,
  agent: AgentConfig,
  clipNorm = 0,
): UpdateStep {
  const parameters = online.trainableParameters();
  const update = (...[states, actions, rewards, nextStates, terminated, learningRate]: Parameters<UpdateStep>) => {
    const batch = [states, actions, rewards, nextStates, terminated] as const;
    // Outside of the differentiated function: the target is a constant, also where Q⁻ is Q.
    const wanted = oneStepTarget(online, target, batch, agent);
    const { value, gradients } = valueAndGradients(
      () => temporalDifferenceLoss(online, batch, wanted, agent.loss),
      parameters,
    );
    const clipped = clipNorm > 0 ? clipByGlobalNorm(gradients, clipNorm).gradients : gradients;
    optimizer.update(parameters, clipped, learningRate);
    return { loss: value };
  };
  // An actor in plain arrays reads the weights after each update.
  return compile(update, suitsHost(online) ? { thread: 'inline' } : {});
}

/** See the file's head. */
export class DqnAgent {
  /** Q, which acts and learns. */
  readonly online: QNetwork;
  /** Q⁻, a copy that is renewed now and then; undefined for the agent of 2013. */
  readonly target: QNetwork | undefined;
  readonly memory: ReplayMemory;
  readonly #options: AgentOptions;
  readonly #optimizer: Optimizer;
  readonly #update: UpdateStep;
  readonly #actor: Actor;
  #exploration: Random;
  #draws: Random;
  #updates = 0;

  constructor(options: AgentOptions) {
    const { environment, frameStack, network, agent, training, seed } = options;
    const { space, actions } = environment;
    this.#options = options;
    // First of all: it is what may not fit.
    this.memory = new ReplayMemory({
      space,
      // Without replay only the latest move is ever looked at.
      capacity: agent.replay ? agent.replayCapacity : frameStack + 2,
      stack: frameStack,
      maximumBytes: agent.replayMegabytes * 1e6,
    });
    const build = (): QNetwork => new QNetwork(stackedShape(space, frameStack), actions.length, network);
    this.online = build().initialize(seed);
    this.target = agent.targetNetwork ? build().initialize(seed) : undefined;
    const { smoothing, epsilon, epsilonInsideRoot } = training;
    this.#optimizer =
      training.optimizer === 'adam'
        ? new Adam({ epsilon })
        : new RMSProp({ centred: true, smoothing, epsilon, epsilonInsideRoot });
    this.#optimizer.initialize(this.online.trainableParameters());
    this.#update = createUpdateStep(this.online, this.target ?? this.online, this.#optimizer, agent, training.clipNorm);
    this.#actor = createActor(this.online);
    this.#exploration = new Random(seed, 'exploration');
    this.#draws = new Random(seed, 'replay');
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** A random action with probability ε, else the best one by Q. */
  async act(state: Float32Array, epsilon: number): Promise<number> {
    if (this.#exploration.uniform() < epsilon) return this.#exploration.integer(this.online.actions);
    return this.#actor.best(state);
  }

  /** One update from the replay memory. Returns its loss, the caller's to read and dispose. */
  async learn(): Promise<tf.Tensor> {
    const { agent, training } = this.#options;
    const batch = agent.replay ? this.memory.sample(this.#draws, training.batchSize) : this.memory.latest();
    const tensors = batchTensors(batch, this.online.stateShape);
    const learningRate = tf.scalar(training.learningRate);
    const { loss } = await this.#update(...tensors, learningRate);
    tf.dispose([...tensors, learningRate]);
    this.#actor.changed();
    this.#updates++;
    if (this.target !== undefined && this.#updates % agent.targetEvery === 0) {
      this.target.loadStateDict(this.online.stateDict());
    }
    return loss;
  }

  /** Everything that decides how this agent goes on: tensors by group, and plain JSON. */
  checkpoint(): { tensors: Record<string, Record<string, tf.Tensor | TensorData>>; state: AgentState } {
    return {
      tensors: {
        model: this.online.stateDict(),
        ...(this.target !== undefined && { target: this.target.stateDict() }),
        optimizer: this.#optimizer.stateDict(),
        replay: this.memory.tensors(),
      },
      state: {
        updates: this.#updates,
        exploration: this.#exploration.state(),
        draws: this.#draws.state(),
        memory: this.memory.state(),
      },
    };
  }

  /** Continues where {@link checkpoint} was taken. */
  restore(tensors: Readonly<Record<string, Record<string, TensorData>>>, state: AgentState): void {
    this.memory.restore(state.memory, tensors['replay'] ?? {});
    for (const [group, target] of [
      ['model', this.online],
      ['target', this.target],
      ['optimizer', this.#optimizer],
    ] as const) {
      if (target === undefined) continue;
      const loaded = dataToTensors(tensors[group] ?? {});
      target.loadStateDict(loaded);
      tf.dispose(loaded);
    }
    this.#updates = state.updates;
    this.#exploration = Random.fromState(state.exploration);
    this.#draws = Random.fromState(state.draws);
    this.#actor.changed();
  }

  /** Frees networks, optimizer and compiled steps. */
  async dispose(): Promise<void> {
    await this.#update.dispose();
    await this.#actor.dispose();
    this.#optimizer.dispose();
    this.target?.dispose();
    this.online.dispose();
  }
}

function batchTensors(
  { size, states, actions, rewards, nextStates, terminated }: Batch,
  stateShape: readonly number[],
): [tf.Tensor, tf.Tensor1D, tf.Tensor1D, tf.Tensor, tf.Tensor1D] {
  const shape = [size, ...stateShape];
  return [
    tf.tensor(states, shape),
    tf.tensor1d(actions, 'int32'),
    tf.tensor1d(rewards),
    tf.tensor(nextStates, shape),
    tf.tensor1d(terminated),
  ];
}
