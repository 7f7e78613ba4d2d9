/**
 * What an agent acts in. The interface follows Gymnasium: `reset(seed)` begins an episode, `step(action)` makes one move and
 * returns observation, reward, terminated, truncated and info. `terminated` says that the task itself has ended, so that
 * nothing more can be earned; `truncated`, that somebody stopped looking (a time limit), so that the last state still has
 * a value. To learn from the second as if it were the first is the classic mistake.
 */
import { Random, type RandomState } from '@milestones/core';
import type { Picture } from '../picture/picture.ts';

/** What an agent sees, flat and row-major: measured values, or pixels and planes as bytes. */
export type Observation = Float32Array | Uint8Array;

/** Shape and type of observations. */
export interface ObservationSpace {
  /** For example [4], or [H, W, C]. */
  readonly shape: readonly number[];
  /** float32: a Float32Array; uint8: a Uint8Array. */
  readonly type: 'float32' | 'uint8';
}

/** Further numbers that an environment tells, such as `lives`. */
export type Info = Readonly<Record<string, number>>;

/** The beginning of an episode. */
export interface Reset {
  observation: Observation;
  info: Info;
}

/** The result of one move. */
export interface Step {
  /** What is seen after the move; the caller's to keep. */
  observation: Observation;
  reward: number;
  /** The task has ended. */
  terminated: boolean;
  /** The episode was cut off, by a time limit. */
  truncated: boolean;
  info: Info;
}

/** Any environment, also one that lives in another process; see {@link Environment} for those of this package. */
export interface AnyEnvironment {
  readonly name: string;
  readonly space: ObservationSpace;
  /** What can be done; an action is an index of this list. A = its length. */
  readonly actions: readonly string[];
  /** How many frames of the game one step is (frame skip); 1 where it is not stated. */
  readonly framesPerStep?: number;
  /** Begins an episode. A seed begins the environment's random numbers anew; the first reset needs one. */
  reset(seed?: number): Reset | Promise<Reset>;
  /** Makes a move. @throws for an action that does not exist, and after the end of an episode */
  step(action: number): Step | Promise<Step>;
  /** Everything that decides how the episode goes on, as plain JSON. Missing where an environment cannot tell. */
  state?(): unknown;
  /** Continues where `state()` was taken. */
  restore?(state: unknown): void;
  /** What a human would see. */
  picture?(): Picture;
  /** Frees what the environment holds outside of this process. */
  close?(): void | Promise<void>;
}

/** An environment of this package: synchronous, seeded, and its state can be saved. */
export interface Environment extends AnyEnvironment {
  reset(seed?: number): Reset;
  step(action: number): Step;
  state(): EnvironmentState;
  restore(state: unknown): void;
  picture(): Picture;
}

/** A saved {@link Environment}. */
export interface EnvironmentState {
  name: string;
  random: RandomState;
  /** Moves made in this episode. */
  steps: number;
  running: boolean;
  /** The game itself. */
  game: unknown;
}

/** What every environment of this package can be told. */
export interface EnvironmentOptions {
  /** An episode is truncated after that many moves. Each environment states its default. */
  maximumSteps?: number;
}

const nothing: Info = Object.freeze({});

/**
 * What the environments of this package share: random numbers, the time limit, and the checks. A game is a plain object of
 * numbers and arrays, so that saving it is a copy.
 */
export abstract class SeededEnvironment<Game extends object> implements Environment {
  abstract readonly name: string;
  abstract readonly space: ObservationSpace;
  abstract readonly actions: readonly string[];
  readonly #maximumSteps: number;
  #random: Random | undefined;
  #game: Game | undefined;
  #steps = 0;
  #running = false;

  protected constructor(maximumSteps: number) {
    if (!(maximumSteps >= 1)) {
      throw new Error(`environment: ${maximumSteps} moves at most arrived; give a number of at least 1, or Infinity.`);
    }
    this.#maximumSteps = maximumSteps;
  }

  /** A new episode. */
  protected abstract begin(random: Random): Game;
  /** Makes a move: changes `game`, and sets `outcome`. */
  protected abstract advance(game: Game, action: number, random: Random, outcome: Outcome): void;
  /** What the agent sees, in an array of its own. */
  protected abstract observe(game: Game): Observation;
  /** What a human sees. */
  protected abstract draw(game: Game): Picture;

  /** Moves made in this episode. */
  get steps(): number {
    return this.#steps;
  }

  reset(seed?: number): Reset {
    if (seed !== undefined) this.#random = new Random(seed, `environment ${this.name}`);
    if (this.#random === undefined) {
      throw new Error(`${this.name}: the first reset came without a seed; call reset(1), with any whole number.`);
    }
    this.#game = this.begin(this.#random);
    this.#steps = 0;
    this.#running = true;
    return { observation: this.observe(this.#game), info: nothing };
  }

  step(action: number): Step {
    checkAction(this, action);
    if (!this.#running) {
      throw new Error(
        `${this.name}: a move arrived ${this.#game === undefined ? 'before the first reset' : 'after the end of the episode'}; ` +
          'call reset() first.',
      );
    }
    const outcome: Outcome = { reward: 0, terminated: false };
    this.advance(this.#game!, action, this.#random!, outcome);
    this.#steps++;
    const { reward, terminated } = outcome;
    const truncated = !terminated && this.#steps >= this.#maximumSteps;
    if (terminated || truncated) this.#running = false;
    return { observation: this.observe(this.#game!), reward, terminated, truncated, info: nothing };
  }

  state(): EnvironmentState {
    if (this.#game === undefined) throw new Error(`${this.name}: there is no state before the first reset.`);
    return {
      name: this.name,
      random: this.#random!.state(),
      steps: this.#steps,
      running: this.#running,
      game: structuredClone(this.#game),
    };
  }

  restore(state: unknown): void {
    const { name, random, steps, running, game } = (state ?? {}) as EnvironmentState;
    if (name !== this.name || typeof game !== 'object' || game === null || !Number.isSafeInteger(steps)) {
      throw new Error(
        `${this.name}: a state of ${JSON.stringify(name)} arrived; give what state() of the same environment returned.`,
      );
    }
    this.#random = Random.fromState(random);
    this.#steps = steps;
    this.#running = running;
    this.#game = structuredClone(game) as Game;
  }

  picture(): Picture {
    if (this.#game === undefined) throw new Error(`${this.name}: there is nothing to see before the first reset.`);
    return this.draw(this.#game);
  }
}

/** What a move brought. */
export interface Outcome {
  reward: number;
  terminated: boolean;
}

/** @throws where there is no such action */
export function checkAction({ name, actions }: Pick<AnyEnvironment, 'name' | 'actions'>, action: number): void {
  if (Number.isInteger(action) && action >= 0 && action < actions.length) return;
  throw new Error(
    `${name}: the action ${action} arrived; give a whole number from 0 to ${actions.length - 1} (${actions.join(', ')}).`,
  );
}
