/** All experiments one after the other in their quick settings: one run, one claim of each. */
import type { Run, TargetDefinition } from '@milestones/reproduce';
import * as v from 'valibot';
import { generatedData } from '../data.ts';
import type { Experiment } from '../experiment.ts';
import { experiments } from '../experiments.ts';
import { drawingFile } from './drawing-file.ts';
import { targetDefinition } from './preset-contents.ts';
import { Interrupted, TourContext } from './run-context.ts';

/** Longer ones are left out: whoever has just cloned the repository should not wait for them. */
const longestMinutes = 0.15;

/** `adam-figure-1` and `adamLoss` → `adamFigure1AdamLoss` */
function tourMetric(experiment: string, metric: string): string {
  const camel = experiment.replaceAll(/-([a-z\d])/g, (_match, letter: string) => letter.toUpperCase());
  return `${camel}${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
}

const stops: readonly Experiment[] = experiments.filter(({ presets }) => presets.quick.minutes <= longestMinutes);

function quickSettings({ schema, presets }: Experiment): Record<string, unknown> {
  return v.parse(schema, presets.quick.set ?? {});
}

/** The first claim of each experiment. */
export function tourTargets(): TargetDefinition[] {
  return stops.map(({ name, presets }) => {
    const [target] = presets.quick.targets;
    const claim = `${name}: ${target.claim}`;
    return { ...targetDefinition(target), metric: tourMetric(name, target.metric), claim };
  });
}

/** Weights and steps of all together. */
export function tourFacts(): { parameters: number; steps: number } {
  const sizes = stops.map((experiment) => experiment.size(quickSettings(experiment)));
  return {
    parameters: sizes.reduce((sum, { parameters }) => sum + parameters, 0),
    steps: sizes.reduce((sum, { steps }) => sum + steps, 0),
  };
}

/** Returns the exit code. */
export async function runTour(seed: number, run: Run): Promise<number> {
  const progress = run.progress({ total: tourFacts().steps });
  let steps = 0;
  const onStep = (): void => progress.update(++steps);
  const metrics: Record<string, number> = {};
  for (const experiment of stops) {
    const context = new TourContext(run, seed, generatedData(seed), onStep);
    try {
      const outcome = await experiment.run(quickSettings(experiment), context);
      for (const [name, value] of Object.entries(outcome.metrics)) metrics[tourMetric(experiment.name, name)] = value;
      for (const drawing of outcome.drawings) {
        const { name, content } = drawingFile(drawing);
        await run.saveSample(`${experiment.name}.${name}`, content);
      }
    } catch (error) {
      if (error instanceof Interrupted) return run.interrupted();
      throw error;
    }
  }
  return run.finish({ steps, metrics });
}
