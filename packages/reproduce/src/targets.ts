/**
 * Claims as data: what a preset must show, stated before the run in its preset file, and what the run measured.
 * A missed target fails the command (exit code 1).
 */
import { finiteNumber, nonNegativeInteger } from '@milestones/core';
import * as v from 'valibot';

const bound = v.nullable(finiteNumber);
const text = v.pipe(v.string(), v.nonEmpty());

/** What a preset claims of a run's measurements. */
export interface TargetDefinition {
  /** Name of a metric: of the run's final metrics, or with `step` of the metrics log. */
  metric: string;
  /** The step at which the metrics log is read; without it the final metrics count. */
  step?: number | undefined;
  /** The claim in one sentence. */
  claim: string;
  /** The paper's own number, null where the paper has none for this set-up. */
  paper: number | null;
  /** A number published by someone else for this very set-up, null where there is none. */
  published: number | null;
  /** Where the published number stands. */
  source?: string | undefined;
  /** The band in which the measurement must lie, both ends included; null leaves an end open. */
  expected: [low: number | null, high: number | null];
}

export const targetSchema = v.pipe(
  v.strictObject({
    metric: text,
    step: v.optional(nonNegativeInteger),
    claim: text,
    paper: v.nullable(finiteNumber),
    published: v.nullable(finiteNumber),
    source: v.optional(v.string()),
    expected: v.strictTuple([bound, bound]),
  }),
  v.check(
    ({ expected: [low, high] }) => (low !== null || high !== null) && (low ?? high!) <= (high ?? low!),
    'expected must be [low, high] with low <= high and at least one of them a number',
  ),
) satisfies v.GenericSchema<TargetDefinition>;

/** A target after the run, as summary.json has it. `measured` is null where the run never produced the metric. */
export type TargetResult = TargetDefinition & { measured: number | null; pass: boolean };

/** One line of metrics.jsonl. */
export type MetricsRecord = { step: number } & Record<string, number>;

/**
 * Compares every target with the final metrics, or with the log at the target's step (the last record of that step wins).
 * A target whose metric was never measured fails.
 */
export function checkTargets(
  targets: readonly TargetDefinition[],
  finalMetrics: Readonly<Record<string, number>>,
  log: readonly MetricsRecord[],
): TargetResult[] {
  return targets.map((target) => {
    const atStep =
      target.step === undefined
        ? undefined
        : log.findLast((record) => record.step === target.step && target.metric in record);
    const measured = (target.step === undefined ? finalMetrics[target.metric] : atStep?.[target.metric]) ?? null;
    const [low, high] = target.expected;
    const pass =
      measured !== null &&
      Number.isFinite(measured) &&
      (low === null || measured >= low) &&
      (high === null || measured <= high);
    return { ...target, measured, pass };
  });
}
