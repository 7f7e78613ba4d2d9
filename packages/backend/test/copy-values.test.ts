import { afterEach, describe, expect, it, vi } from 'vitest';
import { compile, copyValues, tf, useBackend } from '@milestones/backend';

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(['onnx', 'cpu'] as const)('copyValues on the engine %s', (engine) => {
  it('reads what a compiled step left in a variable, after each step', async () => {
    await useBackend(engine);
    const variable = tf.tidy(() => tf.variable(tf.tensor2d([1, 2, 3, 4], [2, 2])));
    for (const thread of ['worker', 'inline'] as const) {
      const step = compile(
        () => {
          variable.assign(tf.mul(variable, 2));
          return tf.sum(variable);
        },
        { thread },
      );
      const into = new Float32Array(4);
      for (let run = 0; run < 2; run++) {
        const before = Array.from(await variable.data());
        (await step()).dispose();
        await copyValues(variable, into);
        expect(Array.from(into)).toEqual(before.map((value) => 2 * value));
      }
      await step.dispose();
    }
    variable.dispose();
  });

  it('reads integers and tensors that no step has seen', async () => {
    await useBackend(engine);
    const into = new Int32Array(3);
    const tensor = tf.tensor1d([7, 8, 9], 'int32');
    await copyValues(tensor, into);
    expect(Array.from(into)).toEqual([7, 8, 9]);
    tensor.dispose();
  });

  it('refuses an array of another size or type', async () => {
    await useBackend(engine);
    const tensor = tf.tensor1d([1, 2, 3]);
    await expect(copyValues(tensor, new Float32Array(2))).rejects.toThrow(
      /2 × float32 .* shape \[3\].* Float32Array of 3/,
    );
    await expect(copyValues(tensor, new Int32Array(3))).rejects.toThrow(/3 × int32 .* type float32/);
    tensor.dispose();
  });
});

it('makes no array on the way from the session of a compiled step', async () => {
  await useBackend('onnx');
  const variable = tf.tidy(() => tf.variable(tf.zeros([1000])));
  const step = compile(() => {
    variable.assign(tf.add(variable, 1));
    return tf.sum(variable);
  });
  (await step()).dispose();
  const slice = vi.spyOn(Float32Array.prototype, 'slice');
  const into = new Float32Array(1000);
  await copyValues(variable, into);
  expect(into[999]).toBe(1);
  expect(slice).not.toHaveBeenCalled();
  await variable.data();
  expect(slice).toHaveBeenCalled(); // so the check above can fail
  await step.dispose();
  variable.dispose();
});
