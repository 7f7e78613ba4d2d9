import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { Module, Parameter, sinusoidal, sinusoidalPositions } from '../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('sinusoidalPositions', () => {
  it('has the published values', () => {
    const table = sinusoidalPositions(60, 512);
    expect([...table.subarray(0, 4)]).toEqual([0, 1, 0, 1]);
    for (const [index, value] of [0.841471, 0.540302, 0.821856, 0.569695].entries()) {
      expect(table[512 + index]).toBeCloseTo(value, 6);
    }
    expect(table[50 * 512 + 100]).toBeCloseTo(Math.sin(50 / 10_000 ** (100 / 512)), 7);
  });
  it('turns one position into another by a rotation that depends on their distance alone', () => {
    const features = 8;
    const table = sinusoidalPositions(5000, features);
    for (const position of [0, 7, 4990]) {
      for (let pair = 0; pair < features; pair += 2) {
        const angle = 3 / 10_000 ** (pair / features);
        const at = (time: number, feature: number): number => table[time * features + feature]!;
        const sine = at(position, pair) * Math.cos(angle) + at(position, pair + 1) * Math.sin(angle);
        expect(at(position + 3, pair)).toBeCloseTo(sine, 6);
      }
    }
  });
  it('is a table of a model that is not trained', () => {
    class Positions extends Module {
      readonly table = new Parameter([6, 5], sinusoidal(), { trainable: false });
    }
    const model = new Positions().initialize(1);
    expect(model.parameterCount()).toBe(0);
    expect([...model.table.value.dataSync()]).toEqual([...sinusoidalPositions(6, 5)]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
  it('refuses sizes that are none', () => {
    expect(() => sinusoidalPositions(0, 4)).toThrow('length is 0; give a whole number of at least 1');
    expect(() => sinusoidalPositions(4, 1.5)).toThrow('features is 1.5');
    expect(() => new Parameter([6], sinusoidal()).initialize(null as never)).toThrow(
      'positions are [length, features]',
    );
  });
});
