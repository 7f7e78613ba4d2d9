/** In a browser there is no ONNX Runtime for compiled steps yet: other engines train there. */
import type { Target } from '../graph/target.ts';
import { RuntimeUnavailableError } from './errors.ts';
import type {
  ExecutionOptions,
  ExecutionProvider,
  Runtime,
  RuntimeAvailability,
  RuntimeOptions,
  SyncRuntime,
} from './runtime.ts';

const reason = 'compiled steps run on the package onnxruntime-node, which runs in Node only, and this is a browser.';
const remedy = "Choose 'webgpu', 'wasm' or 'cpu'.";

/** Says that there is none. */
export function runtimeAvailability(): RuntimeAvailability {
  return { usable: false, reason, remedy };
}

/** A page has no variables of an environment. */
export function requestedProvider(): ExecutionProvider {
  return 'cpu';
}

/** @throws RuntimeUnavailableError always */
export async function createRuntime(_options?: RuntimeOptions): Promise<Runtime> {
  throw new RuntimeUnavailableError('createRuntime', reason, remedy);
}

/** @throws RuntimeUnavailableError always */
export function createSyncRuntime(_options?: ExecutionOptions): SyncRuntime {
  throw new RuntimeUnavailableError('createSyncRuntime', reason, remedy);
}

/** @throws RuntimeUnavailableError always */
export async function probeBlockedLayout(): Promise<Target> {
  throw new RuntimeUnavailableError('probeBlockedLayout', reason, remedy);
}
