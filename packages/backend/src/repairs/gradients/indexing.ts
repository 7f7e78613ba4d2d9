/**
 * Gradients of operations that select, repeat or rearrange elements. Each is the transpose of its forward map: what was
 * read is added to where it was read from.
 *
 * tfjs 4.22 has none for stridedSlice, topk, gatherND, scatterND and depthToSpace, stops at rank 4 for tile (and so for
 * broadcastTo), and drops the mirrored border in the gradient of mirrorPad.
 */
import { tf } from '../../tf.ts';
import { noGradient, replaceGradient, spreadAxis } from './register.ts';

interface StridedSliceAttributes extends Record<'begin' | 'end' | 'strides', number[]> {
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

function stridedSliceGradient(dy: tf.Tensor, x: tf.Tensor, given: StridedSliceAttributes): tf.Tensor {
  const { begin, end, strides } = tf.slice_util.sliceInfo(
    x.shape,
    given.begin,
    given.end,
    given.strides ?? given.begin.map(() => 1),
    given.beginMask,
    given.endMask,
    given.ellipsisMask,
    given.newAxisMask,
    given.shrinkAxisMask,
  );
  if (dy.size === 0) return tf.zerosLike(x);
  const taken = tf.slice_util.computeOutShape(begin, end, strides);
  let gradient = tf.reshape(dy, taken);
  const backwards = strides.map((_, axis) => axis).filter((axis) => strides[axis]! < 0);
  if (backwards.length > 0) gradient = tf.reverse(gradient, backwards);
  for (const [axis, stride] of strides.entries()) {
    const first = stride < 0 ? begin[axis]! + (taken[axis]! - 1) * stride : begin[axis]!;
    const extent = x.shape[axis]!;
    if (taken[axis] !== extent) gradient = spreadAxis(gradient, axis, Math.abs(stride), first, extent);
  }
  return gradient;
}

/** Folds the borders of one axis back onto the elements that they mirror. */
function foldMirror(dy: tf.Tensor, axis: number, before: number, after: number, edge: 0 | 1): tf.Tensor {
  const extent = dy.shape[axis]! - before - after;
  const part = (start: number, length: number): tf.Tensor =>
    tf.slice(
      dy,
      dy.shape.map((_, i) => (i === axis ? start : 0)),
      dy.shape.with(axis, length),
    );
  const placed = (border: tf.Tensor, at: number): tf.Tensor =>
    spreadAxis(tf.reverse(border, axis), axis, 1, at, extent);
  let result = part(before, extent);
  // 'reflect' leaves the edge element out of the mirror image (edge = 1), 'symmetric' repeats it (edge = 0).
  if (before > 0) result = tf.add(result, placed(part(0, before), edge));
  if (after > 0) result = tf.add(result, placed(part(before + extent, after), extent - after - edge));
  return result;
}

function tileGradient(dy: tf.Tensor, x: tf.Tensor, repeats: number[]): tf.Tensor {
  let gradient = dy;
  for (const [axis, times] of repeats.entries()) {
    if (times === 1) continue;
    const before = tf.util.sizeFromShape(gradient.shape.slice(0, axis));
    const rest = tf.util.sizeFromShape(gradient.shape.slice(axis)) / times;
    const shape = gradient.shape.with(axis, x.shape[axis]!);
    gradient = tf.reshape(tf.sum(tf.reshape(gradient, [before, times, rest]), 1), shape);
  }
  return gradient;
}

/** Each pixel's blockSize × blockSize neighbourhood goes back into channels. */
function spaceToDepth(dy: tf.Tensor, block: number, dataFormat: 'NHWC' | 'NCHW'): tf.Tensor {
  if (dataFormat === 'NHWC') {
    const [batch, height, width, channels] = dy.shape as [number, number, number, number];
    const blocks = tf.reshape(dy, [batch, height / block, block, width / block, block, channels]);
    const shape = [batch, height / block, width / block, block * block * channels];
    return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), shape);
  }
  const [batch, channels, height, width] = dy.shape as [number, number, number, number];
  const blocks = tf.reshape(dy, [batch, channels, height / block, block, width / block, block]);
  const shape = [batch, block * block * channels, height / block, width / block];
  return tf.reshape(tf.transpose(blocks, [0, 3, 5, 1, 2, 4]), shape);
}

/** Registers the gradients. */
export function installIndexingGradients(): void {
  replaceGradient<StridedSliceAttributes>('StridedSlice', { inputs: ['x'] }, (dy, saved, attributes) => ({
    x: () => stridedSliceGradient(dy, saved[0]!, attributes),
  }));
  replaceGradient<{ paddings: [number, number][]; mode: 'reflect' | 'symmetric' }>(
    'MirrorPad',
    {},
    (dy, _saved, { paddings, mode }) => ({
      x: () => {
        let gradient: tf.Tensor = dy;
        for (const [axis, [before, after]] of paddings.entries()) {
          gradient = foldMirror(gradient, axis, before, after, mode === 'reflect' ? 1 : 0);
        }
        return gradient;
      },
    }),
  );
  replaceGradient<{ reps: number[] }>('Tile', { inputs: ['x'] }, (dy, saved, { reps }) => ({
    x: () => tileGradient(dy, saved[0]!, reps),
  }));
  replaceGradient<{ blockSize: number; dataFormat: 'NHWC' | 'NCHW' }>(
    'DepthToSpace',
    {},
    (dy, _saved, { blockSize, dataFormat }) => ({ x: () => spaceToDepth(dy, blockSize, dataFormat) }),
  );
  replaceGradient<{ k: number }>('TopK', { inputs: ['x'], outputs: [false, true] }, (dys, saved, { k }) => {
    const [x, indices] = saved as [tf.Tensor, tf.Tensor];
    return {
      x: () => {
        const extent = x.shape.at(-1)!;
        const rows = x.size / extent;
        // [rows, 1, k] · one-hot [rows, k, extent]: each value's gradient lands where the value came from.
        const places = tf.oneHot(tf.reshape(indices, [rows, k]) as tf.Tensor2D, extent, 1, 0, 'float32');
        return tf.reshape(tf.matMul(tf.reshape(dys[0]!, [rows, 1, k]), places), x.shape);
      },
    };
  });
  replaceGradient('GatherNd', { inputs: ['params', 'indices'] }, (dy, saved) => {
    const [params, indices] = saved as [tf.Tensor, tf.Tensor];
    return {
      params: () => {
        const depth = indices.shape.at(-1)!;
        const rows = tf.reshape(indices, [-1, depth]);
        const updates = tf.reshape(dy, [rows.shape[0]!, ...params.shape.slice(depth)]);
        return tf.scatterND(tf.cast(rows, 'int32'), updates, params.shape as never);
      },
      indices: noGradient(indices),
    };
  });
  replaceGradient('ScatterNd', { inputs: ['indices'] }, (dy, saved) => {
    const indices = saved[0]!;
    return { updates: () => tf.gatherND(dy, indices), indices: noGradient(indices) };
  });
}
