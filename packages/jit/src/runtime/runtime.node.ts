/** ONNX Runtime in Node: in a worker thread, or on the calling thread. */
import { createRequire } from 'node:module';
import type { GraphArray, GraphDtype } from '../graph/value.ts';
import type { Carrier } from './carrier.node.ts';
import { checkFeeds } from './checks.node.ts';
import { createDeviceHost, deviceOptions } from './device-host.node.ts';
import { explainFailure, RuntimeUnavailableError } from './errors.ts';
import {
  createHost,
  type BindingModule,
  type Host,
  type ModelDescription,
  type NativeTensor,
  type StateBuffers,
  type StatePlace,
} from './host.node.ts';
import { bindingModule, explainLoadFailure, findOnnxruntime, inspectOnnxruntime } from './onnxruntime-package.node.ts';
import type {
  ExecutionOptions,
  ExecutionProvider,
  GraphSession,
  HostTensor,
  Runtime,
  RuntimeOptions,
  SessionOptions,
  SyncRuntime,
  SyncSession,
} from './runtime.ts';
import { placeState } from './places.node.ts';
import { Session } from './session.node.ts';
import { physicalCores } from './threads.node.ts';
import { startWorker } from './worker-carrier.node.ts';

export { runtimeAvailability } from './onnxruntime-package.node.ts';
export { probeBlockedLayout } from './probe.node.ts';

/**
 * Loads ONNX Runtime and gets it ready.
 *
 * @throws RuntimeUnavailableError where it is not installed, has another version, or does not load
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { thread = 'worker', provider = 'cpu', ...execution } = options;
  checkThreads(execution.threads);
  const found = locate('createRuntime');
  if (thread === 'inline') {
    const carrier = new InlineCarrier(loadHost('createRuntime', found.module, provider));
    return new NodeRuntime(found.version, provider, execution, carrier);
  }
  try {
    return new NodeRuntime(found.version, provider, execution, await startWorker(found.module, makers[provider]));
  } catch (error) {
    throw unavailable('createRuntime', error);
  }
}

/**
 * ONNX Runtime on the calling thread, without state and without waiting, for operations that run one at a time.
 *
 * @throws RuntimeUnavailableError where it is not installed, has another version, or does not load
 */
export function createSyncRuntime(options: ExecutionOptions = {}): SyncRuntime {
  checkThreads(options.threads);
  const { version, module } = locate('createSyncRuntime');
  const host = loadHost('createSyncRuntime', module, 'cpu');
  const live = new Set<number>();
  let disposed = false;
  return {
    version,
    createSession(model, sessionOptions = {}) {
      if (disposed) throw new Error('createSession: this runtime was disposed; create a new one.');
      const id = nextId++;
      const description = attempt('createSession', () =>
        host.create(id, model, nativeOptions({ ...options, ...sessionOptions }), []),
      );
      live.add(id);
      return syncSession(host, id, description, () => live.delete(id));
    },
    dispose() {
      disposed = true;
      for (const id of live) host.dispose(id);
      live.clear();
    },
  };
}

/**
 * What compiled steps run on: the variable `MILESTONES_ONNX_PROVIDER`, or the processor.
 *
 * @throws Error if the variable names neither
 */
export function requestedProvider(): ExecutionProvider {
  const name = process.env['MILESTONES_ONNX_PROVIDER'] || 'cpu';
  if (name === 'cpu' || name === 'webgpu') return name;
  throw new Error(`MILESTONES_ONNX_PROVIDER: '${name}' arrived; give 'cpu' or 'webgpu', or leave it unset.`);
}

let nextId = 0;

function syncSession(host: Host, id: number, description: ModelDescription, forget: () => boolean): SyncSession {
  const { inputs, outputs } = description;
  let disposed = false;
  return {
    inputs,
    outputs,
    run(feeds) {
      if (disposed) throw new Error('run: this session was disposed; create a new one.');
      checkFeeds(inputs, feeds);
      const given: Record<string, NativeTensor> = {};
      for (const { name } of inputs) {
        const { dtype, shape, data } = feeds[name]!;
        given[name] = { type: dtype, dims: shape, location: 'cpu', data };
      }
      const computed = attempt('run', () => host.runDirectly(id, given));
      const results: Record<string, HostTensor> = {};
      for (const { name } of outputs) {
        const { type, dims, data } = computed[name]!;
        results[name] = { dtype: type as GraphDtype, shape: dims, data: data as GraphArray };
      }
      return results;
    },
    dispose() {
      disposed = true;
      if (forget()) host.dispose(id);
    },
  };
}

/** Runs on the calling thread. */
class InlineCarrier implements Carrier {
  failure: Error | undefined;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async create(
    id: number,
    model: Uint8Array,
    options: object,
    state: readonly StatePlace[],
  ): Promise<ModelDescription> {
    return this.#host.create(id, model, options, state);
  }

