/**
 * The state of an installed `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`. Their install scripts download two
 * native parts, an add-on for Node and TensorFlow's C library, and either may be absent although the package is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { firstLine, type EngineAvailability } from './engine.ts';
import type { TensorflowPackage } from './platform.ts';

/** What can be known of the package without running any of its code. */
export type TensorflowPackageState =
  | { state: 'missing' }
  | { state: 'wrong version'; version: string }
  | { state: 'binding missing'; version: string; expected: string }
  | { state: 'present'; version: string; binding: string };

/** The newest N-API that tfjs-node 4.22 has an add-on for. */
const NEWEST_NAPI = 8;

/** The folder of an installed package, or nothing; looks without running the package. */
export function findPackageFolder(packageName: string, loader: Pick<NodeJS.Require, 'resolve'>): string | undefined {
  for (const folder of loader.resolve.paths(packageName) ?? []) {
    const candidate = path.join(folder, packageName);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
  }
  return undefined;
}

/**
 * Reads a package folder without loading it.
 *
 * @param folder where the package is, or nothing if it is not installed
 * @param wantedVersion the version of tfjs in this program: the two must be equal
 * @param napiVersion the newest N-API of this Node
 */
export function inspectTensorflowPackage(
  folder: string | undefined,
  wantedVersion: string,
  napiVersion = Number(process.versions['napi']),
): TensorflowPackageState {
  if (folder === undefined || !existsSync(path.join(folder, 'package.json'))) return { state: 'missing' };
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  if (version !== wantedVersion) return { state: 'wrong version', version };
  const napi = Math.min(NEWEST_NAPI, napiVersion);
  const binding = path.join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node');
  if (!existsSync(binding)) return { state: 'binding missing', version, expected: binding };
  return { state: 'present', version, binding };
}

/**
 * Loads a TensorFlow package, or says in plain words which part of it is missing.
 *
 * @param folder where the package is, or nothing if it is not installed
 * @param packageName its name, for the messages
 * @param wantedVersion the version of tfjs in this program
 * @param loader loads a CommonJS package by its folder
 */
export function loadTensorflowPackage(
  folder: string | undefined,
  packageName: TensorflowPackage,
  wantedVersion: string,
  loader: (folder: string) => unknown,
): EngineAvailability {
  const found = inspectTensorflowPackage(folder, wantedVersion);
  const install = `Install it with: npm install ${packageName}@${wantedVersion}`;
  // Without a package manager's permission the install script does not run at all, which is the usual cause.
  const rebuild =
    `Allow its install script and run: npm rebuild ${packageName}. ` +
    'If the download is refused, set TFJS_NODE_CDN_STORAGE (library) and npm_config_tfjs_binding_binary_host_mirror ' +
    '(add-on) to a mirror.';
  if (found.state === 'missing') {
    return { usable: false, reason: `the package ${packageName} is not installed.`, remedy: install };
  }
  if (found.state === 'wrong version') {
    const reason = `${packageName} is version ${found.version}, and this program uses tfjs ${wantedVersion}.`;
    return { usable: false, reason, remedy: install };
  }
  if (found.state === 'binding missing') {
    const reason = `${packageName} is installed, but its native add-on is not: there is no file ${found.expected}.`;
    return { usable: false, reason, remedy: rebuild };
  }
  try {
    loader(folder!);
    return { usable: true, version: found.version };
  } catch (error) {
    const { reason, remedy } = explainLoadFailure(firstLine(error));
    return {
      usable: false,
      reason: `the native add-on of ${packageName} does not load: ${reason}`,
      remedy: remedy ?? rebuild,
    };
  }
}

/** Names what a dynamic loader missed, from the message that it left; no remedy where building the add-on anew may do. */
function explainLoadFailure(message: string): { reason: string; remedy?: string } {
  const missing =
    /([^\s:]+): cannot open shared object file/.exec(message)?.[1] ?? // Linux
    /Library not loaded: (\S+)/.exec(message)?.[1]?.replace(/\.$/, ''); // macOS
  if (missing !== undefined) {
    const library = path.basename(missing);
    const reason = `the shared library ${library} is missing.`;
    // TensorFlow's own library is part of the package; the others belong to the system.
    return library.includes('tensorflow') ? { reason } : { reason, remedy: `Install ${library} on this system.` };
  }
  const symbolVersion = /version [`']([A-Z]+_[\d.]+)' not found/.exec(message)?.[1];
  if (symbolVersion !== undefined) {
    return {
      reason: `this system is too old for it: it needs ${symbolVersion}.`,
      remedy: `Use a newer release of the operating system, or another engine.`,
    };
  }
  if (/invalid ELF header|wrong ELF class|not a valid Win32|incompatible architecture/.test(message)) {
    return { reason: `it was built for another processor or is damaged (${message.replace(/\.$/, '')}).` };
  }
  // Windows names no library, and everything else is rare: the loader's own words are the best there is.
  return { reason: message };
}
