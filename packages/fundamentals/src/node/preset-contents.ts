/** The presets of an experiment in the form of preset files. */
import type { TargetDefinition } from '@milestones/reproduce';
import type { Experiment, Mode, Preset, Target } from '../experiment.ts';

/** `adam-figure-1` on a laptop, `adam-figure-1-quick`: also the names of the run folders and of the saved results. */
export function presetName(experiment: string, mode: Mode): string {
  return mode === 'laptop' ? experiment : `${experiment}-${mode}`;
}

/** What would stand in `presets/<name>.json`. */
export function presetContents({ name, presets }: Experiment): { preset: string }[] {
  return (Object.entries(presets) as [Mode, Preset<Record<string, unknown>>][]).map(([mode, preset]) => ({
    preset: presetName(name, mode),
    why: preset.why,
    minutes: preset.minutes,
    deltas: preset.set === undefined ? [] : [{ set: preset.set, why: 'see above' }],
    targets: preset.targets.map(targetDefinition),
  }));
}

/** A target with everything that the report wants. */
export function targetDefinition(target: Target): TargetDefinition {
  return { ...target, paper: target.paper ?? null, published: target.published ?? null };
}
