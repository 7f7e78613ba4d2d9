/**
 * Matrix products on WASM.
 *
 * In tfjs 4.22 only a single product without transposes reaches the fast library (XNNPACK). A batch, or either
 * transpose flag, falls into a scalar triple loop that is 10 to 30 times slower, and every weight gradient and every
 * attention product is of that kind. That loop also pairs batches by remainder, which is wrong when both sides broadcast
 * ([2, 1, …] with [1, 3, …]), and its fused form adds the bias once per block of 48 inner terms.
 *
 * Here transposed operands are turned first (cheap beside the product), a batch against one matrix becomes one tall
 * product, and a true batch is a loop of single products.
 *
 * Trap: XNNPACK packs the right operand once and caches the packed copy under that tensor's number. Each product of a
 * loop therefore registers its slices under new numbers and disposes of them at once, which also frees the packed copy.
 */
import { tf } from '../../tf.ts';
import { onReference } from './fallback.ts';
import { addressOf, allocate, floats, release, replaceKernel, reshaped, runKernel, sizeOf } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';
import { turnMatrices } from './transpose.ts';

/** Below this many multiplications a plain loop beats the cost of setting up a library call. */
const SMALL_PRODUCT = 1500;

interface Library {
  product(...args: number[]): void;
  /** Address of six integers: the shape of a, then the shape of b. */
  shapes: number;
}

/** One entry per live backend, so that a backend that was removed and made anew starts afresh. */
const libraries = new WeakMap<WasmBackend, Library>();

function libraryOf(backend: WasmBackend): Library {
  let library = libraries.get(backend);
  if (!library) {
    library = {
      // Numbers only: emscripten then hands out the raw function, without copying arrays on every call.
      product: backend.wasm.cwrap(
        'BatchMatMul',
        null,
        Array.from({ length: 9 }, () => 'number'),
      ),
      // oxlint-disable-next-line no-underscore-dangle -- emscripten names its exports so
      shapes: backend.wasm._malloc(24) >>> 0,
    };
    libraries.set(backend, library);
  }
  return library;
}

/** Tells the library about a stretch of the heap and returns the number under which it now knows it. */
function register(backend: WasmBackend, address: number, size: number): number {
  const id = backend.dataIdNextNumber++;
  backend.wasm.tfjs.registerTensor(id, size, address);
  return id;
}

/** out[m, n] = Σ_k a[m, k] b[k, n], on heap addresses. */
function product(backend: WasmBackend, a: number, b: number, out: number, m: number, k: number, n: number): void {
  const { product: run, shapes } = libraryOf(backend);
  new Int32Array(backend.wasm.HEAPU8.buffer, shapes, 6).set([1, m, k, 1, k, n]);
  const aId = register(backend, a, m * k);
  const bId = register(backend, b, k * n);
  const outId = register(backend, out, m * n);
  run(aId, shapes, 3, bId, shapes + 12, 3, 0, 0, outId);
  backend.wasm.tfjs.disposeData(aId);
  backend.wasm.tfjs.disposeData(bId);
  backend.wasm.tfjs.disposeData(outId);
}

/** The same for tiny matrices: rows of b are added up, so that the inner loop runs over consecutive numbers. */
function smallProduct(heap: Float32Array, a: number, b: number, out: number, m: number, k: number, n: number): void {
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let inner = 0, at = b + column; inner < k; inner++, at += n) sum += heap[a + row * k + inner]! * heap[at]!;
      heap[out + row * n + column] = sum;
    }
  }
}

/** For each batch of the broadcast result, the batch of an operand that takes part in it. */
function batchIndex(batch: readonly number[], result: readonly number[]): number[] {
  const indices: number[] = [0];
  const offset = result.length - batch.length;
  let all = indices;
  for (let axis = 0; axis < result.length; axis++) {
    const extent = axis < offset ? 1 : batch[axis - offset]!;
    const next: number[] = [];
    for (const index of all) for (let i = 0; i < result[axis]!; i++) next.push(index * extent + (extent === 1 ? 0 : i));
    all = next;
  }
  return all;
}

/** Swaps the last two axes; a temporary that the caller releases. */
function turned(backend: WasmBackend, x: TensorInfo): TensorInfo {
  const rank = x.shape.length;
  const shape = [...x.shape.slice(0, -2), x.shape[rank - 1]!, x.shape[rank - 2]!];
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  if (rows === 1 || columns === 1) return reshaped(backend, x, shape);
  const result = allocate(backend, shape);
  turnMatrices(floats(backend, x), 0, floats(backend, result), 0, sizeOf(x.shape.slice(0, -2)), rows, columns);
  return result;
}

