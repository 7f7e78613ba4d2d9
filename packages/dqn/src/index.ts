/**
 * Deep Q-networks from scratch: agents, replay memory, and the environments that they learn in. Mnih et al. 2013, 2015.
 */
export {
  checkAction,
  SeededEnvironment,
  type AnyEnvironment,
  type Environment,
  type EnvironmentOptions,
  type EnvironmentState,
  type Info,
  type Observation,
  type ObservationSpace,
  type Outcome,
  type Reset,
  type Step,
} from './environments/environment.ts';
export { Acrobot } from './environments/acrobot.ts';
export { CartPole } from './environments/cart-pole.ts';
export { MountainCar } from './environments/mountain-car.ts';
export {
  gridActions,
  GridEnvironment,
  gridSize,
  type GridAction,
  type GridGame,
  type GridOptions,
  type Mark,
  type Plane,
} from './environments/grid/grid-environment.ts';
export { Asterix } from './environments/grid/asterix.ts';
export { Breakout } from './environments/grid/breakout.ts';
export { Freeway } from './environments/grid/freeway.ts';
export { Seaquest } from './environments/grid/seaquest.ts';
export { SpaceInvaders } from './environments/grid/space-invaders.ts';
export { environments, makeEnvironment, type EnvironmentName } from './environments/make.ts';
export { Canvas, enlarge, type Colour, type Picture } from './picture/picture.ts';
export { FrameStack, stackedShape } from './frame-stack.ts';
export { replayBytes, ReplayMemory, type Batch, type ReplayOptions, type ReplayState } from './replay.ts';
export { linearExplorationSchedule, type ExplorationSchedule } from './exploration.ts';
export {
  agentSchema,
  completeRunConfig,
  configSchema,
  environmentSchema,
  experimentSchema,
  networkSchema,
  trainingSchema,
  variantNames,
  type AgentConfig,
  type EnvironmentConfig,
  type NetworkConfig,
  type NetworkOptions,
  type RunConfig,
  type TrainingConfig,
} from './config.ts';
export { QNetwork } from './model.ts';
export { HostNetwork, indexOfLargest, suitsHost } from './host-network.ts';
export { oneStepTarget, temporalDifferenceLoss, type BatchTensors } from './loss.ts';
export {
  createActor,
  createUpdateStep,
  DqnAgent,
  type Actor,
  type AgentOptions,
  type AgentState,
  type UpdateStep,
} from './agent.ts';
export {
  evaluate,
  train,
  type Evaluation,
  type EvaluationOptions,
  type LoopState,
  type TrainingEvents,
  type TrainingRun,
} from './train.ts';
export {
  AtariEnvironment,
  luminance,
  maximumOfFrames,
  preprocessFrame,
  resizeArea,
  type AtariOptions,
} from './atari.ts';
export { recordEpisode, type Recording, type RecordOptions } from './play.ts';
export { encodeGif } from './picture/gif.ts';
export { pictureText } from './picture/terminal.ts';
export {
  encodePretrained,
  loadPretrained,
  makeHome,
  pretrained,
  type Home,
  type PretrainedName,
  type TrainedAgent,
} from './weights.ts';
export { deviations } from './deviations.ts';
