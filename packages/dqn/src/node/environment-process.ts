/**
 * An environment in another process, such as Gymnasium's Atari games in Python, over its standard input and output.
 *
 *   it begins   {"name": …, "actions": […], "shape": [210, 160, 3], "type": "uint8"}
 *   we ask      {"id": 1, "reset": 7}   or {"id": 1, "reset": null}   or {"id": 2, "step": 3}
 *   it answers  {"id": 1, "bytes": 100800, "reward": 0, "terminated": false, "truncated": false, "info": {"lives": 5}}
 *               and then as many raw bytes: the observation
 *
 * Every message is a line of JSON. `packages/dqn/gymnasium/serve.py` is such a process. Node only.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  checkAction,
  type AnyEnvironment,
  type Info,
  type Observation,
  type Reset,
  type Step,
} from '../environments/environment.ts';

/** A process that did not start, has ended, or answered what is no answer. The training's last checkpoint is whole. */
export class EnvironmentProcessError extends Error {
  override name = 'EnvironmentProcessError';
}

/** Options of {@link connectEnvironment}. */
export interface EnvironmentProcessOptions {
  /** Program and arguments. */
  command: readonly string[];
  /** How long to wait for an answer, in seconds; for the first sign of life at least 60. Default 60. */
  timeoutSeconds?: number;
}

interface Description {
  name: string;
  actions: string[];
  shape: number[];
  type: 'uint8' | 'float32';
}

interface Answer {
  observation: Observation;
  reward: number;
  terminated: boolean;
  truncated: boolean;
  info: Info;
}

/** A line of JSON longer than this is no answer. */
const longestLine = 1 << 16;

/** Starts the process and waits until it has said what it offers. @throws {EnvironmentProcessError} */
export async function connectEnvironment(options: EnvironmentProcessOptions): Promise<AnyEnvironment> {
  const channel = new Channel(options);
  const description = channel.check(await channel.line('its description', 60), describe);
  return new ProcessEnvironment(channel, description);
}

class ProcessEnvironment implements AnyEnvironment {
  readonly name: string;
  readonly space;
  readonly actions: readonly string[];
  readonly #channel: Channel;
  #running = false;
  #id = 0;

  constructor(channel: Channel, { name, actions, shape, type }: Description) {
    this.#channel = channel;
    this.name = name;
    this.actions = actions;
    this.space = { shape, type };
  }

  async reset(seed?: number): Promise<Reset> {
    const { observation, info } = await this.#ask({ reset: seed ?? null });
    this.#running = true;
    return { observation, info };
  }

  async step(action: number): Promise<Step> {
    checkAction(this, action);
    if (!this.#running) throw new Error(`${this.name}: a move arrived outside of an episode; call reset() first.`);
    const answer = await this.#ask({ step: action });
    if (answer.terminated || answer.truncated) this.#running = false;
    return answer;
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  async #ask(question: Record<string, unknown>): Promise<Answer> {
    const id = ++this.#id;
    const channel = this.#channel;
    channel.send({ id, ...question });
    const what = `the answer to ${JSON.stringify(question)}`;
    const size = this.space.shape.reduce((product, each) => product * each, 1) * (this.space.type === 'uint8' ? 1 : 4);
    const { bytes, ...answer } = channel.check(await channel.line(what), (message) => answerOf(message, id, size));
    return { ...answer, observation: observationOf(await channel.bytes(bytes, what), this.space.type) };
  }
}

/** The process and what it has written so far. */
class Channel {
  readonly #command: string;
  readonly #timeout: number;
  readonly #process: ChildProcessWithoutNullStreams;
  #pieces: Buffer[] = [];
  #length = 0;
  #errors = '';
  #ended: string | undefined;
  #wake: (() => void) | undefined;

