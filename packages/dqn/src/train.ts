/**
 * The training loop and evaluation. Mnih et al. 2013, algorithm 1: act, remember, learn.
 */
import { Random } from '@milestones/core';
import { createActor, type AgentState, type DqnAgent } from './agent.ts';
import type { AgentConfig, TrainingConfig } from './config.ts';
import type { AnyEnvironment, Info, Step } from './environments/environment.ts';
import { linearExplorationSchedule } from './exploration.ts';
import type { QNetwork } from './model.ts';
import { FrameStack } from './frame-stack.ts';

/** Episodes that the training return is averaged over. */
const recentEpisodes = 100;

/** Where the loop stands; plain JSON. */
export interface LoopState {
  /** Moves made. */
  moves: number;
  /** Episodes ended. */
  episodes: number;
  /** What the running episode has earned so far. */
  earned: number;
  /** Returns of the latest episodes, at most 100. */
  returns: number[];
  /** The environment, where it can tell; else a resumed run begins a new episode. */
  environment: unknown;
  agent: AgentState;
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** When a line of the log is due. */
  onLog?(frame: number, values: Record<string, number>): void | Promise<void>;
  /** After each evaluation. */
  onEvaluation?(frame: number, result: Evaluation): void | Promise<void>;
  /** After each move: true stops the run after it. `save` makes what a checkpoint needs. */
  onMove?(frame: number, checkpointDue: boolean, save: () => LoopState): boolean | Promise<boolean>;
  /** When the environment fails, before {@link train} throws its error: the last chance to save what was learned. */
  onFailure?(frame: number, save: () => LoopState): void | Promise<void>;
}

/** What a training needs. */
export interface TrainingRun {
  agent: DqnAgent;
  environment: AnyEnvironment;
  /** Another one of the same kind, for evaluations. */
  evaluationEnvironment: AnyEnvironment;
  frameStack: number;
  config: { agent: AgentConfig; training: TrainingConfig };
  seed: number;
  /** Where to continue; the agent must have been restored. */
  from?: LoopState;
  events?: TrainingEvents;
}

/** What an evaluation found. */
export interface Evaluation {
  /** Return of each episode. */
  returns: number[];
  mean: number;
  /** Mean number of moves in an episode. */
  length: number;
}

/**
 * Trains for `training.frames` frames. Everything random is a function of the seed and of what came before, so that a run
 * that was stopped and continued is bit for bit the run that never stopped.
 *
 * @returns frames seen in all
 */
export async function train(run: TrainingRun): Promise<{ frames: number; returns: number[] }> {
  const { agent, environment, config, seed, events = {}, from } = run;
  const { training } = config;
  const framesPerMove = environment.framesPerStep ?? 1;
  const moves = Math.ceil(training.frames / framesPerMove);
  const explorationAt = linearExplorationSchedule({
    initial: config.agent.initialExploration,
    final: config.agent.finalExploration,
    frames: config.agent.explorationFrames,
  });
  const passes = (frame: number, period: number): boolean =>
    Math.floor(frame / period) > Math.floor((frame - framesPerMove) / period);

  const position = { moves: 0, episodes: 0, earned: 0, returns: [] as number[], ...from };
  const save = (): LoopState => ({
    ...position,
    environment: environment.state?.() ?? null,
    agent: agent.checkpoint().state,
  });
  const guarded = async <T>(answer: () => T | Promise<T>): Promise<T> => {
    try {
      return await answer();
    } catch (error) {
      await events.onFailure?.(position.moves * framesPerMove, save);
      throw error;
    }
  };
  if (from !== undefined && from.environment !== null && environment.restore !== undefined) {
    environment.restore(from.environment);
  } else {
    // An environment that cannot be restored begins an episode; its seed must not repeat the episodes of the first time.
    position.earned = 0;
    agent.memory.begin((await environment.reset(seed + position.moves)).observation);
  }

  while (position.moves < moves) {
    const epsilon = explorationAt(position.moves * framesPerMove);
    const action = await agent.act(agent.memory.current(), epsilon);
    const step = await guarded(() => environment.step(action));
    agent.memory.add(action, step.reward, step, step.observation);
    position.moves++;
    position.earned += scoreOf(step);
    if (step.terminated || step.truncated) {
      if (gameIsOver(step.info)) {
        position.episodes++;
        position.returns = [...position.returns, position.earned].slice(-recentEpisodes);
        position.earned = 0;
      }
      agent.memory.begin((await guarded(() => environment.reset())).observation);
    }

    const frame = position.moves * framesPerMove;
    const learns = frame > training.learningStarts && position.moves % training.trainEvery === 0;
    const loss = learns ? await agent.learn() : undefined;
    if (passes(frame, training.logEvery)) {
      await events.onLog?.(frame, {
        epsilon,
        ...(position.returns.length > 0 && { trainingReturn: mean(position.returns) }),
        ...(loss !== undefined && { loss: (await loss.data())[0]! }),
      });
    }
    loss?.dispose();
    if (passes(frame, training.evaluateEvery) || position.moves === moves) {
      await events.onEvaluation?.(frame, await evaluateDuring(run, frame, position.moves === moves));
    }
    const checkpointDue = passes(frame, training.checkpointEvery) || position.moves === moves;
    if (await events.onMove?.(frame, checkpointDue, save)) break;
  }
  return { frames: position.moves * framesPerMove, returns: position.returns };
}

