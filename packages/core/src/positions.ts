import { tf } from '@milestones/backend';
import type { Initializer } from './initializers.ts';

/**
 * The Transformer's table of positions. Vaswani et al. 2017, section 3.5:
 *
 *   PE(t, 2i) = sin(t / 10000^(2i/C)),   PE(t, 2i + 1) = cos(t / 10000^(2i/C))
 *
 * Computed in float64: the angle of a late position loses its digits in float32.
 *
 * @param length number of positions, T
 * @param features C; of an odd number the last sine has no cosine
 * @returns [T, C], flat
 */
export function sinusoidalPositions(length: number, features: number): Float32Array {
  for (const [name, value] of Object.entries({ length, features })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`sinusoidalPositions: ${name} is ${value}; give a whole number of at least 1.`);
    }
  }
  const table = new Float32Array(length * features);
  for (let feature = 0; feature < features; feature++) {
    const rate = 10_000 ** (-(feature - (feature % 2)) / features);
    const wave = feature % 2 === 0 ? Math.sin : Math.cos;
    for (let position = 0; position < length; position++) table[position * features + feature] = wave(position * rate);
  }
  return table;
}

/**
 * {@link sinusoidalPositions} as an initializer, for a table that is part of a model without being trained:
 * `new Parameter([T, C], sinusoidal(), { trainable: false })`. It is saved with the model and counts no weights.
 */
export function sinusoidal(): Initializer {
  return (shape) => {
    const [length, features] = shape;
    if (shape.length !== 2 || length === undefined || features === undefined) {
      throw new Error(`sinusoidal: the shape [${shape.join(', ')}] arrived; positions are [length, features].`);
    }
    return tf.tensor(sinusoidalPositions(length, features), [length, features], 'float32');
  };
}
