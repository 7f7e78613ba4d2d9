import type { Family } from '../family.ts';
import { adagradSparse } from './adagrad-sparse.ts';
import { batchNoise } from './batch-noise.ts';
import { linearRegression } from './linear-regression.ts';
import { momentum } from './momentum.ts';
import { naturalGradient } from './natural-gradient.ts';
import { newton } from './newton.ts';

/** How to go down: gradients, momentum, curvature, noise. */
export const learningRules: Family = {
  name: 'learning-rules',
  title: 'Learning rules',
  experiments: [linearRegression, momentum, newton, naturalGradient, adagradSparse, batchNoise],
};