function evaluateDuring(run: TrainingRun, frame: number, last: boolean): Promise<Evaluation> {
  const { evaluationEpisodes, finalEpisodes, evaluationExploration, evaluationSteps } = run.config.training;
  return evaluate(run.agent.online, run.evaluationEnvironment, {
    episodes: last ? finalEpisodes : evaluationEpisodes,
    epsilon: evaluationExploration,
    maximumSteps: evaluationSteps,
    frameStack: run.frameStack,
    // Other episodes than those of training, and the same at every evaluation but for the agent's own random actions.
    seed: run.seed + 1_000_000 + (last ? frame : 0),
  });
}

/** How {@link evaluate} plays. */
export interface EvaluationOptions {
  episodes: number;
  /** ε, probability of a random action. Default 0. */
  epsilon?: number;
  /** Moves after which an episode is cut off. Default: as the environment has it. */
  maximumSteps?: number;
  /** k, frames in a state. Default 1. */
  frameStack?: number;
  seed: number;
  /** Called after every reset and every move. */
  onMove?: (episode: number, action: number | undefined, total: number) => void | Promise<void>;
}

/** Plays whole episodes by the best action of a network, or a random one now and then. Nothing is learned. */
export async function evaluate(
  network: QNetwork,
  environment: AnyEnvironment,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { episodes, epsilon = 0, maximumSteps = Infinity, frameStack = 1, seed, onMove } = options;
  const actor = createActor(network);
  const random = new Random(seed, 'evaluation');
  const stack = new FrameStack(environment.space, frameStack);
  const returns: number[] = [];
  let moves = 0;
  try {
    for (let episode = 0; episode < episodes; episode++) {
      let total = 0;
      let state = stack.begin((await environment.reset(episode === 0 ? seed : undefined)).observation);
      await onMove?.(episode, undefined, 0);
      for (let made = 1; ; made++) {
        const action = random.uniform() < epsilon ? random.integer(network.actions) : await actor.best(state);
        const step = await environment.step(action);
        moves++;
        total += scoreOf(step);
        await onMove?.(episode, action, total);
        const ended = step.terminated || step.truncated;
        if ((ended && gameIsOver(step.info)) || made >= maximumSteps) break;
        state = ended ? stack.begin((await environment.reset()).observation) : stack.add(step.observation);
      }
      returns.push(total);
    }
  } finally {
    await actor.dispose();
  }
  return { returns, mean: mean(returns), length: moves / episodes };
}

/** What a step counts in the game's own points: the rewards that an agent learns from may be clipped to their sign. */
function scoreOf({ reward, info }: Step): number {
  return info['score'] ?? reward;
}

/** An episode that ends with a life is not the end of the game. */
function gameIsOver(info: Info): boolean {
  return info['gameOver'] !== 0;
}

/** The mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
