/** One experiment, from its settings to its report. */
import type { LoadOptions } from '@milestones/datasets/node';
import type { Command, Run } from '@milestones/reproduce';
import type { Experiment } from '../experiment.ts';
import { drawingFile } from './drawing-file.ts';
import { realData } from './real-data.ts';
import { Interrupted, RunContext } from './run-context.ts';

/** Returns the exit code. */
export async function runOne(
  experiment: Experiment,
  { config, seed }: Command<Record<string, unknown>>,
  run: Run,
  loading: LoadOptions,
): Promise<number> {
  const progress = run.progress({ total: experiment.size(config).steps });
  const context = new RunContext(run, progress, seed, realData(seed, loading));
  try {
    const { metrics, drawings, notes } = await experiment.run(config, context);
    for (const drawing of drawings) {
      const { name, content } = drawingFile(drawing);
      await run.saveSample(name, content);
    }
    return await run.finish({
      steps: context.steps,
      metrics,
      notes: [`Claim: ${experiment.claim}`, ...(notes ?? [])],
    });
  } catch (error) {
    if (error instanceof Interrupted) return run.interrupted();
    throw error;
  }
}
