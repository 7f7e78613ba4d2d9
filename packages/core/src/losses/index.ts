export { crossEntropyLoss, binaryCrossEntropyLoss, softCrossEntropyLoss } from './cross-entropy.ts';
export type { CrossEntropyOptions } from './cross-entropy.ts';
export { diceLoss, type DiceOptions } from './dice.ts';
export {
  meanSquaredErrorLoss,
  meanAbsoluteErrorLoss,
  huberLoss,
  smoothL1Loss,
  gaussianNegativeLogLikelihoodLoss,
} from './regression.ts';
export type { GaussianLossOptions } from './regression.ts';
export type { LossOptions, Reduction } from './reduction.ts';
