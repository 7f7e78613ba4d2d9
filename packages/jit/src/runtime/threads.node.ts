import { readFileSync } from 'node:fs';
import os from 'node:os';

/**
 * Physical cores that this process may use. Matrix products gain nothing from a second thread on one core.
 *
 * @param processors what Linux says of its processors; read from the system if left out
 */
export function physicalCores(processors = readProcessors(), available = os.availableParallelism()): number {
  const cores = new Set<string>();
  for (const block of processors.split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(block)?.[1];
    const socket = /^physical id\s*:\s*(\d+)/m.exec(block)?.[1] ?? '0';
    if (core !== undefined) cores.add(`${socket}/${core}`);
  }
  // Without such a list (macOS, Windows, ARM) every processor is taken for a core; on ARM that is what it is.
  return Math.max(1, cores.size > 0 ? Math.min(cores.size, available) : available);
}

function readProcessors(): string {
  try {
    return process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  } catch {
    return '';
  }
}
