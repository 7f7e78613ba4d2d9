import type { Family } from '../family.ts';

/** Learning without labels. */
export const unsupervised: Family = {
  name: 'unsupervised',
  title: 'Unsupervised and sequence classics',
  experiments: [],
};
