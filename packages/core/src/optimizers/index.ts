export { Optimizer, decayMatrices } from './optimizer.ts';
export type { DecayMask, Updated, UpdateRule, WeightDecayOptions } from './optimizer.ts';
export { Adam } from './adam.ts';
export type { AdamOptions, AdamSlot } from './adam.ts';
export { AdamW } from './adamw.ts';
