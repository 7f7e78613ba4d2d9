import util from 'node:util';
import { createRequire } from 'node:module';
import { tf } from '../tf.ts';
import { firstLine } from './engine.ts';
import type { EnginesPlatform } from './platform.ts';
import { findPackageFolder, loadTensorflowPackage } from './tensorflow-package.node.ts';

const require = createRequire(import.meta.url);

/** In Node: engines come from packages that a user may have installed next to this one. */
export const platform: EnginesPlatform = {
  requestedEngine: () => process.env['MILESTONES_BACKEND'] || undefined,

  async loadTensorflow(packageName) {
    restoreRemovedUtilities();
    return loadTensorflowPackage(findPackageFolder(packageName, require), packageName, tf.version.tfjs, require);
  },

  async provideGpu() {
    if (globalThis.navigator?.gpu) return { usable: true };
    const remedy = installRemedy('webgpu', '@tensorflow/tfjs-backend-webgpu');
    for (const name of ['webgpu', '@tensorflow/tfjs-backend-webgpu']) {
      if (findPackageFolder(name, require) === undefined) {
        return { usable: false, reason: `the package ${name} is not installed.`, remedy };
      }
    }
    try {
      const dawn = await import('webgpu');
      Object.assign(globalThis, dawn.globals);
      provideNavigator(dawn.create([]));
      return { usable: true };
    } catch (error) {
      return { usable: false, reason: `the package webgpu does not load: ${firstLine(error)}`, remedy };
    }
  },

  importWebgpuBackend: () => import('@tensorflow/tfjs-backend-webgpu'),

  installRemedy,
};

function installRemedy(...packageNames: string[]): string {
  const packages = packageNames.map((name) => (name.startsWith('@tensorflow/') ? `${name}@${tf.version.tfjs}` : name));
  return `Install it with: npm install ${packages.join(' ')}`;
}

/** Node has no `navigator` before version 21, and a read-only one without `gpu` since. */
function provideNavigator(gpu: GPU): void {
  if (globalThis.navigator) Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  else Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}

/**
 * Node 23 removed `util.isNullOrUndefined` and `util.isArray`, which tfjs-node 4.22 calls in every operation. Other
 * programs may look for them too, so they are set only where they are missing.
 */
export function restoreRemovedUtilities(target: object = util): void {
  const utilities = target as Record<string, unknown>;
  utilities['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  utilities['isArray'] ??= Array.isArray;
}
