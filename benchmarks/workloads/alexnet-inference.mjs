/** The network of the workload alexnet in evaluation mode, forward only. Its "loss" is the mean logit. */
import { AlexNet } from './alexnet.mjs';
import { imageInference } from './workload.mjs';

export const batchSize = 128;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize } = {}) {
  return imageInference(new AlexNet(), batch);
}
