/**
 * A process that runs one side of a comparison. It speaks in lines of JSON:
 *
 *   it says   { "ready": { … } }                          when the first step is done; or { "skip": "reason" }
 *   we say    { "steps": 20 }         it says   { "milliseconds": [ … ], "loss": 1.2 }
 *   we say    {}                      it says   { "peakMB": 250 } and ends
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** See the file's head. */
export class Side {
  #process;
  #lines;
  #failure;

  /** What the process said when it was ready. */
  ready;
  /** Why the process cannot take part. */
  skip;

  /** Starts a side and waits until it has done its first step. */
  static async start(command, args, environment = {}) {
    const side = new Side();
    await side.#start(command, args, environment);
    return side;
  }

  async #start(command, args, environment) {
    this.#process = spawn(command, args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process.on('error', (error) => (this.#failure = error));
    this.#process.stdin.on('error', () => {}); // The process has ended: the next read says so.
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    const message = await this.#read();
    this.ready = message.ready;
    this.skip = message.skip;
  }

  /** Runs `steps` steps. @returns {Promise<{ milliseconds: number[], loss: number }>} */
  async run(steps, options = {}) {
    this.#write({ steps, ...options });
    return this.#read();
  }

  /** Ends the process. @returns {Promise<{ peakMB: number }>} */
  async close() {
    this.#write({});
    return this.#read();
  }

  /** Ends the process, whatever it is doing. */
  kill() {
    this.#process.kill('SIGKILL');
  }

  #write(message) {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async #read() {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) {
        const why = this.#failure?.message ?? 'its last words are above';
        throw new Error(`bench: ${this.#process.spawnargs.join(' ')} ended before it answered (${why}).`);
      }
      if (value.startsWith('{')) return JSON.parse(value); // Anything else is chatter of a library.
    }
  }
}
