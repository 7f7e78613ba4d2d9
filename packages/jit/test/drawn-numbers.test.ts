import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
// The numbers' definition lives one package above; nothing but tests looks up.
import { fillCounterRandom } from '../../backend/src/threefry.ts';
import { Graph } from '../src/graph/graph.ts';
import { plainCpu } from '../src/graph/target.ts';
import { compileStep, registerOnnxBackend } from '../src/index.ts';

type Distribution = 'bits' | 'uniform' | 'normal';

const draw = (key: tf.Tensor, stream: number, shape: number[], distribution: Distribution): tf.Tensor =>
  tf.engine().runKernel('MilestonesCounterRandom', { key }, { stream, shape, distribution }) as tf.Tensor;

function wanted(key: readonly number[], stream: number, count: number, distribution: Distribution): number[] {
  const numbers = distribution === 'bits' ? new Int32Array(count) : new Float32Array(count);
  fillCounterRandom(numbers, key[0]!, key[1]!, stream, distribution);
  return Array.from(numbers);
}

const keys = [
  [1, 2],
  [-5, 2 ** 31 - 1],
] as const;

beforeAll(async () => {
  await registerOnnxBackend();
  await tf.setBackend('onnx');
});

describe.each(['worker', 'inline'] as const)('random numbers of a compiled step, thread %s', (thread) => {
  it.each(['argument', 'variable', 'computed'] as const)(
    'are those of the definition, whose key is: %s',
    async (kind) => {
      const variable = tf.variable(tf.zeros([2], 'int32'), false);
      const step = compileStep(
        (argument: tf.Tensor) => {
          const key =
            kind === 'argument' ? argument : kind === 'variable' ? variable : tf.reverse(tf.reverse(argument, 0), 0);
          return {
            bits: draw(key, 3, [7], 'bits'),
            uniform: draw(key, 4, [2, 33], 'uniform'),
            again: tf.mul(draw(key, 4, [2, 33], 'uniform'), 2),
            normal: draw(key, 5, [3, 3], 'normal'),
            none: draw(key, 5, [0], 'uniform'),
          };
        },
        { thread },
      );
      for (const key of keys) {
        const argument = tf.tensor1d([...key], 'int32');
        variable.assign(argument);
        const found = await step(argument);
        const read = (name: keyof typeof found): number[] => Array.from(found[name].dataSync());
        expect(read('bits')).toEqual(wanted(key, 3, 7, 'bits'));
        const uniform = wanted(key, 4, 66, 'uniform');
        expect(read('uniform')).toEqual(uniform);
        expect(read('again')).toEqual(uniform.map((number) => 2 * number));
        const normal = wanted(key, 5, 9, 'normal');
        for (const [index, number] of read('normal').entries()) expect(number).toBeCloseTo(normal[index]!, 5);
        expect(found.none.shape).toEqual([0]);
        expect(found.uniform.shape).toEqual([2, 33]);
        tf.dispose([argument, found]);
      }
      await step.dispose();
      variable.dispose();
    },
  );
});

it('are the same where they are not drawn beside the graph', async () => {
  const engine = await registerOnnxBackend();
  const target = { ...(await engine.target()), without: ['drawn numbers'] as const };
  const step = (key: tf.Tensor) => draw(key, 9, [40], 'uniform');
  const key = tf.tensor1d([3, 4], 'int32');
  const beside = compileStep(step);
  const inside = compileStep(step, { engine: { ...engine, target: async () => target } });
  const found = [await beside(key), await inside(key)];
  expect(found[1]!.dataSync()).toEqual(found[0]!.dataSync());
  tf.dispose([key, found]);
  await beside.dispose();
  await inside.dispose();
});

describe('Graph.draw', () => {
  it('draws from the keys that it was told, once each, and not too much', () => {
    const graph = new Graph(plainCpu);
    const [key, other] = ['key', 'other'].map((name) => graph.input(name, [2], 'int32'));
    graph.keys.add(key!);
    expect(graph.draw(other!, 1, [4], 'float32')).toBeUndefined();
    const drawn = graph.draw(key!, 1, [4], 'float32');
    expect(drawn).toMatchObject({ shape: [4], dtype: 'float32' });
    expect(graph.draw(key!, 1, [4], 'float32')).toBe(drawn);
    expect(graph.draw(key!, 2, [4], 'float32')).not.toBe(drawn);
    expect(graph.draw(key!, 3, [2 ** 23], 'float32')).toBeUndefined();
    expect(graph.drawn.map(({ stream }) => stream)).toEqual([1, 2]);
    expect(graph.inputs.map(({ inputName }) => inputName)).toHaveLength(4);
  });
});
