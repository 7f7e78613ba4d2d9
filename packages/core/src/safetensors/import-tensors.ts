/**
 * Weights under other names and in other layouts than a model's own: which tensor of a file is which parameter, as data, used
 * in both directions.
 */
import type { TensorData } from './format.ts';
import { widenToFloat32 } from './float16.ts';
import { transposeTensorData } from './transpose.ts';

/** Where the values of a parameter are in a file. */
export interface TensorPlace {
  /** The tensor's name in the file. */
  readonly name: string;
  /** The parameter's shape. */
  readonly shape: readonly number[];
  /** Whether the file has the two axes the other way round, as linear layers of PyTorch do. */
  readonly transposed?: boolean;
  /** Where the file joins several parameters along the last axis: which of how many this is. */
  readonly part?: { readonly index: number; readonly of: number };
}

/**
 * Picks a model's parameters from a file's tensors, by parameter path, as float32 (half precision is widened).
 *
 * @param where names the caller in messages
 * @param places by parameter path
 * @throws when a tensor is missing, left over or of another shape; the message names each, as the file has it
 */
export function importTensors(
  where: string,
  tensors: Readonly<Record<string, TensorData>>,
  places: ReadonlyMap<string, TensorPlace>,
): Record<string, TensorData> {
  const wanted = new Map<string, number[]>();
  for (const place of places.values()) wanted.set(place.name, shapeInFile(place));
  const missing = [...wanted.keys()].filter((name) => tensors[name] === undefined);
  const unexpected = Object.keys(tensors).filter((name) => !wanted.has(name));
  const misshapen: string[] = [];
  for (const [name, shape] of wanted) {
    const arrived = tensors[name]?.shape;
    if (arrived !== undefined && arrived.join() !== shape.join()) {
      misshapen.push(`${name} is [${arrived.join(', ')}] and should be [${shape.join(', ')}]`);
    }
  }
  const problems = [
    ...(missing.length === 0 ? [] : [`missing: ${listed(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`unexpected: ${listed(unexpected)}`]),
    ...(misshapen.length === 0 ? [] : [`of another shape: ${listed(misshapen)}`]),
  ];
  if (problems.length > 0) {
    throw new Error(
      `${where}: the weights do not fit the configuration (${problems.join('; ')}); ` +
        'give config.json and weights of the same model.',
    );
  }
  const imported: Record<string, TensorData> = {};
  for (const [path, place] of places) {
    const tensor = tensors[place.name]!;
    const whole: TensorData = { dtype: 'float32', shape: [...tensor.shape], data: widenToFloat32(tensor) };
    const turned = place.transposed === true ? transposeTensorData(whole, [1, 0]) : whole;
    imported[path] = place.part === undefined ? turned : partOf(turned, place);
  }
  return imported;
}

/** The inverse of {@link importTensors}: the tensors of a file for a model's parameters. */
export function exportTensors(
  state: Readonly<Record<string, TensorData>>,
  places: ReadonlyMap<string, TensorPlace>,
): Record<string, TensorData> {
  const exported: Record<string, TensorData> = {};
  for (const [path, place] of places) {
    const tensor = state[path];
    if (tensor?.dtype !== 'float32') throw new Error(`exportTensors: there are no float32 values for ${path}.`);
    if (place.part === undefined) {
      exported[place.name] = place.transposed === true ? transposeTensorData(tensor, [1, 0]) : tensor;
      continue;
    }
    const shape = shapeInFile(place);
    const whole = (exported[place.name] ??= {
      dtype: 'float32',
      shape,
      data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
    });
    copyColumns(tensor.data, whole.data as Float32Array, place, 'in');
  }
  return exported;
}

function shapeInFile({ shape, transposed, part }: TensorPlace): number[] {
  const joined = [...shape];
  if (part !== undefined) joined[joined.length - 1]! *= part.of;
  return transposed === true ? joined.toReversed() : joined;
}

function partOf(tensor: TensorData, place: TensorPlace): TensorData {
  const data = new Float32Array(place.shape.reduce((product, size) => product * size, 1));
  copyColumns(data, tensor.data as Float32Array, place, 'out');
  return { dtype: 'float32', shape: [...place.shape], data };
}

/** Copies the columns of one part `out` of the whole, or `in`to it. */
function copyColumns(part: Float32Array, whole: Float32Array, place: TensorPlace, direction: 'in' | 'out'): void {
  const width = place.shape.at(-1)!;
  const { index, of } = place.part!;
  for (let row = 0; row * width < part.length; row++) {
    const start = row * width * of + index * width;
    if (direction === 'in') whole.set(part.subarray(row * width, (row + 1) * width), start);
    else part.set(whole.subarray(start, start + width), row * width);
  }
}

/** At most eight names, then a count. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
