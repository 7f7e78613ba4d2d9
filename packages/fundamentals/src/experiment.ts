/**
 * What an experiment is: one technique, one paper, one claim that a short run can check. Each lives in a file of its own,
 * `src/<family>/<name>.ts`, which reads as a lesson: the formula, then the code.
 */
import type { Random } from '@milestones/core';
import type * as v from 'valibot';
import type { DataSource } from './data.ts';
import type { Drawing } from './drawing.ts';

/** `quick`: seconds on generated data. `laptop`: minutes on the real data that the paper names. */
export type Mode = 'quick' | 'laptop';

/** A band, stated before the run, in which a final metric must lie. */
export interface Target {
  /** Name of a metric of the outcome. */
  metric: string;
  /** The claim in one sentence. */
  claim: string;
  /** The paper's own number for this set-up, where it has one. */
  paper?: number;
  /** A number published by someone else, or computed independently, for this very set-up. */
  published?: number;
  /** Where the published number stands. */
  source?: string;
  /** Both ends included; null leaves an end open. */
  expected: [low: number | null, high: number | null];
}

/** How an experiment is run: what differs from the schema's defaults, and what must come out. */
export interface Preset<Settings> {
  /** What this run shows, and why its settings differ from the defaults. */
  why: string;
  /** Expected duration on one core. */
  minutes: number;
  /** Differences from the schema's defaults, whole values by key. */
  set?: Partial<Settings>;
  /** The first stands for the experiment in the run that goes through all of them. */
  targets: readonly [Target, ...Target[]];
}

/** A difference from the paper. */
export interface Deviation {
  topic: string;
  paper: string;
  ours: string;
  why: string;
}

/** What a run produced. */
export interface Outcome {
  /** Final numbers, all finite; targets are read from them. A run that diverged reports that as a number of its own. */
  metrics: Record<string, number>;
  /** At least one. */
  drawings: readonly Drawing[];
  /** Paragraphs for the report. */
  notes?: readonly string[];
}

/** What a run gives its experiment. */
export interface ExperimentContext {
  /** The run's seed. */
  readonly seed: number;
  /** A stream of random numbers under the run's seed; the same name gives the same numbers. */
  random(name: string): Random;
  /** Named data, real or generated. */
  readonly data: DataSource;
  /** Keeps scalars of a step for the run's log and its curves. */
  log(step: number, values: Readonly<Record<string, number>>): void;
  /** Call it after each training step, with what the progress bar shall show: it also ends the run that is to stop. */
  advance(values?: Readonly<Record<string, number>>): void;
  /**
   * One part of a long experiment, such as the training of one of its nets, by name. What it resolves to (plain JSON, every
   * number finite) is kept: a run that was interrupted and resumed does not repeat the parts that it has done. A part
   * must depend on nothing but its settings and the run's seed.
   */
  part<Result>(name: string, run: () => Promise<Result>): Promise<Result>;
}

/** One experiment. Make it with {@link defineExperiment}. */
export interface Experiment<Settings = Record<string, unknown>> {
  /** Kebab-case, such as `adam-figure-1`: `reproduce fundamentals --experiment adam-figure-1`. */
  name: string;
  /** Of the report, such as `Adam against AdaGrad and Nesterov momentum on softmax regression`. */
  title: string;
  /** Author and year, section or figure. */
  paper: string;
  /** What the run shows, in one sentence. */
  claim: string;
  /** The settings: a flat valibot object, every key with default and description (`option` of core). */
  schema: v.GenericSchema<unknown, Settings>;
  /** `laptop` is left out where nothing larger is to be seen than in `quick`. */
  presets: { quick: Preset<Settings>; laptop?: Preset<Settings> };
  /** Differences from the paper beyond the settings. */
  deviations?: readonly Deviation[];
  /** Trainable weights and steps of a run, all its parts together; `advance` is called that often. */
  size(settings: Settings): { parameters: number; steps: number };
  /** Runs it on the current engine. */
  run(settings: Settings, context: ExperimentContext): Promise<Outcome>;
}

/** An experiment as its file writes it: the settings' type comes from the schema. */
export function defineExperiment<const Schema extends v.GenericSchema>(
  experiment: Omit<Experiment<v.InferOutput<Schema>>, 'schema'> & { schema: Schema },
): Experiment<v.InferOutput<Schema>> {
  return experiment as Experiment<v.InferOutput<Schema>>;
}
