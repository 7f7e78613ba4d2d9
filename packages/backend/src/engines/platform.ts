import type { EngineAvailability } from './engine.ts';

/** The two packages that bind TensorFlow's C library to tfjs. */
export type TensorflowPackage = '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu';

/**
 * What choosing an engine needs from Node or from a browser. The import `#engines-platform` is the one for where the
 * program runs; package.json maps it, so that nothing of Node is reachable from a browser's bundle.
 */
export interface EnginesPlatform {
  /** The value of `MILESTONES_BACKEND`, if it is set. */
  requestedEngine(): string | undefined;
  /** Loads one of the TensorFlow packages, which registers the tfjs backend `tensorflow`. */
  loadTensorflow(packageName: TensorflowPackage): Promise<EngineAvailability>;
  /** Makes `navigator.gpu` exist, or says what is missing. */
  provideGpu(): Promise<{ usable: true } | { usable: false; reason: string; remedy: string }>;
  /** Loads the package that registers the tfjs backend `webgpu`. */
  importWebgpuBackend(): Promise<{ version_webgpu?: string; [name: string]: unknown }>;
  /** How to make an optional package available here. */
  installRemedy(...packageNames: string[]): string;
}
