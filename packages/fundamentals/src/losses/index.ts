import type { Family } from '../family.ts';
import { crossEntropy } from './cross-entropy.ts';
import { gaussianLikelihood } from './gaussian-likelihood.ts';
import { outliers } from './outliers.ts';

/** What a loss asks for. */
export const losses: Family = {
  name: 'losses',
  title: 'Losses',
  experiments: [outliers, crossEntropy, gaussianLikelihood],
};
