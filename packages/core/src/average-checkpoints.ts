import type { TensorData } from './safetensors/format.ts';

/**
 * The mean of the same model's weights at several points of training, each counted alike: a ← (θ₁ + … + θ_n) / n. The
 * Transformer paper (Vaswani et al. 2017, section 6.1) tests the mean of the last 5 checkpoints, and of the last 20 for
 * the big model. Sums are float64, so that the mean does not depend on how many there are.
 *
 * For an average that is kept during training see `WeightAverage`.
 *
 * @param records groups of `loadCheckpoint(…).tensors`, such as `model`; float32 or float64. Other types, such as
 *   counters, must be equal in all
 * @returns new arrays; `dataToTensors` makes tensors of them for `model.loadStateDict`
 * @throws when there are none, or names, types or shapes differ
 */
export function averageCheckpoints(
  records: readonly Readonly<Record<string, TensorData>>[],
): Record<string, TensorData> {
  const [first, ...others] = records;
  if (first === undefined) {
    throw new Error('averageCheckpoints: no weights arrived; give those of at least one checkpoint.');
  }
  for (const [index, record] of others.entries()) checkAlike(first, record, index + 1);
  const average: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(first)) {
    const shape = [...tensor.shape];
    if (tensor.dtype === 'float32' || tensor.dtype === 'float64') {
      const mean = meanOf(records.map((record) => record[name]!.data as Float32Array | Float64Array));
      average[name] =
        tensor.dtype === 'float64'
          ? { dtype: 'float64', shape, data: mean }
          : { dtype: 'float32', shape, data: Float32Array.from(mean) };
      continue;
    }
    for (const [index, record] of others.entries()) {
      const other = record[name]!.data;
      const at = tensor.data.findIndex((value: number | bigint, place: number) => other[place] !== value);
      if (at >= 0) {
        throw new Error(
          `averageCheckpoints: ${name} is of type ${tensor.dtype} and differs between checkpoints 0 and ${index + 1}; ` +
            'only float32 and float64 can be averaged. Give the weights of the model alone.',
        );
      }
    }
    average[name] = { ...tensor, shape, data: tensor.data.slice() } as TensorData;
  }
  return average;
}

function meanOf(arrays: readonly (Float32Array | Float64Array)[]): Float64Array {
  const mean = new Float64Array(arrays[0]!.length);
  for (const values of arrays) for (let index = 0; index < mean.length; index++) mean[index]! += values[index]!;
  for (let index = 0; index < mean.length; index++) mean[index]! /= arrays.length;
  return mean;
}

function checkAlike(
  first: Readonly<Record<string, TensorData>>,
  other: Readonly<Record<string, TensorData>>,
  index: number,
): void {
  const describe = (tensor: TensorData | undefined): string =>
    tensor === undefined ? 'missing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  const names = new Set([...Object.keys(first), ...Object.keys(other)]);
  const misfits = [...names].filter((name) => describe(first[name]) !== describe(other[name]));
  if (misfits.length === 0) return;
  const shown = misfits
    .slice(0, 8)
    .map((name) => `${name} is ${describe(first[name])} and ${describe(other[name])}`)
    .join('; ');
  throw new Error(
    `averageCheckpoints: the weights of checkpoints 0 and ${index} are not of the same model: ${shown}` +
      `${misfits.length > 8 ? '; …' : ''}. Give checkpoints of one run.`,
  );
}
