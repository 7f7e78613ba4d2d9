/**
 * What is known of one trial, and the rules by which it changes. Every attempt at a trial has a token of its own, and each
 * new attempt fences off the earlier ones: what comes with another token than the latest is refused. Together with a store
 * that replaces a record only in the state it was read in, a result is recorded exactly once, also where a worker that was
 * taken for dead comes back.
 */
import type { CurvePoint } from '@milestones/core/search';

/** How an attempt ended, as far as is known. */
export type AttemptEnd =
  /** Its result counts. */
  | 'recorded'
  /** The process of the run died. */
  | 'crashed'
  /** Its worker was asked to stop and gave the trial back. */
  | 'left'
  /** Nobody heard of its worker any more. */
  | 'lost';

/** One go at a trial by one worker. */
export interface Attempt {
  /** 1, 2, 3 … */
  number: number;
  /** Unlike any other attempt's. */
  token: string;
  /** Host and process of the worker. */
  worker: string;
  /** The worker's folder of this sweep; the attempt's own lies below it. */
  place: string;
  /** Time of its beginning. */
  started: string;
  /** Null while it is the one under way. */
  end: AttemptEnd | null;
}

/** How a trial ended. */
export interface TrialResult {
  /** `failed` has no value; `stopped` was ended early by a rule, with the last value it reached. */
  state: 'finished' | 'failed' | 'stopped';
  /** What the sweep minimises or maximises. */
  value: number | null;
  /** All final metrics of the run. */
  metrics: Record<string, number>;
  /** The values on the way, thinned. */
  curve: CurvePoint[];
  /** Why it failed or was stopped. */
  reason: string | null;
  /** Minutes of work in the run. */
  minutes: number | null;
}

/** How far the attempt under way has come. */
export interface TrialProgress {
  /** Steps done, as far as the log says. */
  step: number;
  /** The values so far, thinned. */
  curve: CurvePoint[];
}

/** All that is known of one trial; plain JSON. */
export interface TrialRecord {
  /** The trial's number, from 0. */
  index: number;
  /** The first attempt first. */
  attempts: Attempt[];
  /** Of the attempt under way; null before its first report and after the end. */
  progress: TrialProgress | null;
  /** Null until it ended. */
  result: TrialResult | null;
}

/** A trial that nobody has begun. */
export function newTrial(index: number): TrialRecord {
  return { index, attempts: [], progress: null, result: null };
}

/**
 * Begins an attempt, which fences off the earlier ones. A trial whose attempts all died is given up: it fails.
 *
 * @param allowed how many attempts may die; those of workers that left do not count
 * @returns null for a trial that has its result; the changed record otherwise, whose own result says if it was given up
 */
export function beginAttempt(
  record: TrialRecord,
  attempt: Pick<Attempt, 'token' | 'worker' | 'place' | 'started'>,
  allowed: number,
): TrialRecord | null {
  if (record.result !== null) return null;
  const attempts = record.attempts.map((earlier) => ({ ...earlier, end: earlier.end ?? ('lost' as const) }));
  const died = attempts.filter(({ end }) => end !== 'left');
  if (died.length >= allowed) {
    const workers = [...new Set(died.map(({ worker }) => worker))].join(', ');
    const reason = `${died.length} attempts died without a result (on ${workers}); their output lies in the attempts' folders`;
    return { ...record, attempts, progress: null, result: failure(reason) };
  }
  return {
    ...record,
    attempts: [...attempts, { number: attempts.length + 1, ...attempt, end: null }],
    progress: null,
  };
}

/** Notes how far an attempt has come, or null where the token is not that of the attempt under way. */
export function noteProgress(record: TrialRecord, token: string, progress: TrialProgress): TrialRecord | null {
  return isUnderWay(record, token) ? { ...record, progress } : null;
}

/** Ends an attempt without a result, or null where the token is not that of the attempt under way. */
export function endAttempt(record: TrialRecord, token: string, end: 'crashed' | 'left'): TrialRecord | null {
  return isUnderWay(record, token) ? { ...record, attempts: closed(record, end), progress: null } : null;
}

/** Records the result of the attempt under way, or null where the token is another one's. */
export function recordResult(record: TrialRecord, token: string, result: TrialResult): TrialRecord | null {
  return isUnderWay(record, token) ? { ...record, attempts: closed(record, 'recorded'), progress: null, result } : null;
}

/** Whether this attempt's result is the one that counts: true for a worker that did not hear the answer the first time. */
export function isRecordedBy(record: TrialRecord, token: string): boolean {
  const last = record.attempts.at(-1);
  return record.result !== null && last?.token === token && last.end === 'recorded';
}

/** A result without a value. */
export function failure(reason: string): TrialResult {
  return { state: 'failed', value: null, metrics: {}, curve: [], reason, minutes: null };
}

function isUnderWay(record: TrialRecord, token: string): boolean {
  const last = record.attempts.at(-1);
  return record.result === null && last?.token === token && last.end === null;
}

function closed({ attempts }: TrialRecord, end: AttemptEnd): Attempt[] {
  return attempts.map((attempt, index) => (index === attempts.length - 1 ? { ...attempt, end } : attempt));
}
