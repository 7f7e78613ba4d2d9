import type { Family } from '../family.ts';
import { batchNormFigure1 } from './batch-norm-figure-1.ts';
import { gradientAttenuation } from './gradient-attenuation.ts';
import { gradientClipping } from './gradient-clipping.ts';
import { inputConditioning } from './input-conditioning.ts';
import { normalizations } from './normalizations.ts';

/** What keeps gradients alive through many layers. */
export const deepNets: Family = {
  name: 'deep-nets',
  title: 'Making deep nets trainable',
  experiments: [gradientAttenuation, gradientClipping, inputConditioning, batchNormFigure1, normalizations],
};
