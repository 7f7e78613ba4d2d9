/**
 * One run as the milestone's loop sees it: log values, save checkpoints, notice a request to stop, finish with targets and
 * report. The loop itself belongs to the milestone.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorData } from '@milestones/core';
import {
  cleanCheckpoints,
  cleanTemporary,
  type JsonValue,
  DiskFullError,
  latestCheckpoint,
  saveCheckpoint,
  saveFile,
} from '@milestones/core/node';
import { asData, type CheckpointTensors } from './checkpoint-tensors.ts';
import type { Command } from './command/parse-command.ts';
import { type Chart, curvesSvg } from './curves.ts';
import { describeEnvironment, type EngineDescription, type Environment } from './environment.ts';
import { type LogPosition, MetricsLog, readMetrics } from './metrics-log.ts';
import { findNotFinite, lowerLearningRate, NotFiniteError } from './not-finite.ts';
import { Progress, type ProgressOptions } from './progress.ts';
import { type Deviation, formatReport } from './report.ts';
import { resultsFolder, saveResults } from './results.ts';
import { createRunFolder, jsonText, readRunConfig, type RunConfig } from './run-folder.ts';
import { lockRun, type RunLock } from './run-lock.ts';
import { StopSignals } from './stop-signals.ts';
import type { Summary } from './summary.ts';
import { formatDuration } from './table.ts';
import { missedTarget, targetTable } from './target-table.ts';
import { checkTargets } from './targets.ts';

export interface RunOptions {
  engine: EngineDescription;
  /** Number of trainable weights. */
  parameters: number;
  /** Differences from the paper, for the report. */
  deviations?: readonly Deviation[];
  /** Where run messages go; default stdout. */
  print?: (text: string) => void;
}

export interface CheckpointToSave {
  /** Steps done. */
  step: number;
  tensors: CheckpointTensors;
  /**
   * Everything else that the loop needs to continue: data cursor, random counters, best value so far. JSON only; the key
   * `run` is taken (log positions, elapsed time).
   */
  state?: Record<string, unknown>;
}

/** What a resumed loop starts from. */
export interface RunCheckpoint {
  /** Steps done. */
  step: number;
  /** By group and name, as saved; core's `dataToTensors` makes tensors of a group for `loadStateDict`. */
  tensors: Record<string, Record<string, TensorData>>;
  /** As given to `saveCheckpoint`. */
  state: Record<string, unknown>;
}

export interface FinishOptions {
  /** Steps done in the whole run. */
  steps: number;
  /** Final metrics; targets without a step are read from here. */
  metrics: Record<string, number>;
  /** Charts of curves.svg; default: one per group of metrics in the log that share a last word, such as all …Loss. */
  charts?: readonly Chart[];
  /** Paragraphs for the report. */
  notes?: readonly string[];
}

/** What the run keeps in a checkpoint's state beside the loop's own. */
interface RunState {
  logs: LogPosition;
  elapsedSeconds: number;
}

type StoredCheckpoint = RunCheckpoint & { state: { run: RunState } };

/**
 * Makes a new run folder, or opens the one that `--resume` named and cuts its logs back to the last checkpoint.
 * Throws where another process writes the same folder.
 */
export async function openRun<Config>(command: Command<Config>, options: RunOptions): Promise<Run> {
  const environment = describeEnvironment(options.engine, command.packageFolder);
  if (command.resume === undefined) {
    const config: RunConfig = {
      milestone: command.milestone,
      preset: command.preset,
      seed: command.seed,
      engine: options.engine.name,
      set: command.set,
      config: command.config,
      differences: command.changes,
      changed: [],
    };
    const folder = createRunFolder(command.out, config, { 'environment.json': environment });
    return new Run(folder, command, options, environment, config, lockRun(folder), null);
  }

  const folder = command.resume;
  const lock = lockRun(folder);
  try {
    for (const place of [folder, join(folder, 'samples')]) await cleanTemporary(place);
    await cleanCheckpoints(join(folder, 'checkpoints'));
    const { checkpoint = null, skipped } = await latestCheckpoint(join(folder, 'checkpoints'));
    for (const { folder: damaged, reason } of skipped) process.stderr.write(`Skipped ${damaged}: ${reason}\n`);
    const config = readRunConfig(folder);
    if (command.configChanges.length > 0) {
      const step = checkpoint?.step ?? 0;
      config.changed.push(...command.configChanges.map(({ key, from, to }) => ({ step, key, from, to })));
      Object.assign(config, { config: command.config, set: command.set, differences: command.changes });
      await saveFile(join(folder, 'config.json'), jsonText(config));
    }
    return new Run(folder, command, options, environment, config, lock, checkpoint as StoredCheckpoint | null);
  } catch (error) {
    lock.release();
    throw error;
  }
}

