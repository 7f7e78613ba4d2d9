import { installGradientRepairs } from './repairs/index.ts';

export { tf } from './tf.ts';
export { compile, type CompiledStep, type CompileOptions, type StepResult } from './compile.ts';
export { copyValues } from './copy-values.ts';
export { exportGraph, type ExportInput, type ExportOptions } from './export-graph.ts';
export { hasKernel, runFused, runKernel, type FusedOperation } from './fused.ts';
export { currentEngine, diagnoseEngines, useBackend, type EngineDiagnosis } from './engines/use-backend.ts';
export {
  ENGINE_NAMES,
  EngineUnavailableError,
  type Engine,
  type EngineName,
  type EngineOptions,
  type EngineRejection,
} from './engines/engine.ts';
export { fillCounterRandom, threefry2x32, type CounterDistribution } from './threefry.ts';
export {
  COUNTER_RANDOM_KERNEL,
  counterRandom,
  type CounterRandomAttributes,
  type CounterRandomInputs,
} from './random-op.ts';

// Here as well as in `useBackend`: a program may choose its backend through `tf` and never call that.
installGradientRepairs();
