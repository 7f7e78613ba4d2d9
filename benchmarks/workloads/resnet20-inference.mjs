/** The network of the workload resnet20 in evaluation mode, forward only. Its "loss" is the mean logit. */
import { ResNet20 } from './resnet20.mjs';
import { imageInference } from './workload.mjs';

export const batchSize = 128;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize } = {}) {
  return imageInference(new ResNet20(), batch);
}
