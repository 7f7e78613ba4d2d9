/**
 * What a workload is, and how its batches are drawn.
 *
 * @typedef {{ shape: number[], dtype: 'float32' | 'int32', data: Float32Array | Int32Array }} BatchTensor
 *
 * @typedef {object} WorkloadOptions
 * @property {number} [batch] examples in a batch, in place of the workload's own number
 * @property {number} [learningRate] in place of the workload's own
 *
 * @typedef {object} Workload
 * @property {number} parameters number of trained weights; the peer must have as many
 * @property {(...tensors: import('../packages.mjs').tf.Tensor[]) => Record<string, import('../packages.mjs').tf.Tensor>} [step]
 *   one training step: the tensors of a batch come in, `loss` goes out
 * @property {(...tensors: import('../packages.mjs').tf.Tensor[]) => Promise<Record<string, import('../packages.mjs').tf.Tensor>>} [run]
 *   in place of `step`, what is timed as it is: it compiles what it needs by itself
 * @property {(random: import('../packages.mjs').core.Random) => BatchTensor[]} batch draws one batch
 */
import { core, tf } from '../packages.mjs';

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Standard normal numbers. @returns {BatchTensor} */
export function normals(random, shape) {
  return { shape, dtype: 'float32', data: random.normalArray(sizeOf(shape)) };
}

/** Uniform numbers from `low` to `high`. @returns {BatchTensor} */
export function uniforms(random, shape, low, high) {
  const data = random.uniformArray(sizeOf(shape)).map((value) => low + (high - low) * value);
  return { shape, dtype: 'float32', data };
}

/** Whole numbers below `limit`. @returns {BatchTensor} */
export function integers(random, shape, limit) {
  return { shape, dtype: 'int32', data: Int32Array.from({ length: sizeOf(shape) }, () => random.integer(limit)) };
}

/** Forward, loss, gradients and one update of one model, as nearly every workload does it. */
export function trainingStep(model, optimizer, learningRate, lossOf) {
  const parameters = model.trainableParameters();
  optimizer.initialize(parameters);
  return (...tensors) => {
    const { value, gradients } = core.valueAndGradients(() => lossOf(...tensors), parameters);
    optimizer.update(parameters, gradients, learningRate);
    return { loss: value };
  };
}

/** A network that names 32 × 32 images, x [B, 32, 32, 3] → logits, in evaluation mode. @returns {Workload} */
export function imageInference(network, batch) {
  const model = network.initialize(1).eval();
  return {
    parameters: countParameters(model),
    step: (x) => ({ loss: tf.mean(model.forward(x)) }),
    batch: (random) => [normals(random, [batch, 32, 32, 3])],
  };
}

/** Number of trained weights. */
export function countParameters(...models) {
  let count = 0;
  for (const model of models) for (const parameter of model.trainableParameters().values()) count += parameter.size;
  return count;
}
