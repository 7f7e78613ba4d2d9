/**
 * Generative adversarial networks from scratch: the published networks of 2014, a DCGAN, both losses, training, sampling and
 * the Parzen-window estimator. Goodfellow et al. 2014.
 */
export {
  configSchema,
  dataSchema,
  dcganSchema,
  evaluationSchema,
  gaussianSchema,
  modelSchema,
  trainingSchema,
  type DataConfig,
  type DcganConfig,
  type DcganOptions,
  type EvaluationConfig,
  type GaussianConfig,
  type ModelConfig,
  type ModelOptions,
  type NoiseKind,
  type RunConfig,
  type TrainingConfig,
} from './config.ts';
export { Discriminator, Generator, type ImageDiscriminator, type ImageGenerator } from './model.ts';
export { DcganDiscriminator, DcganGenerator } from './dcgan.ts';
export { discriminatorLoss, equilibriumLoss, generatorLoss, type GeneratorObjective } from './loss.ts';
export { ScheduledMomentum } from './scheduled-momentum.ts';
export { SaturationWatch, type SaturationState } from './saturation.ts';
export {
  createGameStep,
  createOptimizers,
  learningRateAt,
  momentumAt,
  train,
  type GameStep,
  type PlayerOptimizer,
  type PlayerOptimizers,
  type Players,
  type StepLosses,
  type TrainingEvents,
  type TrainingRun,
} from './train.ts';
export { drawNoise, generateFrom, interpolateImages, sampleImages } from './generate.ts';
export {
  logSpaced,
  parzenLogLikelihood,
  ParzenWindow,
  type ParzenOptions,
  type ParzenScore,
  type Pixels,
} from './parzen.ts';
export { kMeansCenters, type KMeansOptions } from './k-means.ts';
export { Classifier, classifierAccuracy, classify, classShares, trainClassifier } from './classifier.ts';
export {
  playGaussian,
  ScalarNetwork,
  type GaussianEvents,
  type GaussianMoment,
  type GaussianOutcome,
} from './gaussian.ts';
export { gaussianPicture } from './gaussian-picture.ts';
export { encodeGenerator, loadGenerator } from './weights.ts';
export { deviations } from './deviations.ts';
