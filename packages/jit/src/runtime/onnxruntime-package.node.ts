/**
 * The installed `onnxruntime-node`. It is an optional dependency: an install goes on without it where its install script
 * fails, which it does where it finds CUDA's compiler but cannot download.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { RuntimeAvailability } from './runtime.ts';

/** The one version whose internal operations and synchronous binding are known. */
export const ONNXRUNTIME_VERSION = '1.30.0';

const PACKAGE = 'onnxruntime-node';
// The switch keeps the install script from downloading: everything for the processor is in the package.
const INSTALL = `Install it with: ONNXRUNTIME_NODE_INSTALL=skip npm install ${PACKAGE}@${ONNXRUNTIME_VERSION}`;

/** The folder of the installed package, or nothing; looks without running it. */
export function findOnnxruntime(resolver: Pick<NodeJS.Require, 'resolve'> = createRequire(import.meta.url)) {
  for (const folder of resolver.resolve.paths(PACKAGE) ?? []) {
    const candidate = path.join(folder, PACKAGE);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
  }
  return undefined;
}

/** Looks at the package without loading it: it takes less than a millisecond, and cannot fail. */
export function inspectOnnxruntime(
  folder: string | undefined,
  platform: string = process.platform,
  architecture: string = process.arch,
): RuntimeAvailability {
  if (folder === undefined) {
    const reason = `the package ${PACKAGE} is not installed; an install leaves it out silently when its script fails.`;
    return { usable: false, reason, remedy: INSTALL };
  }
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  if (version !== ONNXRUNTIME_VERSION) {
    const reason = `${PACKAGE} is version ${version}, and the compiled steps are built for ${ONNXRUNTIME_VERSION}.`;
    return { usable: false, reason, remedy: INSTALL };
  }
  if (!existsSync(path.join(folder, 'bin', 'napi-v6', platform, architecture, 'onnxruntime_binding.node'))) {
    const reason = `${PACKAGE} ${version} has no binary for ${platform} on ${architecture}.`;
    return { usable: false, reason, remedy: "Choose another engine, for example 'wasm'." };
  }
  if (!existsSync(bindingModule(folder))) {
    const reason = `${PACKAGE} ${version} is incomplete: there is no file ${bindingModule(folder)}.`;
    return { usable: false, reason, remedy: INSTALL };
  }
  return { usable: true, version };
}

/** Whether ONNX Runtime is installed in the right version; says nothing of whether its binary loads. */
export function runtimeAvailability(): RuntimeAvailability {
  return inspectOnnxruntime(findOnnxruntime());
}

/** The package's own synchronous binding. It is private to the package, hence the pinned version. */
export function bindingModule(folder: string): string {
  return path.join(folder, 'dist', 'binding.js');
}

/** Why the binary does not load, from the message of the dynamic loader. */
export function explainLoadFailure(message: string): { reason: string; remedy: string } {
  const said = message.split('\n', 1)[0]!.replace(/\.$/, '');
  const other = "Choose another engine, for example 'wasm'.";
  if (message.includes('WebGPU adapter')) {
    return {
      reason:
        'ONNX Runtime finds no WebGPU adapter: no GPU with a driver for Vulkan, Metal or Direct3D 12 that meets its needs.',
      remedy: "Install the GPU's driver, or compute on the processor: leave MILESTONES_ONNX_PROVIDER unset.",
    };
  }
  if (/musl|ld-linux|fcntl64: symbol not found/.test(said)) {
    return {
      reason: `the binary of ${PACKAGE} needs glibc, and this system has another C library (${said}).`,
      remedy: other,
    };
  }
  const symbols = /version [`']([A-Z]+_[\d.]+)' not found/.exec(said)?.[1];
  if (symbols !== undefined) {
    return {
      reason: `this system is too old for ${PACKAGE}: it needs ${symbols}.`,
      remedy: `Use a newer release of it. ${other}`,
    };
  }
  return { reason: `the binary of ${PACKAGE} does not load: ${said}.`, remedy: `${INSTALL} ${other}` };
}
