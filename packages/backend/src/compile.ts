import { tf } from './tf.ts';

/** What a step may return: one tensor, or tensors by name. */
export type StepResult = tf.Tensor | Record<string, tf.Tensor>;

/** A step after {@link compile}: same arguments, same results, asynchronous on every engine. */
export type CompiledStep<Arguments extends tf.Tensor[], Result extends StepResult> = (
  ...args: Arguments
) => Promise<Result>;

/**
 * Turns a training or evaluation step into one that the active engine runs as fast as it can.
 *
 * `step` is an ordinary function of tensors. It may read and assign variables, and must otherwise be pure: what changes
 * from call to call arrives as a tensor (learning rate, random key) or lives in a variable (optimizer step count), never
 * as a JavaScript number, which an engine that records the step would freeze into it.
 *
 * On an engine without a compiler the step runs eagerly inside one `tf.tidy`: all tensors that it makes are freed but
 * those it returns, which belong to the caller.
 *
 * @param step the step; it must not be asynchronous
 * @returns the same step, as an asynchronous function; what `step` throws becomes a rejection
 */
export function compile<Arguments extends tf.Tensor[], Result extends StepResult>(
  step: (...args: Arguments) => Result,
): CompiledStep<Arguments, Result> {
  // `async` even where nothing waits: callers then treat every engine alike, and a throw becomes a rejection.
  return async (...args) =>
    tf.tidy(() => {
      const result = step(...args);
      if (result instanceof Promise) {
        throw new TypeError(
          'compile: the step returned a promise; make it a synchronous function, and read values after it has run.',
        );
      }
      return result;
    });
}