export class Run {
  /** The run folder. */
  readonly folder: string;
  /** What the loop has to continue from; null for a run that starts at step 0. Hand its tensors to `loadStateDict`. */
  readonly checkpoint: RunCheckpoint | null;
  readonly environment: Environment;
  readonly runConfig: RunConfig;
  readonly #command: Command<unknown>;
  readonly #options: RunOptions;
  readonly #lock: RunLock;
  readonly #log: MetricsLog;
  readonly #signals: StopSignals;
  readonly #print: (text: string) => void;
  readonly #startTime = performance.now();
  readonly #earlierSeconds: number;
  #progress: Progress | undefined;
  #closed = false;

  /** @hidden Use `openRun`. */
  constructor(
    folder: string,
    command: Command<unknown>,
    options: RunOptions,
    environment: Environment,
    config: RunConfig,
    lock: RunLock,
    checkpoint: StoredCheckpoint | null,
  ) {
    this.folder = folder;
    this.environment = environment;
    this.runConfig = config;
    this.#command = command;
    this.#options = options;
    this.#lock = lock;
    this.#print = options.print ?? ((text) => process.stdout.write(`${text}\n`));
    this.#log = new MetricsLog(folder);
    if (checkpoint === null) {
      this.checkpoint = null;
      this.#earlierSeconds = 0;
      this.#log.restore({ metrics: 0, events: 0 });
    } else {
      const { run, ...state } = checkpoint.state;
      this.checkpoint = { step: checkpoint.step, tensors: checkpoint.tensors, state };
      this.#earlierSeconds = run.elapsedSeconds;
      this.#log.restore(run.logs);
    }
    this.#signals = new StopSignals(() => this.note('Stopping after this step (a second signal stops at once) …'));
    const action = command.resume === undefined ? 'Run' : `Continuing at step ${this.checkpoint?.step ?? 0}:`;
    this.#print(`${action} ${folder} on engine ${options.engine.name}`);
  }

  /** True after SIGINT or SIGTERM: save a checkpoint and return `interrupted()`. */
  get stopping(): boolean {
    return this.#signals.requested;
  }

  /** Seconds of work in this run, those before earlier interruptions included. */
  get elapsedSeconds(): number {
    return this.#earlierSeconds + (performance.now() - this.#startTime) / 1000;
  }

  /** A progress bar (or plain lines) that starts at the checkpoint's step. */
  progress(options: Pick<ProgressOptions, 'total' | 'label'>): Progress {
    this.#progress = new Progress({ start: this.checkpoint?.step ?? 0, bar: this.#command.progressBar, ...options });
    return this.#progress;
  }

