export { tf } from './tf.ts';
export { compile, type CompiledStep, type StepResult } from './compile.ts';
