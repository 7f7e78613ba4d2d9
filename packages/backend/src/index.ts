export { tf } from './tf.ts';
export { compile, type CompiledStep, type StepResult } from './compile.ts';
export { fillCounterRandom, threefry2x32, type CounterDistribution } from './threefry.ts';
export {
  COUNTER_RANDOM_KERNEL,
  counterRandom,
  type CounterRandomAttributes,
  type CounterRandomInputs,
} from './random-op.ts';
