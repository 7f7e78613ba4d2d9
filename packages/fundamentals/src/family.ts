import type { Experiment } from './experiment.ts';

/** Experiments that belong together. */
export interface Family {
  /** Also its folder in `src/`. */
  name: string;
  title: string;
  experiments: readonly Experiment[];
}
