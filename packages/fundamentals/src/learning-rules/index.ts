import type { Family } from '../family.ts';

/** How to go down: gradients, momentum, curvature, noise. */
export const learningRules: Family = { name: 'learning-rules', title: 'Learning rules', experiments: [] };
