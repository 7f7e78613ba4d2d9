/**
 * SimCLR from scratch: encoders and projection heads, NT-Xent, the two views of an image, training, and the linear probe and
 * nearest neighbours that judge what was learned. Chen et al. 2020.
 */
export {
  augmentationSchema,
  completeRunConfig,
  configSchema,
  dataSchema,
  evaluationSchema,
  experimentSchema,
  modelConfig,
  modelSchema,
  sizes,
  trainingSchema,
  type AugmentationConfig,
  type DataConfig,
  type EvaluationConfig,
  type HeadKind,
  type ModelConfig,
  type ModelOptions,
  type RunConfig,
  type SimCLRSize,
  type TrainingConfig,
} from './config.ts';
export {
  IdentityHead,
  LinearHead,
  MlpHead,
  ResNetEncoder,
  SimCLR,
  SmallEncoder,
  type Encoder,
  type ProjectionHead,
} from './model.ts';
export { normalizeRows, ntXentLoss } from './loss.ts';
export { viewsOf } from './views.ts';
export {
  createOptimizer,
  createTrainStep,
  highestRate,
  learningRateSchedule,
  train,
  uniformLoss,
  type TrainingEvents,
  type TrainingRun,
  type TrainStep,
} from './train.ts';
export { firstRows, representImages, representPixels, type Representations } from './represent.ts';
export { nearestNeighborAccuracy, nearestNeighbors, type Neighbors, type VoteOptions } from './nearest-neighbors.ts';
export {
  judge,
  judgeBaselines,
  monitor,
  partnerAccuracy,
  viewsToPair,
  type Accuracies,
  type ImageSplits,
} from './judge.ts';
export { neighborPicture } from './neighbor-picture.ts';
export { linearProbeAccuracy, type ProbeOptions } from './linear-probe.ts';
export { encodePretrained, pretrained, type PretrainedName } from './weights.ts';
export { deviations } from './deviations.ts';
