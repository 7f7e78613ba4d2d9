/**
 * The techniques of the field, one short experiment each. `experiments` lists them; each has a claim, settings, and `run`,
 * which works in Node and in a browser on generated data. The command `fundamentals` runs them with reports and real data.
 */
export { experiments, families } from './experiments.ts';
export type { Family } from './family.ts';
export {
  defineExperiment,
  type Deviation,
  type Experiment,
  type ExperimentContext,
  type Mode,
  type Outcome,
  type Preset,
  type Target,
} from './experiment.ts';
export { generatedData, imageSet, textSet, type DataSource, type ImageSet, type TextSet } from './data.ts';
export type { Axis, BarChart, Drawing, LineChart, Picture, Series } from './drawing.ts';
