import { type AugmentationPlan, type AugmentationPool, inlinePool } from '../images/augmentation-pool.ts';

/** In a browser augmentation runs in the calling thread, whatever `workers` says. */
export function createPool(plan: AugmentationPlan, _workers: number): AugmentationPool {
  return inlinePool(plan);
}
