/**
 * Claims as data: what a preset must show, stated before the run in its preset file, and what the run measured.
 * A missed target fails the command (exit code 1).
 */
import { z } from 'zod';
import { formatNumber, formatTable, markdownTable } from './table.ts';

const bound = z.number().nullable();

export const targetSchema = z
  .strictObject({
    /** Name of a metric: of the run's final metrics, or with `step` of the metrics log. */
    metric: z.string().min(1),
    /** The step at which the metrics log is read; without it the final metrics count. */
    step: z.number().int().nonnegative().optional(),
    /** The claim in one sentence. */
    claim: z.string().min(1),
    /** The paper's own number, null where the paper has none for this set-up. */
    paper: z.number().nullable(),
    /** A number published by someone else for this very set-up, null where there is none. */
    published: z.number().nullable(),
    /** Where the published number stands. */
    source: z.string().optional(),
    /** The band in which the measurement must lie, both ends included; null leaves an end open. */
    expected: z.tuple([bound, bound]),
  })
  .refine(({ expected: [low, high] }) => (low !== null || high !== null) && (low ?? high!) <= (high ?? low!), {
    message: 'expected must be [low, high] with low <= high and at least one of them a number',
  });

export type TargetDefinition = z.output<typeof targetSchema>;

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

/** `1.79 to 1.86`, `at most 0.5`, `at least 0.9`. */
export function formatBand([low, high]: TargetDefinition['expected']): string {
  if (low === null) return `at most ${formatNumber(high)}`;
  if (high === null) return `at least ${formatNumber(low)}`;
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}

const header = ['claim', 'paper', 'published', 'expected', 'measured', 'pass'];
const align = 'lrrrrl';

function targetRow(target: TargetResult): string[] {
  return [
    target.claim,
    formatNumber(target.paper),
    formatNumber(target.published),
    formatBand(target.expected),
    formatNumber(target.measured),
    target.pass ? 'yes' : 'NO',
  ];
}

/** The table that a command prints last. `width` is the terminal's. */
export function targetTable(targets: readonly TargetResult[], width?: number): string {
  return formatTable(header, targets.map(targetRow), width === undefined ? { align } : { align, width });
}

/** The same table for reports and README files. */
export function targetMarkdown(targets: readonly TargetResult[]): string {
  return markdownTable(header, targets.map(targetRow), { align });
}

/** One plain sentence for a target that was missed. */
export function missedTarget(target: TargetResult): string {
  const where = target.step === undefined ? target.metric : `${target.metric} at step ${target.step}`;
  if (target.measured === null)
    return `Missed: ${where} was not measured; expected ${formatBand(target.expected)}. Claim: ${target.claim}`;
  return `Missed: ${where} is ${formatNumber(target.measured)}; expected ${formatBand(target.expected)}. Claim: ${target.claim}`;
}
