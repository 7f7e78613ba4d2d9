/** Every optimizer against PyTorch over 50 steps, and against itself on the other engine. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import * as optimizers from '../../src/optimizers/index.ts';
import { Parameter } from '../../src/parameter.ts';

type Values = Record<string, number[]>;
interface Fixture {
  shapes: Record<string, number[]>;
  start: Values;
  gradients: Values[];
  cases: { optimizer: string; options: Record<string, unknown>; learningRate: number; after: Record<string, Values> }[];
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/optimizers.json', import.meta.url), 'utf8')) as Fixture;

const OPTIMIZERS: Record<string, unknown> = { ...optimizers };

function makeParameters(): Map<string, Parameter> {
  return new Map(
    Object.entries(fixture.start).map(([name, values]) => {
      const parameter = new Parameter(fixture.shapes[name] as number[], () => tf.zeros([1]));
      const initial = tf.tensor(values, fixture.shapes[name] as number[]);
      parameter.assign(initial);
      initial.dispose();
      return [name, parameter];
    }),
  );
}

function makeOptimizer(name: string, options: Record<string, unknown>): optimizers.Optimizer {
  const { mask, ...rest } = options;
  const constructor = OPTIMIZERS[name] as typeof optimizers.Adam;
  return new constructor({ ...rest, ...(mask === undefined ? {} : { decay: optimizers.decayMatrices }) });
}

/** The parameters after each recorded step. */
function run(
  name: string,
  options: Record<string, unknown>,
  learningRate: number,
  recorded: string[],
): Record<string, Values> {
  const parameters = makeParameters();
  const optimizer = makeOptimizer(name, options).initialize(parameters);
  const after: Record<string, Values> = {};
  fixture.gradients.forEach((values, index) => {
    tf.tidy(() => {
      const gradients = Object.fromEntries(
        Object.entries(values).map(([path, numbers]) => [path, tf.tensor(numbers, fixture.shapes[path] as number[])]),
      );
      optimizer.update(parameters, gradients, tf.scalar(learningRate));
    });
    const step = String(index + 1);
    if (!recorded.includes(step)) return;
    after[step] = Object.fromEntries(
      [...parameters].map(([path, parameter]) => [path, Array.from(parameter.value.dataSync())]),
    );
  });
  optimizer.dispose();
  for (const parameter of parameters.values()) parameter.dispose();
  return after;
}

function expectParity(actual: Record<string, Values>, expected: Record<string, Values>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [step, values] of Object.entries(expected)) {
    for (const [path, numbers] of Object.entries(values)) {
      numbers.forEach((wanted, index) => {
        const got = actual[step]?.[path]?.[index] as number;
        const error = Math.abs(got - wanted) / Math.max(Math.abs(wanted), 0.1);
        expect(error, `step ${step}, ${path}[${index}]: ${got}, PyTorch has ${wanted}`).toBeLessThan(1e-5);
      });
    }
  }
}

for (const engine of ['cpu', 'wasm'] as const) {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      await useBackend(engine);
    });
    for (const { optimizer, options, learningRate, after } of fixture.cases) {
      it(`${optimizer} ${JSON.stringify(options)} follows PyTorch for 50 steps`, () => {
        expectParity(run(optimizer, options, learningRate, Object.keys(after)), after);
      });
    }
  });
}
