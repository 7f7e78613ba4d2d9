/**
 * Residual networks from scratch: the models, their training step and loop, and prediction. He et al. 2015.
 */
export {
  configSchema,
  dataSchema,
  mlpConfigSchema,
  resnetConfig,
  resnetConfigSchema,
  sizes,
  trainingSchema,
  type DataConfig,
  type MlpConfig,
  type ResNetConfig,
  type ResNetOptions,
  type ResNetSize,
  type RunConfig,
  type TrainingConfig,
} from './config.ts';
export { NormedConvolution, ResidualBlock, ResNet, subsampleAndPad } from './model.ts';
export { DenseBlock, NormedDense, ResidualMlp, type ResidualMlpOptions } from './mlp.ts';
export { importTorchvision } from './torchvision.ts';
export { encodePretrained, pretrained, type PretrainedName } from './weights.ts';
export {
  augmentationOf,
  classificationLoss,
  createEvaluateStep,
  createOptimizer,
  createTrainStep,
  evaluate,
  learningRateSchedule,
  train,
  type Classifier,
  type EvaluateStep,
  type Score,
  type TrainingEvents,
  type TrainingRun,
  type TrainStep,
} from './train.ts';
export { deviations } from './deviations.ts';
