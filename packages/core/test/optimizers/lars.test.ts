/** LARS against NumPy in double precision, to a millionth. */
import { readFileSync } from 'node:fs';
import { compile, tf, useBackend } from '@milestones/backend';
import { describe, expect, it } from 'vitest';
import { LARS } from '../../src/optimizers/index.ts';
import { Parameter } from '../../src/parameter.ts';

type Values = Record<string, number[]>;
interface Fixture {
  shapes: Values;
  start: Values;
  gradients: Values[];
  cases: {
    learningRate: number;
    momentum: number;
    weightDecay: number;
    trustCoefficient: number;
    after: Record<string, Values>;
  }[];
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/lars.json', import.meta.url), 'utf8')) as Fixture;

function makeParameters(): Map<string, Parameter> {
  return new Map(
    Object.entries(fixture.start).map(([name, values]) => {
      const parameter = new Parameter(fixture.shapes[name]!, () => tf.zeros([1]));
      tf.tidy(() => parameter.assign(tf.tensor(values, fixture.shapes[name])));
      return [name, parameter];
    }),
  );
}

describe.each(['cpu', 'wasm', 'onnx'] as const)('LARS on %s', (engine) => {
  it.each(fixture.cases)(
    'rate $learningRate, momentum $momentum, decay $weightDecay, trust $trustCoefficient',
    async ({ learningRate, after, ...options }) => {
      await useBackend(engine);
      const parameters = makeParameters();
      const optimizer = new LARS(options).initialize(parameters);
      const names = [...parameters.keys()];
      const step = compile((rate: tf.Scalar, ...gradients: tf.Tensor[]) => {
        const named = Object.fromEntries(names.map((name, index) => [name, gradients[index]!]));
        optimizer.update(parameters, named, rate);
        return tf.add(rate, 0);
      });
      for (const [index, values] of fixture.gradients.entries()) {
        const inputs = names.map((name) => tf.tensor(values[name]!, fixture.shapes[name]));
        const rate = tf.scalar(learningRate);
        tf.dispose([await step(rate, ...inputs), rate, ...inputs]);
        for (const [name, wanted] of Object.entries(after[String(index + 1)] ?? {})) {
          const found = parameters.get(name)!.value.dataSync();
          wanted.forEach((value, place) => {
            const error = Math.abs(found[place]! - value) / Math.max(1, Math.abs(value));
            expect(error, `step ${index + 1}, ${name}[${place}]`).toBeLessThan(1e-6);
          });
        }
      }
      await step.dispose();
      optimizer.dispose();
      for (const parameter of parameters.values()) parameter.dispose();
    },
  );
});

it('LARS refuses what it cannot work with', () => {
  expect(() => new LARS({ momentum: 1 })).toThrow('lars: momentum is 1');
  expect(() => new LARS({ weightDecay: -1 })).toThrow('lars: weightDecay is -1');
  expect(() => new LARS({ trustCoefficient: Number.NaN })).toThrow('lars: trustCoefficient is NaN');
});
