/** How a gradient takes the place of tfjs's own, and what several gradients need to fold a broadcast back. */
import { tf } from '../../tf.ts';

/** One function per input name; each computes that input's gradient when it is wanted. */
export type InputGradients = Record<string, () => tf.Tensor>;

/** What a gradient asks tfjs to keep from the forward pass. */
interface Saved {
  inputs?: string[];
  allInputs?: boolean;
  outputs?: boolean[];
}

/**
 * Registers `gradient` for a kernel, in place of the present one if there is one.
 *
 * @param gradient receives the gradient of the output (a list where the kernel has several), the saved tensors in the order
 *   asked for, and the kernel's attributes
 */
export function replaceGradient<Attributes = Record<string, unknown>>(
  kernelName: string,
  { inputs, allInputs, outputs }: Saved,
  gradient: (dy: tf.Tensor & tf.Tensor[], saved: tf.Tensor[], attributes: Attributes) => InputGradients,
): void {
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
  tf.registerGradient({
    kernelName,
    ...(inputs && { inputsToSave: inputs }),
    ...(allInputs && { saveAllInputs: allInputs }),
    ...(outputs && { outputsToSave: outputs }),
    gradFunc: (dy, saved, attributes) =>
      gradient(dy as tf.Tensor & tf.Tensor[], saved, attributes as unknown as Attributes),
  });
}

/** Sums a gradient over the axes along which an input of this shape was broadcast. */
export function foldBroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.backend_util.getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(gradient, axes) : gradient, shape);
}

/** Zeros for an input through which nothing flows; float32 whatever the input's type, as tfjs demands of gradients. */
export function noGradient(input: tf.Tensor): () => tf.Tensor {
  return () => tf.zeros(input.shape, 'float32');
}

/** Runs a kernel that tfjs exports no operation for. */
export function runKernel(name: string, inputs: Record<string, tf.Tensor>, attributes: object): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as tf.Tensor;
}

/**
 * Spreads an axis: `step` − 1 zeros go between neighbours, `before` zeros in front, and as many behind as fill `extent`.
 */
export function spreadAxis(x: tf.Tensor, axis: number, step: number, before: number, extent: number): tf.Tensor {
  const count = x.shape[axis]!;
  const shape = x.shape.with(axis, extent);
  const left = tf.util.sizeFromShape(x.shape.slice(0, axis));
  const right = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  let rows = tf.reshape(x, [left, count, right]) as tf.Tensor3D;
  if (step > 1) {
    const gaps = tf.pad(rows, [
      [0, 0],
      [0, 0],
      [0, (step - 1) * right],
    ]);
    const spread = tf.reshape(gaps, [left, count * step, right]) as tf.Tensor3D;
    rows = tf.slice(spread, [0, 0, 0], [left, (count - 1) * step + 1, right]);
  }
  const after = extent - before - rows.shape[1]!;
  const padded =
    before + after === 0
      ? rows
      : tf.pad(rows, [
          [0, 0],
          [before, after],
          [0, 0],
        ]);
  return tf.reshape(padded, shape);
}
