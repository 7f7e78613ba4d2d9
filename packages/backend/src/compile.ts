import { stepCompiler } from './engines/onnx.ts';
import { tf } from './tf.ts';

/** What a step may return: one tensor, or tensors by name. */
export type StepResult = tf.Tensor | Record<string, tf.Tensor>;

/** A step after {@link compile}: same arguments, same results, asynchronous on every engine. */
export interface CompiledStep<Arguments extends tf.Tensor[], Result extends StepResult> {
  (...args: Arguments): Promise<Result>;
  /**
   * Frees what the engine keeps for this step; variables keep their values, and a further call compiles anew. A program
   * that lets go of a step need not call it: what is kept for a step that is no longer reachable is freed in time.
   */
  dispose(): Promise<void>;
}

/** Settings of {@link compile}. */
export interface CompileOptions {
  /**
   * Where the engine `onnx` runs the step: in a worker with all cores, or on the calling thread with one. Default: by a
   * guess of how long a run takes, with the calling thread for fractions of a millisecond. A program that reads variables
   * of the step after every run, such as an agent's weights, is better off with `inline` for one or two milliseconds yet:
   * values need not be fetched from the other thread. Other engines do not look at it.
   */
  readonly thread?: 'worker' | 'inline';
}

/**
 * Turns a training or evaluation step into one that the active engine runs as fast as it can.
 *
 * `step` is an ordinary function of tensors. It may read and assign variables, and must otherwise be pure: what changes
 * from call to call arrives as a tensor (learning rate, random key) or lives in a variable (optimizer step count), never
 * as a JavaScript number, which an engine that records the step would freeze into it.
 *
 * On the engine `onnx` the first call for each combination of shapes and types of the arguments records the step as one
 * graph, which that call and later ones run. On the other engines the step runs eagerly inside one `tf.tidy`. Either way
 * all tensors that it makes are freed but those it returns, which belong to the caller; and each call uses the engine that
 * is active then, so that a program may switch engines between two calls.
 *
 * @param step the step; it must not be asynchronous
 * @param options where it runs
 * @returns the same step, as an asynchronous function; what `step` throws becomes a rejection, and so does what cannot be
 *   recorded (a value that is read, a random operation of tfjs, a shape that depends on values), with the operation, the
 *   place and the remedy
 */
export function compile<Arguments extends tf.Tensor[], Result extends StepResult>(
  step: (...args: Arguments) => Result,
  options: CompileOptions = {},
): CompiledStep<Arguments, Result> {
  let compiled: CompiledStep<Arguments, Result> | undefined;
  // `async` even where nothing waits: callers then treat every engine alike, and a throw becomes a rejection.
  const run = async (...args: Arguments): Promise<Result> => {
    const compileStep = stepCompiler();
    if (compileStep === undefined) return runEagerly(step, args);
    compiled ??= compileStep(step, options);
    return compiled(...args);
  };
  const dispose = async (): Promise<void> => {
    const disposed = compiled;
    compiled = undefined;
    await disposed?.dispose();
  };
  return Object.assign(run, { dispose });
}

function runEagerly<Arguments extends tf.Tensor[], Result extends StepResult>(
  step: (...args: Arguments) => Result,
  args: Arguments,
): Result {
  return tf.tidy(() => {
    const result = step(...args);
    if (result instanceof Promise) {
      throw new TypeError(
        'compile: the step returned a promise; make it a synchronous function, and read values after it has run.',
      );
    }
    return result;
  });
}
