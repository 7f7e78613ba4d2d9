/**
 * The append-only logs of a run: metrics.jsonl, one JSON object per line, and a TensorBoard event file.
 *
 * A checkpoint stores `position()`. `restore(position)` cuts both files there, so that what an interrupted run wrote after
 * its last checkpoint, a half-written last line included, is written again by the resumed run. metrics.jsonl therefore
 * holds no times: the file of a resumed run equals that of an undisturbed one, byte for byte.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { MetricsRecord } from './targets.ts';
import { encodeFileVersion, encodeScalars } from './tensorboard.ts';

/** Byte lengths of the two files at one moment. */
export interface LogPosition {
  metrics: number;
  events: number;
}

export const metricsFile = 'metrics.jsonl';

export class MetricsLog {
  readonly #metrics: AppendFile;
  readonly #events: AppendFile;

  /** Opens or creates both files in the run folder. */
  constructor(folder: string) {
    this.#metrics = new AppendFile(join(folder, metricsFile));
    const existing = readdirSync(folder).find((name) => name.startsWith('events.out.tfevents.'));
    const seconds = Math.floor(Date.now() / 1000);
    this.#events = new AppendFile(join(folder, existing ?? `events.out.tfevents.${seconds}.milestones`));
    this.#startEvents();
  }

  /** Appends one record: `{"step":500,"trainLoss":2.1}`. Values must be finite; the run's `log` sees to that. */
  append(step: number, values: Readonly<Record<string, number>>): void {
    this.#metrics.append(Buffer.from(`${JSON.stringify({ step, ...values })}\n`));
    this.#events.append(encodeScalars(step, values, Date.now() / 1000));
  }

  /** Lengths of the files, after making sure that what they hold is on the disk. */
  position(): LogPosition {
    return { metrics: this.#metrics.flush(), events: this.#events.flush() };
  }

  /** Cuts both files back to a stored position. */
  restore(position: LogPosition): void {
    this.#metrics.truncate(position.metrics);
    this.#events.truncate(position.events);
    this.#startEvents();
  }

  close(): void {
    this.#metrics.close();
    this.#events.close();
  }

  #startEvents(): void {
    if (this.#events.length === 0) this.#events.append(encodeFileVersion(Date.now() / 1000));
  }
}

/** All complete records of a run folder's metrics.jsonl. A half-written last line is left out. */
export function readMetrics(folder: string): MetricsRecord[] {
  const path = join(folder, metricsFile);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as MetricsRecord);
}

/** A file that grows at its end. After a failed write it is as long as before: no half record stays behind. */
class AppendFile {
  readonly #path: string;
  readonly #descriptor: number;
  length: number;

  constructor(path: string) {
    this.#path = path;
    // Not opened for appending: Windows refuses to truncate such a file. Writes name their position instead.
    this.#descriptor = openSync(path, existsSync(path) ? 'r+' : 'wx+');
    this.length = fstatSync(this.#descriptor).size;
  }

  append(bytes: Uint8Array): void {
    try {
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written, this.length + written);
      }
    } catch (error) {
      ftruncateSync(this.#descriptor, this.length);
      throw new Error(
        `${this.#path}: could not append (${(error as Error).message}); make room or check the disk, then continue with --resume. The last checkpoint is kept.`,
        { cause: error },
      );
    }
    this.length += bytes.length;
  }

  flush(): number {
    fsyncSync(this.#descriptor);
    return this.length;
  }

  truncate(length: number): void {
    if (length > this.length) {
      throw new Error(
        `${this.#path}: it has ${this.length} bytes, but the checkpoint was saved when it had ${length}; the file was changed by hand, start a new run.`,
      );
    }
    ftruncateSync(this.#descriptor, length);
    this.length = length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
