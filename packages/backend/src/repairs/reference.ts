/**
 * A repair of the cpu engine, which every other engine is compared with.
 *
 * tfjs 4.22 pairs the batches of a matrix product by remainder there. That is right only where one operand has every batch
 * and the other a trailing part of them: [2, 3] with [2, 1], or [2, 1] with [1, 3], gives wrong products without a word.
 * Here such operands are repeated to the full batch first.
 */
import { tf } from '../tf.ts';

interface CpuBackend {
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** Whether counting batches modulo the operand's own number finds the right one. */
function remainderWorks(batch: number[], full: number[]): boolean {
  const own = batch.slice(batch.findIndex((extent) => extent !== 1));
  if (batch.every((extent) => extent === 1)) return true;
  const tail = full.slice(full.length - own.length);
  return own.every((extent, axis) => extent === tail[axis]);
}

/** Replaces the cpu kernel of matMul. */
export function installReferenceRepairs(): void {
  const stock = tf.getKernel('BatchMatMul', 'cpu');
  const call = (kernel: string, x: tf.TensorInfo, attrs: object, backend: CpuBackend): tf.TensorInfo =>
    tf.getKernel(kernel, 'cpu').kernelFunc({
      inputs: { x } as tf.NamedTensorInfoMap,
      attrs: attrs as tf.NamedAttrMap,
      backend: backend as never,
    }) as tf.TensorInfo;
  tf.unregisterKernel('BatchMatMul', 'cpu');
  tf.registerKernel({
    ...stock,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { a, b } = inputs as Record<'a' | 'b', tf.TensorInfo>;
      const cpu = backend as unknown as CpuBackend;
      const full = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
      const temporaries: tf.TensorInfo[] = [];
      const repeated = (x: tf.TensorInfo): tf.TensorInfo => {
        if (remainderWorks(x.shape.slice(0, -2), full)) return x;
        const shape = [...full.map(() => 1), 1, 1].map(
          (_, axis, all) => x.shape[axis - all.length + x.shape.length] ?? 1,
        );
        const padded = call('Reshape', x, { shape }, cpu);
        const reps = [...full.map((extent, axis) => extent / shape[axis]!), 1, 1];
        const result = call('Tile', padded, { reps }, cpu);
        temporaries.push(padded, result);
        return result;
      };
      const result = stock.kernelFunc({ inputs: { a: repeated(a), b: repeated(b) }, attrs: attrs!, backend });
      for (const temporary of temporaries) cpu.disposeIntermediateTensorInfo(temporary);
      return result;
    },
  });
}
