/** Targets as tables and sentences. */
import { formatNumber, formatTable, markdownTable } from './table.ts';
import type { TargetDefinition, TargetResult } from './targets.ts';

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
