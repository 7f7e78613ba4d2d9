/** All experiments, family by family. */
import { adam } from './adam/index.ts';
import { dataKinds } from './data-kinds/index.ts';
import { deepNets } from './deep-nets/index.ts';
import type { Experiment } from './experiment.ts';
import type { Family } from './family.ts';
import { generalising } from './generalising/index.ts';
import { learningRules } from './learning-rules/index.ts';
import { losses } from './losses/index.ts';
import { unsupervised } from './unsupervised/index.ts';

/** In the order in which they are best read. */
export const families: readonly Family[] = [
  learningRules,
  losses,
  adam,
  deepNets,
  generalising,
  unsupervised,
  dataKinds,
];

/** All experiments, in the order of their families. */
export const experiments: readonly Experiment[] = families.flatMap((family) => family.experiments);
