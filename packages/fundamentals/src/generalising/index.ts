import type { Family } from '../family.ts';
import { dataAugmentation } from './data-augmentation.ts';
import { dropout } from './dropout.ts';
import { earlyStopping } from './early-stopping.ts';
import { ensembles } from './ensembles.ts';
import { kFoldValidation } from './k-fold-validation.ts';
import { labelSmoothing } from './label-smoothing.ts';
import { mixUp } from './mix-up.ts';
import { transferLearning } from './transfer-learning.ts';
import { weightDecay } from './weight-decay.ts';

/** What makes a net right about data that it has not seen. */
export const generalising: Family = {
  name: 'generalising',
  title: 'Generalising',
  experiments: [
    kFoldValidation,
    earlyStopping,
    weightDecay,
    dropout,
    dataAugmentation,
    mixUp,
    labelSmoothing,
    ensembles,
    transferLearning,
  ],
};