  run(...[id, buffers, places, state, end]: Parameters<Carrier['run']>): void {
    let message: string;
    try {
      const free = this.#host.run(id, buffers, places, state);
      end({ buffers, free });
      return;
    } catch (error) {
      message = messageOf(error);
    }
    end({ buffers, message });
  }

  wait(): void {}

  takeState(id: number): StateBuffers {
    return this.#host.takeState(id);
  }

  async dispose(id: number): Promise<void> {
    this.#host.dispose(id);
  }

  async end(): Promise<void> {
    this.failure ??= new Error('runtime: it was disposed; create a new one.');
  }
}

class NodeRuntime implements Runtime {
  readonly version: string;
  readonly thread: 'worker' | 'inline';
  readonly provider: ExecutionProvider;
  readonly #options: ExecutionOptions;
  readonly #carrier: InlineCarrier | Awaited<ReturnType<typeof startWorker>>;
  readonly #sessions = new Set<Session>();
  #disposal: Promise<void> | undefined;

  constructor(
    version: string,
    provider: ExecutionProvider,
    options: ExecutionOptions,
    carrier: InlineCarrier | Awaited<ReturnType<typeof startWorker>>,
  ) {
    this.version = version;
    this.thread = carrier instanceof InlineCarrier ? 'inline' : 'worker';
    this.provider = provider;
    this.#options = options;
    this.#carrier = carrier;
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<GraphSession> {
    if (this.#disposal !== undefined) throw new Error('createSession: this runtime was disposed; create a new one.');
    if (this.#carrier.failure !== undefined) throw this.#carrier.failure;
    const { state = [], hostNodes = [], ...execution } = options;
    checkThreads(execution.threads);
    const part = this.provider === 'webgpu' ? state.find(({ inside }) => inside !== undefined) : undefined;
    if (part !== undefined) {
      throw new Error(`createSession: ${part.input} is a part of another state; on a GPU give each state of its own.`);
    }
    const id = nextId++;
    const places = placeState(state);
    const settings = {
      ...nativeOptions({ ...this.#options, ...execution }),
      ...(this.provider === 'webgpu' && deviceOptions(hostNodes)),
    };
    let description: ModelDescription;
    try {
      description = await this.#carrier.create(id, model, settings, places);
    } catch (error) {
      throw this.#carrier.failure ?? explainFailure('createSession', messageOf(error));
    }
    try {
      const session = new Session(id, this.#carrier, description, state, places, this.thread === 'inline');
      this.#sessions.add(session);
      session.disposed.then(() => this.#sessions.delete(session));
      return session;
    } catch (error) {
      await this.#carrier.dispose(id);
      throw error;
    }
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.dispose()));
    await this.#carrier.end();
  }
}

function locate(where: string): { version: string; module: string } {
  const folder = findOnnxruntime();
  const found = inspectOnnxruntime(folder);
  if (!found.usable) throw new RuntimeUnavailableError(where, found.reason, found.remedy);
  return { version: found.version, module: bindingModule(folder!) };
}

const makers = { cpu: createHost, webgpu: createDeviceHost };
const hosts: { [provider in ExecutionProvider]?: Host } = {};

/** One host serves everything on this thread. */
function loadHost(where: string, module: string, provider: ExecutionProvider): Host {
  try {
    return (hosts[provider] ??= makers[provider](createRequire(import.meta.url)(module) as BindingModule));
  } catch (error) {
    throw unavailable(where, error);
  }
}

function unavailable(where: string, error: unknown): Error {
  const { reason, remedy } = explainLoadFailure(messageOf(error));
  return new RuntimeUnavailableError(where, reason, remedy);
}

/** Only the fatal reaches the console: what fails is thrown, and would be said twice. */
const FATAL = 4;

/**
 * How long a thread spins for its next task before it sleeps. ONNX Runtime's own millisecond is only right for a machine
 * that does nothing else: with two other programs on two cores, a GPT step took 120–260 ms with it, 65–110 ms with this.
 */
const SPIN_MICROSECONDS = '20';

/** The binding's session options. */
function nativeOptions(options: ExecutionOptions): object {
  const { threads = physicalCores(), spinning = 'run', optimization = 'all', sessionOptions = {} } = options;
  return {
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: true,
    enableMemPattern: true,
    logSeverityLevel: FATAL,
    ...sessionOptions,
    extra: {
      session: {
        intra_op: {
          allow_spinning: spinning === 'never' ? '0' : '1',
          ...(spinning === 'run' && { spin_duration_us: SPIN_MICROSECONDS }),
        },
        force_spinning_stop: spinning === 'run' ? '1' : '0',
      },
      ...(sessionOptions['extra'] as object | undefined),
    },
  };
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 1024)) return;
  throw new Error(`threads: ${threads} arrived; give a whole number from 1 on, or leave it out for one per core.`);
}

function attempt<Result>(where: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw explainFailure(where, messageOf(error));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
