/**
 * GPT from scratch: the model, its training step and loop, and text generation. Radford et al. 2018, 2019.
 */
export {
  configSchema,
  gptConfig,
  gptConfigSchema,
  sizes,
  trainingSchema,
  type GptConfig,
  type GptOptions,
  type GptSize,
  type RunConfig,
  type TrainingConfig,
} from './config.ts';
export { disposeCache, FeedForward, Gpt, GptBlock, type GptCall } from './model.ts';
export {
  createEvaluateStep,
  createOptimizer,
  createTrainStep,
  evaluate,
  languageModelLoss,
  learningRateSchedule,
  train,
  type EvaluateStep,
  type TokenSplits,
  type TrainingEvents,
  type TrainingRun,
  type TrainStep,
} from './train.ts';
export { GptDecoder } from './decoder.ts';
export { generateText, generateTokens, sampleToken, type GenerateOptions, type SamplingOptions } from './generate.ts';
export { encodePretrained, pretrained, type EncodePretrainedOptions, type PretrainedName } from './weights.ts';
export { deviations } from './deviations.ts';
