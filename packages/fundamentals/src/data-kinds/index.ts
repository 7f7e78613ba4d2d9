import type { Family } from '../family.ts';

/** Which labels, loss and metric go with which task. */
export const dataKinds: Family = { name: 'data-kinds', title: 'One example per kind of data', experiments: [] };
