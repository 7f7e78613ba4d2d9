/** How a sweep stands, as text for the terminal. */
import { bestTrial } from '@milestones/core/search';
import { formatNumber, formatTable } from '@milestones/reproduce';
import type { SweepDefinition } from './definition.ts';
import { type SweepTrial, trialHistory } from './ledger.ts';

/** Where a trial stands; `running` may also mean that its worker has just died. */
export type TrialState = 'waiting' | 'running' | 'finished' | 'stopped' | 'failed';

/** Where a trial stands. */
export function stateOf({ attempts, result }: SweepTrial): TrialState {
  if (result !== null) return result.state;
  const last = attempts.at(-1);
  return last !== undefined && last.end === null ? 'running' : 'waiting';
}

/** `12 finished, 3 running, 15 waiting · best validationLoss 1.532 (trial 4)` */
export function statusLine(definition: SweepDefinition, trials: readonly SweepTrial[]): string {
  const states = ['finished', 'stopped', 'failed', 'running', 'waiting'] as const;
  const counts = states.map((state) => [trials.filter((trial) => stateOf(trial) === state).length, state] as const);
  const best = bestTrial(trialHistory(trials), definition.goal);
  const list = counts.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state}`);
  const bestText =
    best === undefined ? '' : ` · best ${definition.metric} ${formatNumber(best.value)} (trial ${best.index})`;
  return `${list.join(', ')}${bestText}`;
}

/**
 * Title, counts and a table of the trials.
 *
 * @param rows the most trials to list: those under way first, then the best
 */
export function formatStatus(
  definition: SweepDefinition,
  trials: readonly SweepTrial[],
  { rows = Infinity, width = 120 }: { rows?: number; width?: number } = {},
): string {
  const { name, milestone, preset, search, goal, metric } = definition;
  const chosen = chooseRows(trials, goal, rows);
  const columns = settingColumns(trials);
  const lines = chosen.map((trial) => trialRow(trial, columns));
  const left = trials.length - chosen.length;
  return [
    `Sweep ${name} of ${milestone}${preset === null ? '' : ` ${preset}`}: ${search} search, ${trials.length} trials, ${goal} ${metric}`,
    statusLine(definition, trials),
    '',
    formatTable(['trial', 'state', metric, 'step', 'tries', 'worker', ...columns, 'remark'], lines, {
      align: `rlrrrl${'r'.repeat(columns.length)}l`,
      width,
    }),
    ...(left > 0 ? [`… and ${left} more`] : []),
  ].join('\n');
}

/** The names of all settings of the trials, in their order. */
export function settingColumns(trials: readonly SweepTrial[]): string[] {
  return [...new Set(trials.flatMap(({ settings }) => Object.keys(settings ?? {})))];
}

function trialRow(trial: SweepTrial, columns: readonly string[]): string[] {
  const { index, attempts, progress, result, settings } = trial;
  const state = stateOf(trial);
  const value = result === null ? progress?.curve.at(-1)?.value : result.value;
  return [
    String(index),
    state,
    value === undefined ? '' : formatNumber(value),
    progress === null ? '' : formatNumber(progress.step),
    attempts.length === 0 ? '' : String(attempts.length),
    state === 'running' ? attempts.at(-1)!.worker : '',
    ...columns.map((column) => showSetting(settings?.[column])),
    result?.reason ?? '',
  ];
}

/** A setting for people. */
export function showSetting(value: string | number | boolean | undefined): string {
  return typeof value === 'number' ? formatNumber(value) : String(value ?? '');
}

function chooseRows(trials: readonly SweepTrial[], goal: SweepDefinition['goal'], rows: number): SweepTrial[] {
  if (trials.length <= rows) return [...trials];
  const sign = goal === 'minimize' ? 1 : -1;
  const rank = (trial: SweepTrial): number => {
    if (stateOf(trial) === 'running') return -Infinity;
    return trial.result?.value === null || trial.result === null ? Infinity : sign * trial.result.value;
  };
  return trials.toSorted((a, b) => compare(rank(a), rank(b)) || a.index - b.index).slice(0, Math.max(1, rows));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b; // two infinities differ by NaN
}

/** A text at the bottom of the terminal that is drawn over itself, with lasting lines above it. */
export class LiveText {
  readonly #stream: NodeJS.WriteStream;
  #text = '';

  /** @param stream usually stdout; one that is no terminal gets the lasting lines alone */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Lines that fit below each other. */
  get rows(): number {
    return this.#stream.rows ?? 24;
  }

  /** Columns of the terminal. */
  get width(): number {
    return this.#stream.columns ?? 120;
  }

  /** Replaces the text. */
  draw(text: string): void {
    if (!this.#stream.isTTY) return;
    this.#erase();
    this.#text = text;
    this.#stream.write(text === '' ? '' : `${text}\n`);
  }

  /** Writes a line that stays. */
  note(line: string): void {
    const text = this.#text;
    this.#erase();
    this.#stream.write(`${line}\n`);
    this.draw(text);
  }

  #erase(): void {
    if (this.#text === '') return;
    const width = this.width;
    const lines = this.#text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
    this.#stream.write(`\u001B[${lines}A\u001B[0J`);
    this.#text = '';
  }
}
