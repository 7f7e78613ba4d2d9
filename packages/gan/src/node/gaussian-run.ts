/** Figure 1: plays the one-dimensional game, draws it, and reports. Node only; without checkpoints, it takes seconds. */
import type { Run } from '@milestones/reproduce';
import type { RunConfig } from '../config.ts';
import { gaussianPicture } from '../gaussian-picture.ts';
import { playGaussian } from '../gaussian.ts';

/** The whole experiment; returns the exit code. */
export async function runGaussian({ gaussian }: RunConfig, seed: number, run: Run): Promise<number> {
  const progress = run.progress({ total: gaussian.steps });
  const outcome = await playGaussian(gaussian, seed, {
    onLosses: (step, losses) => run.log(step, losses),
    onStep: (step) => {
      progress.update(step);
      return run.stopping;
    },
  });
  if (run.stopping) return run.interrupted();
  await run.saveSample('figure1.svg', new TextEncoder().encode(gaussianPicture(outcome.moments, gaussian)));
  const { discriminatorLoss, mean, deviation } = outcome;
  return run.finish({
    steps: gaussian.steps,
    metrics: {
      discriminatorLoss,
      meanError: Math.abs(mean - gaussian.mean),
      deviationRatio: deviation / gaussian.deviation,
    },
    charts: [
      {
        title: 'Losses: at equilibrium ln 4 = 1.386 and ln 2 = 0.693',
        metrics: ['discriminatorLoss', 'generatorLoss'],
      },
    ],
    notes: [
      `Data from N(${gaussian.mean}, ${gaussian.deviation}²); generated: mean ${mean.toFixed(3)}, standard deviation ` +
        `${deviation.toFixed(3)}. The discriminator's loss is the mean over the last tenth of the updates.`,
    ],
  });
}
