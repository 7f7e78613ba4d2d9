/**
 * The parts that every milestone is built from: modules and layers, losses, optimizers (Adam, 2014, among them),
 * schedules, metrics, counter-based random numbers and the safetensors format. Runs in Node and in browsers; what touches
 * files is in `@milestones/core/node`.
 */
export { attentionPicture, type AttentionPanel } from './attention-picture.ts';
export { averageCheckpoints } from './average-checkpoints.ts';
export { calibration, type Calibration, type CalibrationBin } from './calibration.ts';
export { EarlyStopping, type EarlyStoppingOptions, type EarlyStoppingState } from './early-stopping.ts';
export { ambiguityDecomposition, averagePredictions, type AmbiguityDecomposition } from './ensemble.ts';
export { kFolds, stratifiedFolds, type Fold } from './folds.ts';
export { type BleuOptions, type BleuScore, type BleuSmoothing, bleu, formatBleu } from './bleu/bleu.ts';
export { tokenize13a } from './bleu/tokenize-13a.ts';
export {
  type BeamSearchOptions,
  type BeamStep,
  type Hypothesis,
  type LikelyTokens,
  beamSearch,
} from './decoding/beam-search.ts';
export {
  completeConfig,
  describeIssue,
  describeIssues,
  finiteNumber,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from './configuration.ts';
export { insideFolder, loadModelConfig, loadModelWeights, modelFiles } from './model-folder.ts';
export { encodeOwnModel, loadOwnWeights, openOwnModel, type OwnModelFolder, type OwnModelKind } from './own-model.ts';
export { Module } from './module.ts';
export { Parameter, type ParameterOptions } from './parameter.ts';
export { valueAndGradients } from './gradients.ts';
export * from './initializers.ts';
export * from './layers/index.ts';
export { Random, type RandomState } from './random/random.ts';
export { RandomKey } from './random/random-key.ts';
export * from './recurrent/index.ts';
export * from './losses/index.ts';
export * from './optimizers/index.ts';
export * from './safetensors.ts';
export { loadBytes } from '#load-bytes';
export * from './activations.ts';
export { classifyImage, type ClassifyImageOptions } from './classify-image.ts';
export { averagePrecision, type Box, boxIntersectionOverUnion, nonMaximumSuppression, overlapOf } from './boxes.ts';
export * from './clipping.ts';
export * from './metrics.ts';
export { ConfusionMatrix, correctKeyPoints } from './region-metrics.ts';
export { principalComponents, type PrincipalComponents } from './principal-components.ts';
export { sinusoidal, sinusoidalPositions } from './positions.ts';
export { mixUp, mixUpWeight, type Mixed } from './mix-up.ts';
export * from './schedules.ts';
export { topClasses, type ClassProbability } from './top-classes.ts';
export { flipViews, tenCropViews, testTimeAugmentation } from './test-time-augmentation.ts';
export { WeightAverage, type WeightAverageOptions } from './weight-average.ts';
