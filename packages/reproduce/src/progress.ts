/**
 * How far a run is: a bar with rate, remaining time and current values on a terminal; plain lines elsewhere, at most one
 * every ten seconds. Everything goes to stderr, so that stdout keeps only results.
 */
import { formatDuration, formatNumber } from './table.ts';

export interface ProgressStream {
  write(text: string): unknown;
  columns?: number;
}

export interface ProgressOptions {
  /** Number of steps when done. */
  total: number;
  /** Steps done before this process started (a resumed run); they do not count for the rate. */
  start?: number;
  /** Word before the counter, such as `train` or `episode`. Default `step`. */
  label?: string;
  /** Draw a bar; otherwise plain lines. */
  bar: boolean;
  stream?: ProgressStream;
  /** Milliseconds now; a test passes its own clock. */
  now?: () => number;
}

const barIntervalMs = 100;
const lineIntervalMs = 10_000;

export class Progress {
  readonly #total: number;
  readonly #label: string;
  readonly #bar: boolean;
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #startTime: number;
  readonly #start: number;
  /** Recent (time, done) pairs for the rate. The first step, which may compile the training step, soon leaves the window. */
  #window: { time: number; done: number }[] = [];
  #done: number;
  #values: Readonly<Record<string, number>> = {};
  #lastShown = Number.NEGATIVE_INFINITY;
  #drawn = false;
  #finished = false;

  constructor(options: ProgressOptions) {
    this.#total = options.total;
    this.#start = options.start ?? 0;
    this.#done = this.#start;
    this.#label = options.label ?? 'step';
    this.#bar = options.bar;
    this.#stream = options.stream ?? process.stderr;
    this.#now = options.now ?? (() => performance.now());
    this.#startTime = this.#now();
    this.#lastShown = options.bar ? Number.NEGATIVE_INFINITY : this.#startTime - lineIntervalMs + 1000; // first line after a second
  }

  /** `done` steps are done. Cheap: most calls draw nothing. */
  update(done: number, values: Readonly<Record<string, number>> = this.#values): void {
    const time = this.#now();
    this.#done = done;
    this.#values = values;
    const last = this.#window.at(-1);
    if (last === undefined || time - last.time >= 500) {
      this.#window.push({ time, done });
      if (this.#window.length > 20) this.#window.shift();
    }
    if (time - this.#lastShown < (this.#bar ? barIntervalMs : lineIntervalMs)) return;
    this.#lastShown = time;
    this.#show(time);
  }

  /** Writes a line of its own above the bar. */
  note(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
    if (this.#bar && !this.#finished) this.#show(this.#now());
  }

  /** Draws the last state and leaves it standing. Later updates are ignored by the terminal; call it once. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#show(this.#now());
    if (this.#bar) this.#stream.write('\n');
    this.#drawn = false;
  }

  #show(time: number): void {
    const line = this.#bar ? this.#barLine(time) : this.#plainLine(time);
    this.#clear();
    this.#stream.write(this.#bar ? line : `${line}\n`);
    this.#drawn = this.#bar;
  }

  #clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[2K');
    this.#drawn = false;
  }

  /** Steps per second over the window, or over the whole run while the window is short. */
  #rate(time: number): number {
    const first = this.#window[0];
    const useWindow = first !== undefined && time - first.time >= 1000 && this.#done > first.done;
    const seconds = (time - (useWindow ? first.time : this.#startTime)) / 1000;
    const steps = this.#done - (useWindow ? first.done : this.#start);
    return seconds > 0 ? steps / seconds : 0;
  }

  #facts(time: number): string[] {
    const rate = this.#rate(time);
    const remaining = this.#total - this.#done;
    const perSecond =
      rate === 0
        ? []
        : [rate >= 1 ? `${formatNumber(Number(rate.toPrecision(3)))}/s` : `${formatDuration(1 / rate)} each`];
    const clock =
      remaining <= 0
        ? [formatDuration((time - this.#startTime) / 1000)]
        : rate > 0
          ? [`${formatDuration(remaining / rate)} left`]
          : [];
    const values = Object.entries(this.#values).map(([name, value]) => `${name} ${formatNumber(value)}`);
    return [...values, ...perSecond, ...clock];
  }

  #plainLine(time: number): string {
    return [`${this.#label} ${this.#done}/${this.#total}`, ...this.#facts(time)].join(' · ');
  }

  /** Never as wide as the terminal: a full line would wrap, and the next redraw would leave rubbish above itself. */
  #barLine(time: number): string {
    const columns = this.#stream.columns && this.#stream.columns > 0 ? this.#stream.columns : 80;
    const room = columns - 1;
    const counter = `${this.#label} ${this.#done}/${this.#total}`;
    const facts = this.#facts(time);
    while (facts.length > 0 && [counter, ...facts].join(' · ').length > room) facts.pop();
    const text = [counter, ...facts].join(' · ');
    const width = Math.min(30, room - text.length - 1);
    if (width < 5) return text.slice(0, Math.max(0, room));
    const share = this.#total > 0 ? Math.min(1, Math.max(0, this.#done / this.#total)) : 1;
    const filled = Math.round(share * width);
    return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
  }
}
