/** Every tfjs kernel that can become graph nodes, by tfjs's name. A kernel that is missing here runs on another engine. */
import { fused } from './fused.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

const families: readonly KernelFamily[] = [fused];

/** See the file's head. */
export const kernels: ReadonlyMap<string, Kernel> = new Map(families.flatMap((family) => Object.entries(family)));
