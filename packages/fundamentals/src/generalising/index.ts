import type { Family } from '../family.ts';

/** What makes a net right about data that it has not seen. */
export const generalising: Family = { name: 'generalising', title: 'Generalising', experiments: [] };
