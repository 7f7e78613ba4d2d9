/** The main thread's end of the worker. */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { Carrier } from './carrier.node.ts';
import { explainFailure, RuntimeLostError } from './errors.ts';
import { createHost, type ModelDescription, type StateBuffers, type StatePlace } from './host.node.ts';
import {
  ENDED,
  REPLIES,
  workerSource,
  type Reply,
  type Request,
  type WorkerData,
  type MakeHost,
} from './worker.node.ts';

/** How long a blocked main thread sleeps before it looks whether the worker still lives. */
const LOOK_MILLISECONDS = 200;

/**
 * Workers that live. A process that exits ends its threads, and one that is inside ONNX Runtime at that moment takes the
 * whole process down with an abort, exit code and all. So the exit waits for the run under way.
 */
const living = new Set<WorkerCarrier>();
let watchingExit = false;

function waitBeforeExit(): void {
  if (watchingExit) return;
  watchingExit = true;
  process.on('exit', () => {
    for (const carrier of living) carrier.settle();
  });
}

interface Expected {
  settle(reply: Reply): void;
  lose(error: Error): void;
}

/** See {@link startWorker}. */
export class WorkerCarrier implements Carrier {
  failure: Error | undefined;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal: Int32Array;
  /** Whoever waits for a reply, by session; −1 is the start. */
  readonly #expected = new Map<number, Expected>();
  readonly #exit: Promise<void>;
  #ending = false;

  constructor(worker: Worker, port: MessagePort, signal: Int32Array) {
    this.#worker = worker;
    this.#port = port;
    this.#signal = signal;
    living.add(this);
    waitBeforeExit();
    port.on('message', (reply: Reply) => this.#receive(reply));
    port.on('messageerror', (error) => this.#lose(`its answer could not be read (${error.message})`));
    worker.on('error', (error) => this.#lose(explainWorkerError(error)));
    this.#exit = new Promise((resolve) => {
      worker.on('exit', (code) => {
        living.delete(this);
        if (!this.#ending) this.#lose(`it exited with code ${code}`);
        resolve();
      });
    });
  }

  /** Waits until ONNX Runtime is loaded. */
  ready(): Promise<void> {
    return this.#expect(-1).then(() => {});
  }

  async create(
    id: number,
    model: Uint8Array,
    options: object,
    state: readonly StatePlace[],
  ): Promise<ModelDescription> {
    const reply = await this.#ask({ kind: 'create', id, model, options, state });
    return (reply as Reply & { kind: 'created' }).description;
  }

  run(...[id, buffers, places, state, end]: Parameters<Carrier['run']>): void {
    this.#await(id, {
      settle: (reply) => {
        if (reply.kind === 'ran') end({ buffers: reply.buffers, free: reply.free });
        else if (reply.kind === 'run failed') end({ buffers: reply.buffers, message: reply.message });
      },
      lose: (error) => end({ lost: error }),
    });
    const owned = [buffers.feeds];
    if (buffers.results !== undefined) owned.push(buffers.results);
    if (state !== undefined) owned.push(state.fixed, state.current, state.next);
    this.#send({ kind: 'run', id, buffers, places, state }, owned);
  }

  takeState(id: number): StateBuffers {
    // While the process exits nothing new begins, but state can still be saved.
    if (this.failure instanceof RuntimeLostError) throw this.failure;
    const outcome: { state?: StateBuffers; error?: Error } = {};
    this.#await(id, {
      settle: (reply) => {
        if (reply.kind === 'taken') outcome.state = reply.state;
        else if (reply.kind === 'failed') outcome.error = explainFailure('readState', reply.message);
      },
      lose: (error) => (outcome.error = error),
    });
    this.#send({ kind: 'take', id });
    while (outcome.state === undefined && outcome.error === undefined) this.wait();
    if (outcome.state === undefined) throw outcome.error;
    return outcome.state;
  }

  wait(): void {
    for (;;) {
      // Read before looking for a reply: one that comes in between then ends the wait at once.
      const replies = Atomics.load(this.#signal, REPLIES);
      const received = receiveMessageOnPort(this.#port) as { message: Reply } | undefined;
      if (received !== undefined) {
        this.#receive(received.message);
        return;
      }
      if (Atomics.load(this.#signal, ENDED) === 1) {
        this.#lose('it exited');
        return;
      }
      Atomics.wait(this.#signal, REPLIES, replies, LOOK_MILLISECONDS);
    }
  }

  /** Blocks until nothing is under way, and lets nothing new begin. */
  settle(): void {
    this.failure ??= new Error('runtime: the process is exiting.');
    while (this.#expected.size > 0 && Atomics.load(this.#signal, ENDED) === 0) this.wait();
  }

  async dispose(id: number): Promise<void> {
    await this.#ask({ kind: 'dispose', id });
  }

  /** Ends the worker; nothing may be under way. */
  async end(): Promise<void> {
    this.#ending = true;
    this.failure ??= new Error('runtime: it was disposed; create a new one.');
    // Alive until the worker has gone, so that whoever waits for the end sees it.
    this.#worker.ref();
    this.#send({ kind: 'end' });
    await this.#exit;
    this.#port.close();
  }

  #expect(id: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#await(id, {
        settle: (reply) => {
          if (reply.kind === 'failed') reject(new Error(reply.message));
          else resolve(reply);
        },
        lose: reject,
      });
    });
  }

  #ask(request: Request & { id: number }): Promise<Reply> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const reply = this.#expect(request.id);
    this.#send(request);
    return reply;
  }

  #send(request: Request, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(request, transfer);
  }

  /** Whoever waits keeps the process alive; an idle worker does not. */
  #await(id: number, expected: Expected): void {
    if (this.#expected.size === 0) {
      this.#worker.ref();
      this.#port.ref();
    }
    this.#expected.set(id, expected);
  }

  #receive(reply: Reply): void {
    const id = reply.kind === 'ready' ? -1 : reply.id;
    const expected = this.#expected.get(id);
    this.#forget(id);
    expected?.settle(reply);
  }

  #forget(id: number): void {
    this.#expected.delete(id);
    if (this.#expected.size > 0) return;
    this.#worker.unref();
    this.#port.unref();
  }

  #lose(why: string): void {
    const failure = (this.failure ??= new RuntimeLostError(
      `runtime: the worker thread that runs ONNX Runtime is gone: ${why}. ` +
        'What it was computing is lost with its state; create a new runtime and continue from a checkpoint.',
    ));
    for (const [id, { lose }] of this.#expected) {
      this.#forget(id);
      lose(failure);
    }
  }
}

/** Starts a worker and loads ONNX Runtime in it. */
export async function startWorker(bindingModule: string, makeHost: MakeHost = createHost): Promise<WorkerCarrier> {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(workerSource(makeHost), {
    eval: true,
    name: 'milestones-onnxruntime',
    workerData: { port: port2, signal, bindingModule } satisfies WorkerData,
    transferList: [port2],
    // Loaders and flags that the program was started with have no place in the worker.
    execArgv: [],
    // Each run leaves a little garbage. Without a limit the young generation grows by some 50 MB before V8 collects it.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const carrier = new WorkerCarrier(worker, port1, signal);
  await carrier.ready();
  return carrier;
}

function explainWorkerError(error: Error & { code?: string }): string {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it ran out of memory';
  return explainFailure('worker', error.message).message;
}