/**
 * out[…, m, n] = Σ_k a[…, m, k] b[…, k, n], with either operand transposed in its last two axes on request. Leading axes
 * broadcast.
 */
export function matMul(
  backend: WasmBackend,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
): TensorInfo {
  const left = transposeA ? turned(backend, a) : reshaped(backend, a, a.shape);
  const right = transposeB ? turned(backend, b) : reshaped(backend, b, b.shape);
  const [m, k] = left.shape.slice(-2) as [number, number];
  const [inner, n] = right.shape.slice(-2) as [number, number];
  if (inner !== k) {
    throw new Error(
      `matMul: shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}] with transposeA=${transposeA} and ` +
        `transposeB=${transposeB} disagree in the inner extent, ${k} and ${inner}; make them equal.`,
    );
  }
  const leftBatch = left.shape.slice(0, -2);
  const rightBatch = right.shape.slice(0, -2);
  const batch = tf.backend_util.assertAndGetBroadcastShape(leftBatch, rightBatch);
  const out = allocate(backend, [...batch, m, n]);
  const count = sizeOf(batch);
  if (count * m * n * k === 0) {
    floats(backend, out).fill(0);
    release(backend, left, right);
    return out;
  }
  const [aStart, bStart, outStart] = [left, right, out].map((info) => addressOf(backend, info)) as [
    number,
    number,
    number,
  ];
  if (sizeOf(rightBatch) === 1 && sizeOf(leftBatch) === count) {
    product(backend, aStart, bStart, outStart, count * m, k, n);
  } else {
    const aOf = batchIndex(leftBatch, batch);
    const bOf = batchIndex(rightBatch, batch);
    const heap = m * k * n <= SMALL_PRODUCT ? new Float32Array(backend.wasm.HEAPU8.buffer) : undefined;
    for (let item = 0; item < count; item++) {
      const aAt = aStart + 4 * aOf[item]! * m * k;
      const bAt = bStart + 4 * bOf[item]! * k * n;
      const outAt = outStart + 4 * item * m * n;
      if (heap) smallProduct(heap, aAt / 4, bAt / 4, outAt / 4, m, k, n);
      else product(backend, aAt, bAt, outAt, m, k, n);
    }
  }
  release(backend, left, right);
  return out;
}

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

interface FusedAttributes extends MatMulAttributes {
  activation: string;
  leakyreluAlpha?: number;
}

const activationKernels: Record<string, string> = {
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  elu: 'Elu',
};

/** matMul, then bias (any shape that broadcasts), then activation. */
const fusedMatMul: WasmKernel<FusedAttributes> = ({ a, b, bias, preluActivationWeights }, attributes, backend) => {
  let result = matMul(backend, a!, b!, attributes.transposeA, attributes.transposeB);
  const then = (name: string, inputs: Record<string, TensorInfo>, given = {}): void => {
    const next = runKernel(backend, name, inputs, given);
    release(backend, result);
    result = next;
  };
  if (bias) then('Add', { a: result, b: bias });
  if (attributes.activation === 'prelu') then('Prelu', { x: result, alpha: preluActivationWeights! });
  else if (attributes.activation === 'leakyrelu') {
    then('LeakyRelu', { x: result }, { alpha: attributes.leakyreluAlpha ?? 0.2 });
  } else if (attributes.activation !== 'linear') {
    const kernel = activationKernels[attributes.activation];
    if (!kernel) {
      release(backend, result);
      throw new Error(
        `fused.matMul: activation '${attributes.activation}' is unknown on wasm; use linear, prelu, leakyrelu or one of ` +
          `${Object.keys(activationKernels).join(', ')}.`,
      );
    }
    then(kernel, { x: result });
  }
  return result;
};

/** Registers matMul and its fused form. */
export function installMatMul(): void {
  const wholeNumbers = onReference('BatchMatMul');
  replaceKernel<MatMulAttributes>('BatchMatMul', ({ a, b }, attributes, backend) => {
    for (const { shape } of [a!, b!]) {
      if (shape.length < 2) {
        throw new Error(
          `matMul: an operand of shape [${shape.join(', ')}]; give both at least two axes, a vector by reshape.`,
        );
      }
    }
    return a!.dtype === 'float32' && b!.dtype === 'float32'
      ? matMul(backend, a!, b!, attributes.transposeA, attributes.transposeB)
      : wholeNumbers({ a: a!, b: b! }, { ...attributes }, backend);
  });
  replaceKernel<FusedAttributes>('_FusedMatMul', fusedMatMul);
}
