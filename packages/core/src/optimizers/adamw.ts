import { Adam, type AdamOptions } from './adam.ts';

/**
 * Adam with decoupled weight decay. Loshchilov and Hutter 2019, Algorithm 2 (with α for the paper's η α).
 *
 *     θ ← θ − α λ θ − α · m̂ / (√v̂ + ε)
 *
 * The decay pulls at the weights directly and never passes through the moments. Which weights decay is the `decay`
 * mask's choice; GPT-style training passes `decayMatrices`, which spares biases and normalisation gains.
 * λ (`weightDecay`) is 0.01 by default, as in PyTorch.
 */
export class AdamW extends Adam {
  /** @throws when an option is outside its range */
  constructor(options: AdamOptions = {}) {
    super({ weightDecay: 0.01, ...options }, { name: 'adamw', decoupled: true });
  }
}
