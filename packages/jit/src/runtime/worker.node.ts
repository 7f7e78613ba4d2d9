/** The worker: takes messages from a port and answers each. Like the host, the functions here travel as source text. */
import type { MessagePort } from 'node:worker_threads';
import type {
  BindingModule,
  FreeResult,
  Host,
  ModelDescription,
  RunBuffers,
  RunPlaces,
  StateBuffers,
  StatePlace,
} from './host.node.ts';

/** What the main thread asks. */
export type Request =
  | { kind: 'create'; id: number; model: Uint8Array; options: object; state: readonly StatePlace[] }
  | { kind: 'run'; id: number; buffers: RunBuffers; places: RunPlaces | undefined; state: StateBuffers | undefined }
  | { kind: 'take'; id: number }
  | { kind: 'dispose'; id: number }
  | { kind: 'end' };

/** What the worker answers; `failed` belongs to whatever was asked. A run's buffers come back in every case, state only when it is taken. */
export type Reply =
  | { kind: 'ready' }
  | { kind: 'created'; id: number; description: ModelDescription }
  | { kind: 'ran'; id: number; buffers: RunBuffers; free: readonly FreeResult[] }
  | { kind: 'run failed'; id: number; buffers: RunBuffers; message: string }
  | { kind: 'taken'; id: number; state: StateBuffers }
  | { kind: 'failed'; id: number; message: string }
  | { kind: 'disposed'; id: number };

/** What the worker is started with. */
export interface WorkerData {
  readonly port: MessagePort;
  /** [0] counts replies, so that the main thread can wait for one; [1] is 1 when the worker has ended. */
  readonly signal: Int32Array;
  readonly bindingModule: string;
}

/** Loads the side that calls ONNX Runtime. */
export type MakeHost = (onnxruntime: BindingModule) => Host;

/** Positions in {@link WorkerData.signal}. */
export const REPLIES = 0;
export const ENDED = 1;

function serve({ port, signal, bindingModule }: WorkerData, load: (file: string) => unknown, makeHost: MakeHost): void {
  const wake = (): void => {
    Atomics.add(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
  const reply = (message: Reply, transfer: ArrayBuffer[] = []): void => {
    port.postMessage(message, transfer);
    wake();
  };
  process.on('exit', () => {
    Atomics.store(signal, 1, 1);
    wake();
  });
  const explain = (error: unknown): string => (error instanceof Error ? error.message : String(error));

  let host: Host;
  try {
    host = makeHost(load(bindingModule) as BindingModule);
  } catch (error) {
    reply({ kind: 'failed', id: -1, message: explain(error) });
    port.close();
    return;
  }

  const owned = ({ feeds, results }: RunBuffers): ArrayBuffer[] => (results === undefined ? [feeds] : [feeds, results]);
  port.on('message', (request: Request) => {
    if (request.kind === 'end') {
      port.close();
      return;
    }
    const { kind, id } = request;
    try {
      if (kind === 'create') {
        const { model, options, state } = request;
        reply({ kind: 'created', id, description: host.create(id, model, options, state) });
      } else if (kind === 'run') {
        const { buffers, places, state } = request;
        const free = host.run(id, buffers, places, state);
        reply({ kind: 'ran', id, buffers, free }, owned(buffers));
      } else if (kind === 'take') {
        const state = host.takeState(id);
        reply({ kind: 'taken', id, state }, [state.fixed, state.current, state.next]);
      } else {
        host.dispose(id);
        reply({ kind: 'disposed', id });
      }
    } catch (error) {
      const message = explain(error);
      if (kind === 'run') {
        const { buffers } = request;
        reply({ kind: 'run failed', id, buffers, message }, owned(buffers));
      } else reply({ kind: 'failed', id, message });
    }
  });
  reply({ kind: 'ready' });
}

/** The worker's program. `makeHost` travels as source text too, and must use nothing from outside itself. */
export function workerSource(makeHost: MakeHost): string {
  // Some compilers wrap functions in calls of a helper of this name, which the text then refers to.
  return `'use strict';
var __name = (target) => target;
(${serve.toString()})(require('node:worker_threads').workerData, require, ${makeHost.toString()});`;
}
