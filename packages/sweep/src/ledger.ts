/** The book of a sweep: which settings each trial got, who works on it, and what came out. */
import { randomUUID } from 'node:crypto';
import type { Search, Settings, Trial } from '@milestones/core/search';
import type { DocumentStore } from './documents.ts';
import {
  type Attempt,
  beginAttempt,
  endAttempt,
  isRecordedBy,
  newTrial,
  noteProgress,
  recordResult,
  type TrialProgress,
  type TrialRecord,
  type TrialResult,
} from './trial-record.ts';

/** A trial as the table and the report show it. */
export interface SweepTrial extends TrialRecord {
  /** Null before somebody begins it. */
  settings: Settings | null;
}

/** An attempt that may start. */
export interface BegunAttempt {
  /** The new one. */
  attempt: Attempt;
  /** Those before, newest first: their folders may hold checkpoints. */
  earlier: Attempt[];
  /** What to try. */
  settings: Settings;
}

const settingsName = 'settings';

/** Name of the document of one trial. */
function documentName(index: number): string {
  return `trials/${trialNumber(index)}`;
}

/** `0007`: a trial's number in the names of files. */
export function trialNumber(index: number): string {
  return String(index).padStart(4, '0');
}

/** Reads and writes the records of a sweep. Several may work on one store at once. */
export class Ledger {
  readonly #documents: DocumentStore;
  readonly #search: Search;
  readonly #attempts: number;

  /** @param attempts how many attempts at a trial may die before it is given up */
  constructor(documents: DocumentStore, search: Search, attempts: number) {
    this.#documents = documents;
    this.#search = search;
    this.#attempts = attempts;
  }

  /** How many trials the sweep has. */
  get size(): number {
    return this.#search.trials;
  }

  /** All trials, by number. */
  async trials(): Promise<SweepTrial[]> {
    const indexes = Array.from({ length: this.size }, (_, index) => index);
    const [settings, ...records] = await this.#documents.load([settingsName, ...indexes.map(documentName)]);
    const given = parseSettings(settings ?? null);
    return indexes.map((index) => ({ ...parseRecord(records[index] ?? null, index), settings: given[index] ?? null }));
  }

  /**
   * Begins an attempt at a trial, which fences off earlier ones.
   *
   * @returns undefined for a trial that has its result, or has just been given up
   */
  async begin(index: number, worker: string, place: string): Promise<BegunAttempt | undefined> {
    const settings = await this.#settingsOf(index);
    const token = randomUUID();
    const started = new Date().toISOString();
    const record = await this.#change(index, (before) =>
      beginAttempt(before, { token, worker, place, started }, this.#attempts),
    );
    if (record === null || record.result !== null) return undefined;
    const [attempt, ...earlier] = record.attempts.toReversed();
    return { attempt: attempt!, earlier, settings };
  }

  /** Notes progress. @returns false where another attempt has taken over */
  async note(index: number, token: string, progress: TrialProgress): Promise<boolean> {
    return (await this.#change(index, (record) => noteProgress(record, token, progress))) !== null;
  }

  /** Ends an attempt without a result. @returns false where another attempt has taken over */
  async end(index: number, token: string, end: 'crashed' | 'left'): Promise<boolean> {
    return (await this.#change(index, (record) => endAttempt(record, token, end))) !== null;
  }

  /** Records a result. @returns false where another attempt has taken over: the result does not count */
  async record(index: number, token: string, result: TrialResult): Promise<boolean> {
    if ((await this.#change(index, (record) => recordResult(record, token, result))) !== null) return true;
    // The first try may have been carried out with its answer lost on the way.
    const [text] = await this.#documents.load([documentName(index)]);
    return isRecordedBy(parseRecord(text ?? null, index), token);
  }

  /** Applies a rule to a record as it is at this moment. @returns the record after it, or null where the rule refused */
  async #change(index: number, rule: (record: TrialRecord) => TrialRecord | null): Promise<TrialRecord | null> {
    const name = documentName(index);
    for (;;) {
      const [text = null] = await this.#documents.load([name]);
      const changed = rule(parseRecord(text, index));
      if (changed === null) return null;
      const next = JSON.stringify(changed);
      if (next === text || (await this.#documents.replace(name, text, next))) return changed;
    }
  }

  /** The settings of a trial: those it was given before, or a new suggestion from what is known now. */
  async #settingsOf(index: number): Promise<Settings> {
    for (;;) {
      const [text = null] = await this.#documents.load([settingsName]);
      const given = parseSettings(text);
      if (given[index] !== undefined) return given[index];
      const settings = this.#search.suggest(trialHistory(await this.trials()), index);
      // All settings are one text: a worker that suggested at the same time must look again, so that the two differ.
      if (await this.#documents.replace(settingsName, text, JSON.stringify({ ...given, [index]: settings }))) {
        return settings;
      }
    }
  }
}

/** What a search or a rule for stopping knows of the trials: those that were begun. */
export function trialHistory(trials: readonly SweepTrial[]): Trial[] {
  return trials.flatMap(({ index, settings, result, progress }): Trial[] => {
    if (settings === null) return [];
    if (result === null) return [{ index, settings, state: 'pending', curve: progress?.curve ?? [] }];
    const { state, value, curve } = result;
    return [{ index, settings, state, curve, ...(value !== null && { value }) }];
  });
}

function parseSettings(text: string | null): Record<number, Settings> {
  return text === null ? {} : (JSON.parse(text) as Record<number, Settings>);
}

function parseRecord(text: string | null, index: number): TrialRecord {
  return text === null ? newTrial(index) : (JSON.parse(text) as TrialRecord);
}
