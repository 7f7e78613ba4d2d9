/** A controlled pair: this run's evaluations beside those of an earlier run that differs in one setting. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, type Command } from '@milestones/reproduce';
import type { RunConfig } from '../config.ts';

/** What was logged at one evaluation. */
export interface Evaluation {
  readonly step: number;
  readonly validationLoss: number;
  readonly validationPerplexity: number;
  readonly validationAccuracy: number;
}

/**
 * The evaluations of the run that the configuration names, undefined where it names none.
 *
 * @throws when they are not there: after hours of training would be too late
 */
export function readComparedRun({ config, packageFolder, seed }: Command<RunConfig>): Evaluation[] | undefined {
  const other = config.comparison.with;
  if (other === '') return undefined;
  const isFolder = /[\\/]/.test(other);
  const folder = isFolder ? other : join(packageFolder, 'results', seed === 1 ? other : `${other}-seed${seed}`);
  const file = join(folder, 'metrics.jsonl');
  if (!existsSync(file)) {
    throw new CommandError(
      `transformer: this run is compared with '${other}', and there is no ${file}; ` +
        (isFolder
          ? 'give the folder of a run.'
          : `run --preset ${other} --seed ${seed} --save-results first, or name the folder of a run by --set comparison.with=<folder>.`),
    );
  }
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Evaluation).filter((record) => 'validationPerplexity' in record);
}

/**
 * Mean of the last `count` evaluations of this run, and of the same steps of the other.
 *
 * @returns by how much this run's perplexity is higher, in percent, and its accuracy, in points; nothing where the runs
 *   were not evaluated at the same steps
 */
export function compareEvaluations(
  own: readonly Evaluation[],
  other: readonly Evaluation[],
  count: number,
): { perplexityRise: number; accuracyGain: number } | undefined {
  const pairs = own.slice(-count).flatMap((evaluation) => {
    const same = other.findLast(({ step }) => step === evaluation.step);
    return same === undefined ? [] : [[evaluation, same] as const];
  });
  if (pairs.length < Math.min(count, own.length)) return undefined;
  const mean = (of: (pair: (typeof pairs)[number]) => number): number =>
    pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
  return {
    perplexityRise: mean(([a, b]) => 100 * (a.validationPerplexity / b.validationPerplexity - 1)),
    accuracyGain: mean(([a, b]) => a.validationAccuracy - b.validationAccuracy),
  };
}
