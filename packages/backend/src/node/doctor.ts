/** What this machine can run, and what is missing for the rest: the report behind the command `milestones-doctor`. */
import os from 'node:os';
import { ENGINE_NAMES } from '../engines/engine.ts';
import { diagnoseEngines, type EngineDiagnosis } from '../engines/use-backend.ts';

/** The oldest Node that the packages run on. */
export const OLDEST_NODE = '20.19.0';

/** The report of {@link doctor}. Memory is in bytes. */
export interface DoctorReport {
  node: { version: string; supported: boolean; oldest: string };
  machine: {
    platform: string;
    architecture: string;
    processor: string;
    processorCount: number;
    memory: number;
    freeMemory: number;
  };
  /** The value of `MILESTONES_BACKEND`, or null. */
  requestedEngine: string | null;
  /** Every engine, in the order in which `auto` tries them. */
  engines: EngineDiagnosis[];
}

/** Tries every engine on this machine and reports on each, on Node, and on the machine. */
export async function doctor(): Promise<DoctorReport> {
  const version = process.versions.node;
  // In a container the limit counts, not the machine; without one Node reports 0 or an absurdly large number.
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
  return {
    node: { version, supported: isSupportedNode(version), oldest: OLDEST_NODE },
    machine: {
      platform: process.platform,
      architecture: process.arch,
      processor: os.cpus()[0]?.model.trim() || 'unknown processor',
      processorCount: os.availableParallelism(),
      memory,
      freeMemory: Math.min(os.freemem(), memory),
    },
    requestedEngine: process.env['MILESTONES_BACKEND'] || null,
    engines: await diagnoseEngines(),
  };
}

/** True if the packages run on that version of Node, such as `22.4.1`. */
export function isSupportedNode(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of OLDEST_NODE.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

/** The report as text for a terminal. */
export function formatDoctorReport(report: DoctorReport): string {
  const { node, machine, engines, requestedEngine } = report;
  const nodeRange = `the packages need ${node.oldest} or newer`;
  const lines = [
    `Node     ${node.version}: ${node.supported ? `supported, ${nodeRange}` : `too old, ${nodeRange}; please update Node`}`,
    `System   ${machine.platform} ${machine.architecture}, ${machine.processor}`,
    `Cores    ${machine.processorCount}`,
    `Memory   ${gibibytes(machine.memory)}, of which ${gibibytes(machine.freeMemory)} are free`,
    '',
    "Engines, in the order in which 'auto' tries them:",
  ];
  const indent = ' '.repeat(15);
  for (const engine of engines) {
    const start = `  ${engine.name.padEnd(8)}${engine.usable ? 'yes' : 'no '}  `;
    if (engine.usable) {
      lines.push(`${start}${sentence(engine.description)}, version ${engine.version ?? 'unknown'}`);
      if (engine.warning !== undefined) lines.push(indent + sentence(engine.warning));
    } else {
      lines.push(start + sentence(engine.reason ?? ''), indent + (engine.remedy ?? ''));
    }
  }
  lines.push('', verdict(engines, requestedEngine));
  return lines.join('\n');
}

function verdict(engines: EngineDiagnosis[], requested: string | null): string {
  const automatic = engines.find((engine) => engine.automatic)?.name ?? 'none';
  if (requested === null || requested === 'auto') {
    return `Programs here use '${automatic}', unless MILESTONES_BACKEND or --backend names another engine.`;
  }
  const engine = engines.find(({ name }) => name === requested);
  if (engine === undefined) {
    return `MILESTONES_BACKEND is '${requested}', which is not an engine; choose one of auto, ${ENGINE_NAMES.join(', ')}.`;
  }
  return engine.usable
    ? `Programs here use '${requested}', because MILESTONES_BACKEND says so; 'auto' would be '${automatic}'.`
    : `MILESTONES_BACKEND asks for '${requested}', which cannot be used here; without it programs use '${automatic}'.`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