  constructor({ command, timeoutSeconds = 60 }: EnvironmentProcessOptions) {
    const [program, ...args] = command;
    if (program === undefined || program === '') {
      throw new EnvironmentProcessError(
        "environment process: no program arrived; give one and its arguments, such as ['python3', 'serve.py'].",
      );
    }
    this.#command = command.join(' ');
    this.#timeout = timeoutSeconds;
    this.#process = spawn(program, args, { stdio: 'pipe' });
    const end = (reason: string): void => {
      this.#ended ??= reason;
      this.#wake?.();
    };
    this.#process.on('error', (error) => end(`did not start (${error.message})`));
    this.#process.on('close', (code, signal) =>
      end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
    this.#process.stdout.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
      this.#wake?.();
    });
    this.#process.stderr.on('data', (piece: Buffer) => {
      this.#errors = (this.#errors + piece.toString()).slice(-2000);
    });
    this.#process.stdin.on('error', () => {}); // The end of the process says it better.
  }

  send(message: object): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** The next line, waited for the timeout or for `leastSeconds`. */
  async line(what: string, leastSeconds = 0): Promise<string> {
    let end = -1;
    await this.#until(what, leastSeconds, () => {
      end = this.#joined().indexOf(10);
      if (end < 0 && this.#length > longestLine) throw this.#error(`wrote ${this.#length} bytes without a line's end`);
      return end >= 0;
    });
    return this.#take(end + 1)
      .subarray(0, -1)
      .toString();
  }

  /** The next bytes. */
  async bytes(count: number, what: string): Promise<Buffer> {
    await this.#until(what, 0, () => this.#length >= count);
    return this.#take(count);
  }

  /** What `read` makes of a line of JSON; what it finds odd becomes an error. */
  check<T>(line: string, read: (message: Record<string, unknown>) => T | string): Exclude<T, string> {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      throw this.#error(`wrote a line that is no JSON: ${shortened(line)}`);
    }
    const found =
      typeof message === 'object' && message !== null ? read(message as Record<string, unknown>) : 'is no object';
    if (typeof found === 'string') throw this.#error(`wrote ${shortened(line)}, which ${found}`);
    return found as Exclude<T, string>;
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closed = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill(), 1000);
    await closed;
    clearTimeout(timer);
  }

  async #until(what: string, leastSeconds: number, arrived: () => boolean): Promise<void> {
    const seconds = Math.max(this.#timeout, leastSeconds);
    const deadline = performance.now() + seconds * 1000;
    while (!arrived()) {
      if (this.#ended !== undefined) throw this.#error(`${this.#ended} before ${what} had come`);
      const left = deadline - performance.now();
      if (left <= 0) throw this.#error(`has not written ${what} within ${seconds} seconds`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  #joined(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #take(count: number): Buffer {
    const all = this.#joined();
    this.#pieces = count === all.length ? [] : [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }

  /** Ends the process: after nonsense, nothing that it writes can be trusted. */
  #error(what: string): EnvironmentProcessError {
    if (this.#ended === undefined) this.#process.kill();
    this.#ended ??= 'was ended by us after an error';
    const said = this.#errors.trim() === '' ? '' : ` It last said: ${shortened(this.#errors.trim().slice(-500))}`;
    return new EnvironmentProcessError(
      `environment process: '${this.#command}' ${what}; run the command by hand to see why.${said}`,
    );
  }
}

function describe(message: Record<string, unknown>): Description | string {
  const { name, actions, shape, type } = message;
  if (typeof name !== 'string') return 'has no "name"';
  if (!Array.isArray(actions) || actions.length === 0 || !actions.every((action) => typeof action === 'string')) {
    return 'has no "actions", a list of names';
  }
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    return 'has no "shape", a list of sizes';
  }
  if (type !== 'uint8' && type !== 'float32') return 'has no "type", uint8 or float32';
  return { name, actions: actions as string[], shape: shape as number[], type };
}

function answerOf(
  message: Record<string, unknown>,
  id: number,
  size: number,
): (Omit<Answer, 'observation'> & { bytes: number }) | string {
  const { bytes, reward = 0, terminated = false, truncated = false, info = {} } = message;
  if (message['error'] !== undefined) return 'says that it failed';
  if (message['id'] !== id) return `does not answer question ${id}`;
  if (bytes !== size) return `announces ${String(bytes)} bytes where an observation has ${size}`;
  if (typeof reward !== 'number' || !Number.isFinite(reward)) return 'has no finite "reward"';
  if (typeof terminated !== 'boolean' || typeof truncated !== 'boolean') return 'has no true or false for its end';
  if (typeof info !== 'object' || info === null || !Object.values(info).every((value) => typeof value === 'number')) {
    return 'has an "info" that is not numbers by name';
  }
  return { bytes, reward, terminated, truncated, info: info as Info };
}

function observationOf(bytes: Buffer, type: 'uint8' | 'float32'): Observation {
  const own = Uint8Array.from(bytes);
  return type === 'uint8' ? own : new Float32Array(own.buffer);
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text);
}
