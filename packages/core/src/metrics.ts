/** Numbers about a model that are watched, not differentiated. */
import { tf } from '@milestones/backend';

/**
 * The share of positions at which the largest logit is the label's.
 *
 * @param logits [..., K]
 * @param labels int32 [...]
 * @param options positions with the label `ignoreIndex` do not count; when all are ignored the result is 0
 * @returns a scalar from 0 to 1; where logits tie, the first of the largest counts
 */
export function accuracy(logits: tf.Tensor, labels: tf.Tensor, options: { ignoreIndex?: number } = {}): tf.Scalar {
  if (labels.dtype !== 'int32' || logits.shape.slice(0, -1).join() !== labels.shape.join() || logits.rank === 0) {
    throw new Error(
      `accuracy: logits of shape [${logits.shape.join(', ')}] and ${labels.dtype} labels of shape ` +
        `[${labels.shape.join(', ')}] arrived; give int32 labels in the shape of the logits without its last size.`,
    );
  }
  const right = tf.cast(tf.equal(tf.cast(tf.argMax(logits, -1), 'int32'), labels), 'float32');
  if (options.ignoreIndex === undefined) return tf.mean(right);
  const counted = tf.cast(tf.notEqual(labels, tf.scalar(options.ignoreIndex, 'int32')), 'float32');
  return tf.div(tf.sum(tf.mul(right, counted)), tf.maximum(tf.sum(counted), 1));
}

/**
 * exp of a mean cross-entropy in nats per token: the number of equally likely choices that would be as surprising.
 *
 * @param loss a number, or a tensor for use inside a step
 */
export function perplexity(loss: number): number;
export function perplexity(loss: tf.Tensor): tf.Tensor;
export function perplexity(loss: number | tf.Tensor): number | tf.Tensor {
  return typeof loss === 'number' ? Math.exp(loss) : tf.exp(loss);
}

/** All there is to know about a {@link RunningMean}; plain JSON. */
export interface RunningMeanState {
  sum: number;
  weight: number;
}

/** A weighted mean of numbers that arrive one by one, on the host; its state fits in a checkpoint. */
export class RunningMean {
  #sum = 0;
  #weight = 0;

  /** Continues where `state()` was taken. */
  static fromState(state: RunningMeanState): RunningMean {
    if (!Number.isFinite(state?.sum) || !Number.isFinite(state?.weight) || state.weight < 0) {
      throw new Error(
        `RunningMean.fromState: ${JSON.stringify(state)} arrived; give what state() returned, { sum, weight }.`,
      );
    }
    const mean = new RunningMean();
    mean.#sum = state.sum;
    mean.#weight = state.weight;
    return mean;
  }

  /**
   * @param value a finite number: one NaN would make every later mean NaN
   * @param weight how much it counts, such as the size of its batch; default 1
   */
  add(value: number, weight = 1): void {
    if (!Number.isFinite(value) || !Number.isFinite(weight) || weight < 0) {
      throw new Error(
        `RunningMean: the value ${value} with weight ${weight} arrived; give finite numbers, the weight at least 0.`,
      );
    }
    this.#sum += value * weight;
    this.#weight += weight;
  }

  /** Σ weight · value / Σ weight; NaN while nothing has been added. */
  get mean(): number {
    return this.#sum / this.#weight;
  }

  /** Σ weight. */
  get weight(): number {
    return this.#weight;
  }

  /** The state so far, for a checkpoint. */
  state(): RunningMeanState {
    return { sum: this.#sum, weight: this.#weight };
  }

  /** Forgets everything. */
  reset(): void {
    this.#sum = 0;
    this.#weight = 0;
  }
}