  /** Writes a line above the progress bar. */
  note(text: string): void {
    if (this.#progress) this.#progress.note(text);
    else process.stderr.write(`${text}\n`);
  }

  /**
   * Appends scalars of one step to metrics.jsonl and to the TensorBoard file. Throws NotFiniteError for NaN or infinity.
   * Log in an order that depends on the step alone, never on the clock: a resumed run must write the same lines.
   */
  log(step: number, values: Readonly<Record<string, number>>): void {
    this.assertFinite(step, values);
    this.#log.append(step, values);
  }

  /** Throws NotFiniteError, which names the step, the values, the last good checkpoint and a way on. Call it every step. */
  assertFinite(step: number, values: Readonly<Record<string, number>>): void {
    const bad = findNotFinite(values);
    if (bad) throw new NotFiniteError(step, bad, this.#advice());
  }

  /**
   * Saves `checkpoints/step-…/` atomically and keeps the newest `keep` (default 2). Refuses weights that are not finite,
   * because that checkpoint would replace a good one.
   */
  async saveCheckpoint(checkpoint: CheckpointToSave, { keep = 2 }: { keep?: number } = {}): Promise<void> {
    const run: RunState = { logs: this.#log.position(), elapsedSeconds: this.elapsedSeconds };
    const read = Object.entries(checkpoint.tensors).map(
      async ([group, tensors]) => [group, await asData(tensors)] as const,
    );
    const tensors = Object.fromEntries(await Promise.all(read));
    for (const [group, record] of Object.entries(tensors)) {
      for (const [name, { dtype, data }] of Object.entries(record)) {
        if (dtype !== 'float32') continue;
        const bad = data.find((value) => !Number.isFinite(value));
        if (bad !== undefined) throw new NotFiniteError(checkpoint.step, { [`${group} ${name}`]: bad }, this.#advice());
      }
    }
    const state = { ...checkpoint.state, run } as unknown as JsonValue; // core checks that it is JSON
    try {
      await saveCheckpoint(join(this.folder, 'checkpoints'), { step: checkpoint.step, tensors, state }, { keep });
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      throw new Error(`${error.message} Then continue with: ${this.#resumeLine()}`, { cause: error });
    }
  }

  /** Saves a sample, such as generated text or an image, as `samples/<name>`. Text samples are shown in the report. */
  async saveSample(name: string, content: string | Uint8Array): Promise<void> {
    await saveFile(join(this.folder, 'samples', name), content);
  }

  /** After a signal: says how to continue and returns exit code 130. Save a checkpoint before. */
  interrupted(): number {
    this.#progress?.finish();
    this.#print(`Stopped. Continue with: ${this.#resumeLine()}`);
    this.close();
    return 130;
  }

  /**
   * Writes curves.svg, summary.json and REPORT.md, prints the table of claims, and returns the exit code:
   * 0 where every target is met, 1 otherwise.
   */
  async finish({ steps, metrics, charts, notes = [] }: FinishOptions): Promise<number> {
    this.assertFinite(steps, metrics);
    this.#progress?.finish();
    this.#log.position();
    const command = this.#command;
    const records = readMetrics(this.folder);
    const targets = checkTargets(command.targets, metrics, records);
    const { commit, dirty } = this.environment;
    const summary: Summary = {
      milestone: command.milestone,
      preset: command.preset,
      seed: command.seed,
      engine: this.#options.engine.name,
      parameters: this.#options.parameters,
      steps,
      minutes: Number((this.elapsedSeconds / 60).toPrecision(3)),
      command: command.line,
      commit: commit === null ? null : dirty ? `${commit}-dirty` : commit,
      metrics,
      targets,
    };
    const report = formatReport({
      title: command.title,
      presetWhy: command.presetWhy,
      summary,
      config: this.runConfig,
      defaults: command.defaults,
      environment: this.environment,
      deviations: this.#options.deviations ?? [],
      samples: this.#sampleNames(),
      samplesFolder: join(this.folder, 'samples'),
      notes,
    });
    await saveFile(join(this.folder, 'curves.svg'), curvesSvg(records, targets, charts));
    await saveFile(join(this.folder, 'REPORT.md'), report);
    await saveFile(join(this.folder, 'summary.json'), jsonText(summary)); // last: a folder with a summary is complete
    this.#printResult(summary);
    if (command.saveResults) {
      const folder = resultsFolder(command.packageFolder, command.preset, command.seed);
      await saveResults(this.folder, folder);
      this.#print(`Results saved: ${folder}`);
    }
    this.close();
    return targets.every((target) => target.pass) ? 0 : 1;
  }

  /** Releases the lock and the signal handlers. `finish` and `interrupted` do it themselves; safe to call again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signals.dispose();
    this.#log.close();
    this.#lock.release();
  }

  #printResult(summary: Summary): void {
    const { targets } = summary;
    this.#print(
      `\n${summary.milestone} ${summary.preset}, seed ${summary.seed}: ${summary.steps} steps in ${formatDuration(summary.minutes * 60)}\n`,
    );
    if (targets.length > 0) this.#print(`${targetTable(targets, process.stdout.columns || undefined)}\n`);
    else this.#print('This preset states no targets.\n');
    for (const target of targets) if (!target.pass) this.#print(missedTarget(target));
    if (targets.some((target) => !target.pass) && this.#command.set.length > 0) {
      this.#print(`The bands are stated for the preset as it is; this run changed ${this.#command.set.join(', ')}.`);
    }
    this.#print(`Report: ${join(this.folder, 'REPORT.md')}`);
  }

  /** What lies in samples/, also from before an interruption. */
  #sampleNames(): string[] {
    const names = readdirSync(join(this.folder, 'samples'));
    return names.filter((name) => !name.startsWith('.')).toSorted();
  }

  #resumeLine(): string {
    const prefix = this.#command.line.slice(0, this.#command.line.indexOf(' --preset '));
    return `${prefix} --resume ${this.folder}`;
  }

  #advice(): string {
    return (
      `the run stopped and its last good checkpoint is kept in ${join(this.folder, 'checkpoints')}. ` +
      `Continue from there with a lower learning rate: ${this.#resumeLine()} ` +
      `${lowerLearningRate(this.#command.config)} --change-config`
    );
  }
}
