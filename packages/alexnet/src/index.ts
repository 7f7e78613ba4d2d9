/**
 * AlexNet from scratch: the ImageNet networks and their companion for CIFAR-10, training and prediction. Krizhevsky et al.
 * 2012.
 */
export {
  alexnetConfigSchema,
  cifarNetConfigSchema,
  configSchema,
  dataSchema,
  trainingSchema,
  type AlexNetConfig,
  type AlexNetOptions,
  type CifarNetConfig,
  type CifarNetOptions,
  type DataConfig,
  type RunConfig,
  type TrainingConfig,
} from './config.ts';
export { AlexNet, imageSize } from './model.ts';
export { CifarNet } from './cifar-net.ts';
export { importTorchvision } from './torchvision.ts';
export { encodePretrained, pretrained, type PretrainedName } from './weights.ts';
export {
  augmentationOf,
  createEvaluateStep,
  createTrainStep,
  evaluate,
  GroupedDescent,
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
