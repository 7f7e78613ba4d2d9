/**
 * Repairs of the cpu engine, which every other engine is compared with.
 *
 * Products: tfjs 4.22 pairs the batches of a matrix product by remainder there. That is right only where one operand has every batch
 * and the other a trailing part of them: [2, 3] with [2, 1], or [2, 1] with [1, 3], gives wrong products without a word.
 * Here such operands are repeated to the full batch first.
 *
 * Casts: it names whole numbers and truth values float32 without converting them. The cpu engine itself cannot tell; but
 * when such a tensor is moved to WASM, its bits are taken for those of real numbers: 1 becomes 1.4e-45.
 */
import { tf } from '../tf.ts';

interface CpuBackend {
  data: { get(dataId: object): { values: ArrayLike<number> } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.backend_util.TypedArray): tf.TensorInfo;
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** Whether counting batches modulo the operand's own number finds the right one. */
function remainderWorks(batch: number[], full: number[]): boolean {
  const own = batch.slice(batch.findIndex((extent) => extent !== 1));
  if (batch.every((extent) => extent === 1)) return true;
  const tail = full.slice(full.length - own.length);
  return own.every((extent, axis) => extent === tail[axis]);
}

/** Replaces the cpu kernels of matMul and cast. */
export function installReferenceRepairs(): void {
  repairProducts();
  repairCasts();
}

function repairCasts(): void {
  const stock = tf.getKernel('Cast', 'cpu');
  tf.unregisterKernel('Cast', 'cpu');
  tf.registerKernel({
    ...stock,
    kernelFunc: (call) => {
      const { x } = call.inputs as { x: tf.TensorInfo };
      const { dtype } = call.attrs as unknown as { dtype: tf.DataType };
      const isWhole = x.dtype === 'bool' || x.dtype === 'int32';
      if (!isWhole || x.dtype === dtype || (dtype !== 'float32' && dtype !== 'int32')) return stock.kernelFunc(call);
      const cpu = call.backend as unknown as CpuBackend;
      const { values } = cpu.data.get(x.dataId);
      return cpu.makeTensorInfo(
        x.shape,
        dtype,
        dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values),
      );
    },
  });
}

function repairProducts(): void {
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
