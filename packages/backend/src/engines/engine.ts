/** What an engine is: its names, what choosing one returns, and what each engine's file provides. */

/** The engines in the order in which `auto` tries them: the fastest first, the one that always works last. */
export const ENGINE_NAMES = ['cuda', 'webgpu', 'native', 'onnx', 'wasm', 'cpu'] as const;

/** The name of an engine, as a program or the variable `MILESTONES_BACKEND` gives it. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** An engine that was tried and cannot be used, with the reason in one sentence and what to do about it. */
export interface EngineRejection {
  name: EngineName;
  reason: string;
}

/** The engine in use. */
export interface Engine {
  name: EngineName;
  /** The name of the tfjs backend behind it: what `tf.getBackend()` returns. */
  tfjsBackend: string;
  /** The version of the package that holds the engine. */
  version: string;
  /** The engines that `auto` tried before this one, in order; empty if this one was asked for by name. */
  rejected: EngineRejection[];
  /** Something that the user should know about this engine, such as a GPU that is only simulated. */
  warning?: string;
}

/** Settings of `useBackend`. */
export interface EngineOptions {
  /**
   * Where a browser finds the WebAssembly files of `@tensorflow/tfjs-backend-wasm`: a folder's address that ends in `/`,
   * or an address per file name. Bundlers rename files, so a bundled page nearly always needs it. Node needs none. Only
   * the first attempt to use the engine reads it.
   */
  wasmPaths?: string | Record<string, string>;
}

/** What loading an engine came to. */
export type EngineAvailability =
  | { usable: true; version: string; warning?: string }
  | { usable: false; reason: string; remedy: string };

/** How an engine is being asked for. */
export interface EngineRequest extends EngineOptions {
  /** True if a user named the engine: it may then be one that `auto` passes over, such as a simulated GPU. */
  explicit: boolean;
}

/** One engine: where it is in tfjs, and how to load it. */
export interface EngineDefinition {
  name: EngineName;
  tfjsBackend: string;
  /** What it is, in a few words. */
  description: string;
  /**
   * Loads the engine's package and registers its tfjs backend, or says why that cannot be. It never throws for something
   * that is merely absent.
   */
  load(request: EngineRequest): Promise<EngineAvailability>;
  /** Replaces what the tfjs backend gets wrong; called whenever it has become the current one. */
  repair?(): void;
}

/** The engine that was asked for by name cannot be used here; the message gives the reason and the remedy. */
export class EngineUnavailableError extends Error {
  readonly engine: EngineName;
  readonly reason: string;
  readonly remedy: string;

  constructor(where: string, engine: EngineName, reason: string, remedy: string) {
    super(`${where}: the engine '${engine}' cannot be used here: ${reason} ${remedy}`);
    this.name = 'EngineUnavailableError';
    this.engine = engine;
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** The first line of an error's message, ended like a sentence: what follows is usually a stack or advice. */
export function firstLine(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
