import { describe, expect, it } from 'vitest';
// The numbers' definition lives one package above; nothing but this test looks up.
import { fillCounterRandom } from '../../../backend/src/threefry.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { runGraph, usualTarget } from '../run-graph.ts';

const keys = [Int32Array.of(0, 0), Int32Array.of(-1, 2 ** 31 - 1), Int32Array.of(1234567, -(2 ** 31))];
const shapes = [[], [1], [2], [7], [3, 5, 2], [0], [4, 1000]];
const streams = [0, 1, 2 ** 32 - 1];

describe('random numbers from a key and a position', () => {
  for (const distribution of ['bits', 'uniform', 'normal'] as const) {
    it(`are those of the host: ${distribution}`, async () => {
      const graph = new Graph(usualTarget);
      const outputs: Record<string, Value> = {};
      keys.forEach((_, index) => {
        const key = graph.input(`key${index}`, [2], 'int32');
        for (const stream of streams) {
          for (const shape of shapes) {
            const attributes = { stream, shape, distribution };
            outputs[`${index}/${stream}/${shape.join('x')}`] = kernels.get('MilestonesCounterRandom')!(
              graph,
              { key },
              attributes,
            ) as Value;
          }
        }
      });
      const results = await runGraph(
        graph,
        outputs,
        Object.fromEntries(keys.map((key, index) => [`key${index}`, key])),
      );
      keys.forEach((key, index) => {
        for (const stream of streams) {
          for (const shape of shapes) {
            const name = `${index}/${stream}/${shape.join('x')}`;
            const found = results[name]!;
            const size = shape.reduce((product, length) => product * length, 1);
            const wanted: Int32Array | Float32Array =
              distribution === 'bits' ? new Int32Array(size) : new Float32Array(size);
            fillCounterRandom(wanted, key[0]!, key[1]!, stream, distribution);
            expect(found.shape, name).toEqual(shape);
            expect(found.dtype, name).toBe(distribution === 'bits' ? 'int32' : 'float32');
            // Bits and uniform numbers are exact, cosines and logarithms nearly so.
            const largest = Array.from(wanted).reduce(
              (error, number, position) => Math.max(error, Math.abs(number - Number(found.data[position]))),
              0,
            );
            expect(largest, name).toBeLessThanOrEqual(distribution === 'normal' ? 1e-6 : 0);
          }
        }
      });
    });
  }
});
