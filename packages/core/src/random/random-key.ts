import { counterRandom, type tf, threefry2x32 } from '@milestones/backend';
import { hashName } from './hash-name.ts';

/**
 * Randomness inside a training step: a key tensor that changes from step to step, and a static stream number that tells
 * one place in the model from another. The key is an argument of the step (see `Random.keyAt`), so the step stays a pure
 * function of tensors and can be compiled; the stream number is fixed when the step is traced.
 *
 * Two draws with the same key and stream are the same numbers: fold in a name for each place that draws.
 */
export class RandomKey {
  readonly #key: tf.Tensor1D;
  readonly #stream: number;

  /**
   * @param key int32 tensor of shape [2], usually `random.keyAt(step)`
   * @param stream a 32-bit number, usually left out
   */
  constructor(key: tf.Tensor1D, stream = 0) {
    if (key.dtype !== 'int32' || key.shape.length !== 1 || key.shape[0] !== 2) {
      throw new Error(
        `RandomKey: a ${key.dtype} tensor of shape [${key.shape.join(', ')}] arrived; give an int32 tensor of shape [2], for example random.keyAt(step).`,
      );
    }
    this.#key = key;
    this.#stream = stream >>> 0;
  }

  /** The key of the place `name` (a layer's name, or its number) below this one. */
  fold(name: string | number): RandomKey {
    const block = new Uint32Array(2);
    const [first, second] = hashName(String(name));
    threefry2x32(this.#stream, 0, first, second, block);
    return new RandomKey(this.#key, block[0]!);
  }

  /** Numbers from [0, 1), float32, of the given shape. */
  uniform(shape: number[]): tf.Tensor {
    return counterRandom(this.#key, this.#stream, shape, 'uniform');
  }

  /** Numbers from the standard normal distribution, float32, of the given shape. */
  normal(shape: number[]): tf.Tensor {
    return counterRandom(this.#key, this.#stream, shape, 'normal');
  }
}
