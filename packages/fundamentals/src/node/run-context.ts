/** What the command gives an experiment: log, progress, and the memory of parts that are done. */
import { Random } from '@milestones/core';
import type { Progress, Run } from '@milestones/reproduce';
import type { DataSource } from '../data.ts';
import type { ExperimentContext } from '../experiment.ts';

/** Ends an experiment from inside `advance`, after a signal. */
export class Interrupted extends Error {
  constructor() {
    super('fundamentals: the run was asked to stop; continue it with --resume.');
    this.name = 'Interrupted';
  }
}

/** Parts that are done, as a checkpoint keeps them. */
interface Memory {
  steps: number;
  parts: Record<string, unknown>;
}

/** A run of one experiment. */
export class RunContext implements ExperimentContext {
  readonly seed: number;
  readonly data: DataSource;
  readonly #run: Run;
  readonly #progress: Progress;
  readonly #memory: Memory;
  #steps: number;

  constructor(run: Run, progress: Progress, seed: number, data: DataSource) {
    this.seed = seed;
    this.data = data;
    this.#run = run;
    this.#progress = progress;
    this.#memory = (run.checkpoint?.state['memory'] as Memory | undefined) ?? { steps: 0, parts: {} };
    this.#steps = this.#memory.steps;
  }

  /** Steps done. */
  get steps(): number {
    return this.#steps;
  }

  random(name: string): Random {
    return new Random(this.seed, name);
  }

  log(step: number, values: Readonly<Record<string, number>>): void {
    this.#run.log(step, values);
  }

  advance(values?: Readonly<Record<string, number>>): void {
    this.#steps += 1;
    this.#progress.update(this.#steps, values);
    if (this.#run.stopping) throw new Interrupted();
  }

  async part<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    const { parts } = this.#memory;
    if (Object.hasOwn(parts, name)) return parts[name] as Result;
    const result = await run();
    parts[name] = result;
    this.#memory.steps = this.#steps;
    await this.#run.saveCheckpoint({ step: this.#steps, tensors: {}, state: { memory: this.#memory } });
    return result;
  }
}

/** An experiment as one of many: nothing is logged or kept. */
export class TourContext implements ExperimentContext {
  readonly seed: number;
  readonly data: DataSource;
  readonly #run: Run;
  readonly #onStep: () => void;

  constructor(run: Run, seed: number, data: DataSource, onStep: () => void) {
    this.seed = seed;
    this.data = data;
    this.#run = run;
    this.#onStep = onStep;
  }

  random(name: string): Random {
    return new Random(this.seed, name);
  }

  log(): void {}

  advance(): void {
    this.#onStep();
    if (this.#run.stopping) throw new Interrupted();
  }

  part<Result>(_name: string, run: () => Promise<Result>): Promise<Result> {
    return run();
  }
}
