/** A sweep on this machine: as many trials at a time as there are lanes. */
import { workOnTrial, type WorkerContext } from './work-on-trial.ts';

/**
 * Works on all trials without a result, lowest number first.
 *
 * @param workers how many trials at a time
 */
export async function runLanes(context: WorkerContext, workers: number): Promise<void> {
  const waiting = (await context.ledger.trials()).filter(({ result }) => result === null).map(({ index }) => index);
  const lane = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined && !context.leaving.aborted; index = waiting.shift()) {
      const end = await workOnTrial(context, index).catch((error: unknown) => {
        waiting.length = 0; // the other lanes end their trials, but begin no more
        throw error;
      });
      if (end === 'left') return;
      if (end === 'lost') throw new Error(`trial ${index}: its record could not be written; see the messages above.`);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(workers, waiting.length) }, lane));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
}
