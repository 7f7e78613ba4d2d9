import type { Family } from '../family.ts';

/** What keeps gradients alive through many layers. */
export const deepNets: Family = { name: 'deep-nets', title: 'Making deep nets trainable', experiments: [] };
