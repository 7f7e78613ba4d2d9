export type { GraphDtype, Value } from './graph/value.ts';
export { createRuntime, createSyncRuntime, probeBlockedLayout, runtimeAvailability } from '#runtime';
export { RuntimeLostError, RuntimeUnavailableError } from './runtime/errors.ts';
export type {
  ExecutionOptions,
  GraphSession,
  HostTensor,
  Runtime,
  RuntimeAvailability,
  RuntimeOptions,
  SessionOptions,
  StateSlot,
  SyncRuntime,
  SyncSession,
  TensorDescription,
} from './runtime/runtime.ts';
