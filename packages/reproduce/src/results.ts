/** Results that are committed: a small, deterministic extract of a run folder. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { metricsFile, readMetrics } from './metrics-log.ts';
import type { Summary } from './summary.ts';
import type { MetricsRecord } from './targets.ts';

/** Largest sample that is copied into the committed results. */
const largestSampleBytes = 1_000_000;

/** `<package>/results/<preset>`, with `-seed<seed>` appended for every seed but the usual one, 1. */
export function resultsFolder(packageFolder: string, preset: string, seed: number): string {
  return join(packageFolder, 'results', seed === 1 ? preset : `${preset}-seed${seed}`);
}

/**
 * Copies summary.json, config.json, curves.svg, a thinned metrics.jsonl and the samples of a finished run into `folder`,
 * replacing what was there. Samples above 1 MB are left out.
 */
export async function saveResults(runFolder: string, folder: string): Promise<void> {
  const summaryText = readFileSync(join(runFolder, 'summary.json'), 'utf8');
  const summary = JSON.parse(summaryText) as Summary;
  const keepSteps = summary.targets.flatMap(({ step }) => (step === undefined ? [] : [step]));
  const records = thinMetrics(readMetrics(runFolder), { keepSteps });
  mkdirSync(folder, { recursive: true });
  const samplesFolder = join(runFolder, 'samples');
  const samples = existsSync(samplesFolder) ? readdirSync(samplesFolder).filter((name) => !name.startsWith('.')) : [];
  for (const old of readdirSync(folder)) if (old.startsWith('samples.')) rmSync(join(folder, old));
  for (const name of samples.toSorted()) {
    const source = join(samplesFolder, name);
    if (statSync(source).size <= largestSampleBytes) copyFileSync(source, join(folder, `samples.${name}`));
  }
  copyFileSync(join(runFolder, 'config.json'), join(folder, 'config.json'));
  copyFileSync(join(runFolder, 'curves.svg'), join(folder, 'curves.svg'));
  await saveFile(join(folder, metricsFile), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await saveFile(join(folder, 'summary.json'), summaryText);
}

/**
 * At most about `limit` records per metric, evenly spaced in the order of the log; the first, the last and those of
 * `keepSteps` always stay. A metric with fewer records keeps them all. The same input gives the same output.
 */
export function thinMetrics(
  records: readonly MetricsRecord[],
  { limit = 100, keepSteps = [] }: { limit?: number; keepSteps?: readonly number[] } = {},
): MetricsRecord[] {
  const kept = new Set<number>();
  records.forEach((record, index) => {
    if (keepSteps.includes(record.step)) kept.add(index);
  });
  const names = new Set(records.flatMap((record) => Object.keys(record)).filter((name) => name !== 'step'));
  for (const name of names) {
    const indices = records.flatMap((record, index) => (name in record ? [index] : []));
    const count = Math.min(limit, indices.length);
    for (let position = 0; position < count; position++) {
      const share = count === 1 ? 0 : position / (count - 1);
      kept.add(indices[Math.round(share * (indices.length - 1))]!);
    }
  }
  return records.filter((_, index) => kept.has(index));
}
