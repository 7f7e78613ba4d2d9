/**
 * Einsum on the cpu and WASM engines.
 *
 * The kernel of tfjs 4.22 leaves out an operand none of whose letters is summed when another letter is (bi,j->bj gives
 * [b, 1] instead of [b, j]), returns an operand uncounted where there is nothing to do, stops at two operands, and WASM has
 * none. Here each pair of operands becomes one batched matrix product:
 *
 *   letters in both operands and still wanted → batch;   in both, not wanted → contracted;
 *   in one operand and wanted → rows or columns;         in one, not wanted → summed away first.
 */
import { tf } from '../tf.ts';

interface Backend {
  disposeData(dataId: object): boolean;
}

interface Term {
  letters: string;
  info: tf.TensorInfo;
}

/** Runs kernels on one engine and frees what they made along the way. */
class Workspace {
  readonly engine: string;
  readonly backend: Backend;
  private readonly made: tf.TensorInfo[] = [];

  constructor(engine: string, backend: Backend) {
    this.engine = engine;
    this.backend = backend;
  }

  run(kernel: string, inputs: Record<string, tf.TensorInfo>, attributes: object): tf.TensorInfo {
    const info = tf.getKernel(kernel, this.engine).kernelFunc({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attributes as tf.NamedAttrMap,
      backend: this.backend as never,
    }) as tf.TensorInfo;
    this.made.push(info);
    return info;
  }

  reshape(x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
    return this.run('Reshape', { x }, { shape });
  }

  /** Frees every intermediate result but this one. */
  finish(result: tf.TensorInfo): tf.TensorInfo {
    for (const info of this.made) if (info !== result) this.backend.disposeData(info.dataId);
    return result;
  }
}

function pick(letters: string, test: (letter: string) => boolean): string {
  return [...letters].filter(test).join('');
}

/** Sums away what is not wanted and puts the rest in the order of `wanted`. */
function arrange(work: Workspace, { letters, info }: Term, wanted: string): tf.TensorInfo {
  const axes = [...letters].map((_, axis) => axis).filter((axis) => !wanted.includes(letters[axis]!));
  const kept = pick(letters, (letter) => wanted.includes(letter));
  const summed = axes.length > 0 ? work.run('Sum', { x: info }, { axis: axes, keepDims: false }) : info;
  const perm = [...wanted].map((letter) => kept.indexOf(letter));
  return work.run('Transpose', { x: summed }, { perm });
}

/** Joins two terms into one that has the letters `wanted`, in that order. */
function contract(work: Workspace, left: Term, right: Term, wanted: string, sizes: Map<string, number>): Term {
  const extent = (letters: string): number => tf.util.sizeFromShape([...letters].map((letter) => sizes.get(letter)!));
  const both = pick(left.letters, (letter) => right.letters.includes(letter));
  const batch = pick(both, (letter) => wanted.includes(letter));
  const inner = pick(both, (letter) => !wanted.includes(letter));
  const rows = pick(left.letters, (letter) => wanted.includes(letter) && !batch.includes(letter));
  const columns = pick(right.letters, (letter) => wanted.includes(letter) && !batch.includes(letter));
  const a = work.reshape(arrange(work, left, batch + rows + inner), [extent(batch), extent(rows), extent(inner)]);
  const b = work.reshape(arrange(work, right, batch + inner + columns), [
    extent(batch),
    extent(inner),
    extent(columns),
  ]);
  const product = work.run('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
  const letters = batch + rows + columns;
  const info = work.reshape(
    product,
    [...letters].map((letter) => sizes.get(letter)!),
  );
  return { letters: wanted, info: arrange(work, { letters, info }, wanted) };
}

/** Reads the extents of all letters, and says what does not fit. */
function measure(equation: string, terms: Term[], output: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { letters, info } of terms) {
    if (letters.length !== info.shape.length) {
      throw new Error(
        `einsum: term '${letters}' of '${equation}' with a tensor of shape [${info.shape.join(', ')}]; ` +
          'give every axis one letter.',
      );
    }
    if (new Set(letters).size !== letters.length) {
      throw new Error(
        `einsum: term '${letters}' of '${equation}' has a letter twice, which is not implemented yet; ` +
          'take the diagonal first.',
      );
    }
    for (const [axis, letter] of [...letters].entries()) {
      const extent = info.shape[axis]!;
      if ((sizes.get(letter) ?? extent) !== extent) {
        throw new Error(
          `einsum: '${letter}' of '${equation}' wants dimension ${sizes.get(letter)} at axis ${axis} of input shaped ` +
            `[${info.shape.join()}]; make the sizes equal.`,
        );
      }
      sizes.set(letter, extent);
    }
  }
  for (const letter of output) {
    if (!sizes.has(letter)) {
      // tfjs's own words: its tests ask for them.
      throw new Error(`Output subscripts contain the label ${letter} not present in the input subscripts.`);
    }
  }
  return sizes;
}

function einsum(work: Workspace, equation: string, infos: tf.TensorInfo[]): tf.TensorInfo {
  const [left, output, extra] = equation.replaceAll(/\s/g, '').split('->');
  if (output === undefined || extra !== undefined || equation.includes('.')) {
    throw new Error(
      `einsum: '${equation}' is not understood. Expecting exactly one arrow and no dots; write it as 'ij,jk->ik'.`,
    );
  }
  const letters = left!.split(',');
  if (letters.length !== infos.length) {
    throw new Error(
      `einsum: '${equation}' does not fit. Expected ${letters.length} input tensors, received ${infos.length}; ` +
        'give one for each term.',
    );
  }
  const terms = infos.map((info, i) => ({ letters: letters[i]!, info }));
  const sizes = measure(equation, terms, output);
  let joined: Term = terms[0]!;
  for (const [i, term] of terms.slice(1).entries()) {
    // What the result or a later operand still needs; after the last operand, exactly the result.
    const later = new Set(output + letters.slice(i + 2).join(''));
    const here = pick([...new Set(joined.letters + term.letters)].join(''), (letter) => later.has(letter));
    joined = contract(work, joined, term, i + 2 === terms.length ? output : here, sizes);
  }
  return work.finish(terms.length === 1 ? arrange(work, joined, output) : joined.info);
}

/** Replaces the Einsum kernel of one engine ('cpu' or 'wasm'). */
export function installEinsum(engine: string): void {
  if (tf.getKernel('Einsum', engine)) tf.unregisterKernel('Einsum', engine);
  tf.registerKernel({
    kernelName: 'Einsum',
    backendName: engine,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { equation } = attrs as unknown as { equation: string };
      return einsum(
        new Workspace(engine, backend as unknown as Backend),
        equation,
        Object.values(inputs) as tf.TensorInfo[],
      );
    },
  });
}
