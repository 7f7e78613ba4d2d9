import { placeOf } from './place.ts';

/** Why a step cannot be compiled: what happened, in which operation, where, and what to do instead. */
export class TracingError extends Error {
  /** The operation of tfjs, or the JavaScript function, that cannot be compiled. */
  readonly operation: string;
  /** The frame of the user's code, where it can be told. */
  readonly place: string | undefined;

  constructor(operation: string, problem: string, remedy: string, cause?: Error) {
    super('', cause === undefined ? {} : { cause });
    this.name = 'TracingError';
    this.operation = operation;
    this.place = placeOf(cause ?? this);
    const where = this.place === undefined ? '' : `, at ${this.place}`;
    this.message = `compile: ${operation}: ${problem}${where}; ${remedy}.`;
  }
}

/** Operations of tfjs that draw their numbers in JavaScript: what they return would be the same numbers in every step. */
const RANDOM_OPERATIONS = new Set([
  'alphaDropout',
  'dropout',
  'gaussianDropout',
  'gaussianNoise',
  'multinomial',
  'rand',
  'randomGamma',
  'randomNormal',
  'randomStandardNormal',
  'randomUniform',
  'randomUniformInt',
  'truncatedNormal',
]);

/** The outermost random operation of those that are under way, if there is one. */
export function randomOperation(operations: readonly string[]): string | undefined {
  return operations.find((name) => RANDOM_OPERATIONS.has(name));
}

/** A random operation of tfjs, or `Math.random`. */
export function randomnessError(operation: string): TracingError {
  return new TracingError(
    operation,
    'its random numbers are drawn in JavaScript and would be the same in every step',
    'draw them from a random key that is an argument of the step (counterRandom, or RandomKey and Dropout of @milestones/core)',
  );
}

/** Something asked for a tensor's values. */
export function valueError(operation: string | undefined): TracingError {
  return new TracingError(
    operation ?? 'dataSync, data or arraySync',
    'the value of a tensor was read, and a step that is being traced has no values yet',
    'return the tensor from the step and read it afterwards; for a choice between two tensors use tf.where',
  );
}

/** Kernels whose result has a shape that depends on values. */
const DATA_DEPENDENT = new Map([
  ['Unique', 'tf.unique'],
  ['NonMaxSuppressionV3', 'tf.image.nonMaxSuppression'],
  ['NonMaxSuppressionV4', 'tf.image.nonMaxSuppressionPadded'],
  ['NonMaxSuppressionV5', 'tf.image.nonMaxSuppressionWithScore'],
  ['SparseFillEmptyRows', 'tf.sparse.sparseFillEmptyRows'],
  ['StringSplit', 'tf.string.stringSplit'],
  ['RaggedGather', 'RaggedGather'],
  ['RaggedRange', 'RaggedRange'],
  ['RaggedTensorToTensor', 'RaggedTensorToTensor'],
]);

/** There is no formulation of this kernel. */
export function missingKernelError(kernelName: string, cause?: Error): TracingError {
  if (kernelName === 'Multinomial') return randomnessError('tf.multinomial');
  const operation = DATA_DEPENDENT.get(kernelName);
  if (operation !== undefined) {
    return new TracingError(
      operation,
      'the shape of its result depends on values, and the shapes of a compiled step are fixed',
      'move it out of the step, or use a mask of fixed shape (tf.where, or a multiplication by zeros and ones)',
      cause,
    );
  }
  return new TracingError(
    kernelName,
    'this kernel of tfjs cannot be compiled',
    'write the step with other operations, or run it uncompiled (call the function itself, inside tf.tidy)',
    cause,
  );
}
