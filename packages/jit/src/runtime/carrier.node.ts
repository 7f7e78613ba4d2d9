/** What lies between a session and the host that calls ONNX Runtime: a worker, or nothing. */
import type { FreeResult, RunBuffers, RunPlaces, StateBuffers } from './host.node.ts';

/** What carries a run to the host and brings its end back. */
export interface Carrier {
  /** Starts a run; the session must not have another one under way. The host keeps the state that it is given. */
  run(
    id: number,
    buffers: RunBuffers,
    places: RunPlaces | undefined,
    state: StateBuffers | undefined,
    end: (outcome: RunOutcome) => void,
  ): void;
  /** Blocks until the host has handed the state over; between runs only. @throws if it is lost */
  takeState(id: number): StateBuffers;
  /** Blocks until something comes back. */
  wait(): void;
  /** Frees the host's side of a session. */
  dispose(id: number): Promise<void>;
  /** Why nothing can be run any more. */
  readonly failure: Error | undefined;
}

/** How a run ended. Buffers that do not come back are lost with the worker. */
export type RunOutcome =
  | { buffers: RunBuffers; free: readonly FreeResult[] }
  | { buffers: RunBuffers; message: string }
  | { lost: Error };
