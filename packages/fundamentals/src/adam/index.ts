import type { Family } from '../family.ts';

/** Kingma and Ba 2014, section 6: the figures. */
export const adam: Family = { name: 'adam', title: 'Adam (2014)', experiments: [] };
