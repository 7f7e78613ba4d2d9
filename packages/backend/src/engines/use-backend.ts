/**
 * The choice of an engine.
 *   useBackend()       switches to the engine that is asked for, or to the best one that this machine can use
 *   currentEngine()    says which one is in use
 *   diagnoseEngines()  tries all of them and says what each one lacks
 */
import { platform } from '#engines-platform';
import { installGradientRepairs } from '../repairs/index.ts';
import { tf } from '../tf.ts';
import { cpu } from './cpu.ts';
import {
  ENGINE_NAMES,
  EngineUnavailableError,
  firstLine,
  type Engine,
  type EngineAvailability,
  type EngineDefinition,
  type EngineName,
  type EngineOptions,
  type EngineRejection,
  type EngineRequest,
} from './engine.ts';
import { onnx } from './onnx.ts';
import { cuda, native } from './tensorflow.ts';
import { wasm } from './wasm.ts';
import { webgpu } from './webgpu.ts';

const DEFINITIONS: Record<EngineName, EngineDefinition> = { cuda, webgpu, native, onnx, wasm, cpu };

/** What an engine can do on this machine. */
export interface EngineDiagnosis {
  name: EngineName;
  description: string;
  usable: boolean;
  /** True for the engine that `auto` chooses here. */
  automatic: boolean;
  /** Of a usable engine: the version of its package. */
  version?: string;
  /** Of a usable engine: something to know about it. */
  warning?: string;
  /** Of an engine that cannot be used: the exact piece that is missing. */
  reason?: string;
  /** Of an engine that cannot be used: what to do about it. */
  remedy?: string;
}

let current: Engine | undefined;

/** Switching awaits, and two switches at once would leave tfjs between them: each waits for the one before. */
let lastSwitch: Promise<unknown> = Promise.resolve();

/**
 * Switches to an engine; all tensor operations then run there. Choose it before making tensors: those of the engine
 * before are copied when an operation first meets them, and `webgpu` cannot give its tensors away in this manner.
 *
 * `auto` takes the first that works of cuda, webgpu (only with a real GPU), native, onnx, wasm, cpu. An engine's package
 * is loaded when the engine is tried, never before. A second call switches again.
 *
 * @param name an engine or `auto`; if it is not given, `MILESTONES_BACKEND` decides, and without that `auto`
 * @param options where a browser finds the files that an engine needs
 * @returns the engine, with the reasons against those that came before it in the order
 * @throws Error if there is no engine of that name
 * @throws EngineUnavailableError if the engine was asked for by name and cannot be used; the one before stays in use
 */
export async function useBackend(name?: EngineName | 'auto', options: EngineOptions = {}): Promise<Engine> {
  const fromVariable = name === undefined ? platform.requestedEngine() : undefined;
  const where = fromVariable === undefined ? 'useBackend' : 'MILESTONES_BACKEND';
  const wanted = checkName(where, name ?? fromVariable ?? 'auto');
  return afterLastSwitch(() => (wanted === 'auto' ? chooseBest(options) : chooseNamed(where, wanted, options)));
}

/**
 * The engine in use, or nothing if {@link useBackend} has not been called, or if the program has since switched tfjs
 * itself to another backend.
 */
export function currentEngine(): Engine | undefined {
  return current !== undefined && tf.engine().backendName === current.tfjsBackend ? current : undefined;
}

/**
 * Tries every engine and says which ones this machine can use and what each other one lacks. The engine in use before
 * is in use after.
 */
export async function diagnoseEngines(options: EngineOptions = {}): Promise<EngineDiagnosis[]> {
  return afterLastSwitch(async () => {
    const before = tf.engine().backendName;
    const diagnoses: EngineDiagnosis[] = [];
    let automatic: EngineName | undefined;
    for (const name of ENGINE_NAMES) {
      const { description } = DEFINITIONS[name];
      const availability = await start(name, { ...options, explicit: false });
      if (availability.usable) automatic ??= name;
      const { usable, ...details } = availability;
      diagnoses.push({ name, description, usable, automatic: automatic === name, ...details });
    }
    await restore(before);
    return diagnoses;
  });
}

async function chooseBest(options: EngineOptions): Promise<Engine> {
  const rejected: EngineRejection[] = [];
  for (const name of ENGINE_NAMES) {
    const availability = await start(name, { ...options, explicit: false });
    if (availability.usable) return setCurrent(name, availability, rejected);
    rejected.push({ name, reason: `${availability.reason} ${availability.remedy}` });
  }
  // Unreachable in practice: the last engine is part of tfjs.
  throw new Error(`useBackend: no engine works here; ${rejected.map((one) => `${one.name}: ${one.reason}`).join(' ')}`);
}

async function chooseNamed(where: string, name: EngineName, options: EngineOptions): Promise<Engine> {
  const before = tf.engine().backendName;
  const availability = await start(name, { ...options, explicit: true });
  if (!availability.usable) {
    await restore(before);
    throw new EngineUnavailableError(where, name, availability.reason, availability.remedy);
  }
  if (availability.warning !== undefined) console.warn(`useBackend: ${name}: ${availability.warning}`);
  return setCurrent(name, availability, []);
}

function setCurrent(
  name: EngineName,
  { version, warning }: { version: string; warning?: string },
  rejected: EngineRejection[],
): Engine {
  const { tfjsBackend } = DEFINITIONS[name];
  current = { name, tfjsBackend, version, rejected, ...(warning === undefined ? {} : { warning }) };
  return current;
}

/** Loads an engine and makes its tfjs backend the current one. */
async function start(name: EngineName, request: EngineRequest): Promise<EngineAvailability> {
  const definition = DEFINITIONS[name];
  try {
    const availability = await definition.load(request);
    if (!availability.usable) return availability;
    if (!(await tf.setBackend(definition.tfjsBackend))) {
      // tfjs says only that it failed; the factory, asked again, says why.
      await tf.engine().registryFactory[definition.tfjsBackend]!.factory();
      throw new Error('tfjs gives no reason.');
    }
    definition.repair?.();
    installGradientRepairs();
    return availability;
  } catch (error) {
    return { usable: false, reason: `it does not start: ${firstLine(error)}`, remedy: startRemedy(name) };
  }
}

function startRemedy(name: EngineName): string {
  return name === 'wasm'
    ? 'In a browser, pass the addresses of its files: useBackend("wasm", { wasmPaths: "/wasm/" }).'
    : 'Choose another engine.';
}

/** A failed start leaves tfjs pointing at a backend that does not exist. */
async function restore(backendName: string | undefined): Promise<void> {
  await tf.setBackend(backendName || 'cpu');
}

async function afterLastSwitch<Result>(action: () => Promise<Result>): Promise<Result> {
  const result = lastSwitch.then(action);
  lastSwitch = result.catch(() => undefined);
  return result;
}

function checkName(where: string, name: string): EngineName | 'auto' {
  if (name === 'auto' || (ENGINE_NAMES as readonly string[]).includes(name)) return name as EngineName | 'auto';
  throw new Error(`${where}: '${name}' is not an engine; choose one of auto, ${ENGINE_NAMES.join(', ')}.`);
}
