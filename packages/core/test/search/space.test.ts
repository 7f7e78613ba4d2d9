import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nestSettings, parseSpace } from '../../src/search.ts';
import { pointOf, settingsAt } from '../../src/search/unit-cube.ts';

const space = parseSpace({
  'optimizer.learningRate': { kind: 'range', from: 1e-5, to: 0.1, scale: 'log' },
  'optimizer.momentum': { kind: 'range', from: 0, to: 0.99 },
  'model.layers': { kind: 'integer', from: 1, to: 8 },
  'model.width': { kind: 'integer', from: 16, to: 1024, scale: 'log' },
  'model.activation': { kind: 'category', values: ['relu', 'tanh', 'gelu'] },
  'model.bias': { kind: 'category', values: [true, false] },
});

describe('parseSpace', () => {
  it('keeps names and order and fills in the linear scale', () => {
    expect(space.parameters.map(({ name }) => name)).toEqual([
      'optimizer.learningRate',
      'optimizer.momentum',
      'model.layers',
      'model.width',
      'model.activation',
      'model.bias',
    ]);
    expect(space.parameters[1]).toEqual({
      name: 'optimizer.momentum',
      kind: 'range',
      from: 0,
      to: 0.99,
      scale: 'linear',
    });
  });

  it.each([
    [[], /an array arrived/],
    [null, /null arrived/],
    ['{}', /a string arrived/],
    [{}, /names no setting/],
    [{ rate: { kind: 'range', from: 1, to: 0.1 } }, /rate is the empty range from 1 to 0\.1; give a "from" below/],
    [{ layers: { kind: 'integer', from: 3, to: 3 } }, /layers is the empty range from 3 to 3/],
    [{ rate: { kind: 'uniform', from: 0, to: 1 } }, /rate: kind: .*"range".*"uniform"/],
    [{ rate: { from: 0, to: 1 } }, /rate has no "kind"/],
    [{ optimizer: { rate: { kind: 'range', from: 0, to: 1 } } }, /join nested names by dots, optimizer\.inner/],
    [{ rate: { kind: 'range', from: 0 } }, /rate: to: it is missing; add it/],
    [{ rate: { kind: 'range', from: 0, to: 1, log: true } }, /rate: log: there is no such key/],
    [{ rate: { kind: 'range', from: 0, to: 1, scale: 'log' } }, /rate has a log scale from 0; give a "from" above 0/],
    [{ rate: { kind: 'range', from: 0, to: 1, scale: 'cubic' } }, /rate: scale: .*cubic/],
    [{ rate: { kind: 'range', from: -1.7e308, to: 1.7e308 } }, /too far for a number/],
    [{ rate: { kind: 'range', from: '0', to: 1 } }, /rate: from: .*number.*"0"/],
    [{ layers: { kind: 'integer', from: 0, to: 4, scale: 'log' } }, /"from" of 1 or more/],
    [{ layers: { kind: 'integer', from: 0.5, to: 4 } }, /layers: from: .*whole number.*0\.5/],
    [{ layers: { kind: 'integer', from: 1, to: 4, points: 1 } }, /layers: points: .*>=2.*1/],
    [{ shape: { kind: 'category', values: [] } }, /shape: values/],
    [{ shape: { kind: 'category', values: ['a', 'b', 'a'] } }, /shape lists "a" twice/],
    [{ 'bad name': { kind: 'category', values: ['a'] } }, /the name "bad name"/],
    [JSON.parse('{ "__proto__": { "kind": "category", "values": [1] } }'), /the name "__proto__"/],
    [
      { model: { kind: 'category', values: [1] }, 'model.size': { kind: 'category', values: [1] } },
      /model\.size lies inside model; keep one/,
    ],
  ])('refuses %j', (json, message) => {
    expect(() => parseSpace(json)).toThrow(message);
  });
});

describe('the unit cube', () => {
  const point = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 });

  it('has settings of the space at every point, and their own point leads back to them', () => {
    fc.assert(
      fc.property(point, (coordinates) => {
        const settings = settingsAt(space, coordinates);
        expect(settings['optimizer.learningRate']).toBeGreaterThanOrEqual(1e-5);
        expect(settings['optimizer.learningRate']).toBeLessThanOrEqual(0.1);
        const again = settingsAt(space, pointOf(space, settings));
        for (const name of ['optimizer.learningRate', 'optimizer.momentum']) {
          expect(Math.abs((again[name] as number) - (settings[name] as number))).toBeLessThan(1e-12);
        }
        for (const name of ['model.layers', 'model.width', 'model.activation', 'model.bias']) {
          expect(again[name]).toBe(settings[name]);
        }
      }),
    );
  });

  it('gives whole numbers equal shares of a linear scale, and the middle of a log scale its geometric mean', () => {
    const layers = Array.from({ length: 8 }, (_, index) => settingsAt(space, [0, 0, (index + 0.5) / 8, 0, 0, 0]));
    expect(layers.map((settings) => settings['model.layers'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(settingsAt(space, [0.5, 0, 0, 0, 0, 0])['optimizer.learningRate']).toBeCloseTo(1e-3, 12);
  });

  it('names the setting of a trial that the space does not have', () => {
    const settings = settingsAt(space, [0, 0, 0, 0, 0, 0]);
    expect(() => pointOf(space, { ...settings, 'model.layers': 9 })).toThrow(/model\.layers is 9; .* from 1 to 8/);
    expect(() => pointOf(space, { ...settings, 'model.layers': 2.5 })).toThrow(/whole number/);
    expect(() => pointOf(space, { ...settings, 'model.activation': 'elu' })).toThrow(/"elu"; .*\["relu"/);
    const { 'model.bias': _, ...rest } = settings;
    expect(() => pointOf(space, rest)).toThrow(/model\.bias is missing/);
  });
});

describe('nestSettings', () => {
  it('takes the dots apart', () => {
    expect(nestSettings({ 'model.layers': 3, 'model.head.size': 8, seed: 1 })).toEqual({
      model: { layers: 3, head: { size: 8 } },
      seed: 1,
    });
  });
});
