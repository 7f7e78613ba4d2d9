/**
 * Counter-based random numbers as a tensor operation: the numbers of `threefry.ts` under a kernel name of their own.
 * tfjs draws its random numbers in JavaScript before any kernel runs, so an engine that records a step would freeze
 * them. A kernel with the key as its input is recorded as what it is.
 */
import { tf } from './tf.ts';
import { fillCounterRandom, type CounterDistribution } from './threefry.ts';

/** The kernel's name in tfjs's registry; an engine that compiles steps looks for it. */
export const COUNTER_RANDOM_KERNEL = 'MilestonesCounterRandom';

/** The kernel's inputs. */
export interface CounterRandomInputs {
  key: tf.TensorInfo;
}

/** The kernel's attributes. */
export interface CounterRandomAttributes {
  stream: number;
  shape: number[];
  distribution: CounterDistribution;
}

/**
 * A tensor of random numbers that a key, a stream and an element's position determine, the same on every engine.
 *
 * Element i (in row-major order) is element i of the sequence that `fillCounterRandom` describes: Threefry-2x32 with 20
 * rounds under the key, at counter (⌊i / 2⌋, stream). Salmon et al. 2011, section 3. The operation has no gradient: its
 * result is a constant to everything that is differentiated.
 *
 * The key's values are read on the host while the operation runs. An engine whose tensors live on a GPU and cannot be
 * read synchronously (`webgpu`) therefore needs a key made from numbers, `tf.tensor1d([a, b], 'int32')`, not one computed
 * by other operations.
 *
 * @param key two 32-bit words, an int32 tensor of shape [2]
 * @param stream a whole number from 0 to 2³² − 1; different streams under one key are independent
 * @param shape shape of the result
 * @param distribution `uniform`: float32 in [0, 1); `normal`: float32, mean 0 and variance 1; `bits`: int32, all 32 bits
 * @returns a new tensor of that shape
 * @throws Error if the key is no int32 tensor of shape [2], or another argument is out of range
 */
export function counterRandom(
  key: tf.Tensor1D,
  stream: number,
  shape: number[],
  distribution: CounterDistribution,
): tf.Tensor {
  checkArguments(key, stream, shape, distribution);
  registerForBackend(tf.getBackend());
  const attributes: CounterRandomAttributes = { stream, shape: [...shape], distribution };
  return tf.engine().runKernel(COUNTER_RANDOM_KERNEL, { key }, attributes as unknown as tf.NamedAttrMap) as tf.Tensor;
}

/** Registers the kernel where it is first used: the backends that a program will load are not known beforehand. */
function registerForBackend(backendName: string): void {
  if (tf.getKernel(COUNTER_RANDOM_KERNEL, backendName) !== undefined) return;
  tf.registerKernel({
    kernelName: COUNTER_RANDOM_KERNEL,
    backendName,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { key } = inputs as unknown as CounterRandomInputs;
      const attributes = attrs as unknown as CounterRandomAttributes;
      return drawOnHost(backend as tf.KernelBackend, key, attributes);
    },
  });
}

function drawOnHost(backend: tf.KernelBackend, key: tf.TensorInfo, attributes: CounterRandomAttributes): tf.TensorInfo {
  const { stream, shape, distribution } = attributes;
  const words = backend.readSync(key.dataId) as Int32Array;
  const size = tf.util.sizeFromShape(shape);
  const dtype = distribution === 'bits' ? 'int32' : 'float32';
  const values = distribution === 'bits' ? new Int32Array(size) : new Float32Array(size);
  fillCounterRandom(values, words[0]!, words[1]!, stream, distribution);
  return { dataId: backend.write(values, shape, dtype), shape, dtype };
}

function checkArguments(key: tf.Tensor, stream: number, shape: number[], distribution: CounterDistribution): void {
  if (key.dtype !== 'int32' || key.shape.length !== 1 || key.shape[0] !== 2) {
    throw new Error(
      `counterRandom: the key is a ${key.dtype} tensor of shape [${key.shape.join(', ')}]; ` +
        "pass an int32 tensor of shape [2], for example tf.tensor1d([1, 2], 'int32').",
    );
  }
  if (!Number.isInteger(stream) || stream < 0 || stream > 0xffffffff) {
    throw new Error(`counterRandom: the stream is ${stream}; pass a whole number from 0 to 4294967295.`);
  }
  if (!shape.every((dimension) => Number.isInteger(dimension) && dimension >= 0)) {
    throw new Error(`counterRandom: the shape is [${shape.join(', ')}]; every size must be a whole number, 0 or more.`);
  }
  if (distribution !== 'uniform' && distribution !== 'normal' && distribution !== 'bits') {
    throw new Error(
      `counterRandom: the distribution is '${String(distribution)}'; choose 'uniform', 'normal' or 'bits'.`,
    );
  }
}
