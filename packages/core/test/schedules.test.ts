import { describe, expect, it } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  inverseSquareRootDecaySchedule,
  inverseSquareRootSchedule,
  linearSchedule,
  stepSchedule,
} from '../src/schedules.ts';

describe('schedules', () => {
  it('constant', () => {
    expect([0, 7, 1e6].map(constantSchedule(0.1))).toEqual([0.1, 0.1, 0.1]);
  });

  it('step: at boundaries, and every so often', () => {
    const resnet = stepSchedule({ rate: 0.1, factor: 0.1, boundaries: [32000, 48000] });
    expect(resnet(0)).toBe(0.1);
    expect(resnet(31999)).toBe(0.1);
    expect(resnet(32000)).toBeCloseTo(0.01, 12);
    expect(resnet(47999)).toBeCloseTo(0.01, 12);
    expect(resnet(48000)).toBeCloseTo(0.001, 12);
    const halved = stepSchedule({ rate: 8, factor: 0.5, every: 10 });
    expect([0, 9, 10, 19, 20, 35].map(halved)).toEqual([8, 8, 4, 4, 2, 1]);
  });

  it('linear: up, then down', () => {
    const schedule = linearSchedule({ rate: 1, warmupSteps: 3, decaySteps: 11, minimum: 0.2 });
    expect([0, 1, 2, 3].map(schedule)).toEqual([0.25, 0.5, 0.75, 1]);
    expect(schedule(7)).toBeCloseTo(0.6, 12);
    expect(schedule(11)).toBe(0.2);
    expect(schedule(500)).toBe(0.2);
  });

  it('cosine: nanoGPT values', () => {
    const schedule = cosineSchedule({ rate: 1e-3, minimum: 1e-4, warmupSteps: 100, decaySteps: 5000 });
    expect(schedule(0)).toBeCloseTo(1e-3 / 101, 15);
    expect(schedule(99)).toBeCloseTo((1e-3 * 100) / 101, 15);
    expect(schedule(100)).toBe(1e-3);
    expect(schedule(2550)).toBeCloseTo(5.5e-4, 15);
    expect(schedule(3775)).toBeCloseTo(1e-4 + 4.5e-4 * (1 - Math.SQRT1_2), 12);
    expect(schedule(5000)).toBe(1e-4);
    expect(schedule(9999)).toBe(1e-4);
  });

  it('cosine without warm-up starts at the rate', () => {
    expect(cosineSchedule({ rate: 0.5, decaySteps: 10 })(0)).toBe(0.5);
  });

  it('no division by zero when the decay has no length', () => {
    const schedule = cosineSchedule({ rate: 1, minimum: 0.1, warmupSteps: 4, decaySteps: 4 });
    expect([0, 3, 4, 5].map(schedule)).toEqual([0.2, 0.8, 0.1, 0.1]);
    expect(linearSchedule({ rate: 1, decaySteps: 0 })(0)).toBe(0);
  });

  it('inverse square root: rises to the end of the warm-up, then falls', () => {
    const schedule = inverseSquareRootSchedule({ features: 512, warmupSteps: 4000 });
    const peak = 512 ** -0.5 * 4000 ** -0.5;
    expect(schedule(0)).toBeCloseTo(512 ** -0.5 * 4000 ** -1.5, 15);
    expect(schedule(3999)).toBeCloseTo(peak, 15);
    expect(schedule(15999)).toBeCloseTo(peak / 2, 15);
    expect(inverseSquareRootSchedule({ features: 512, warmupSteps: 4000, factor: 2 })(3999)).toBeCloseTo(2 * peak, 15);
  });

  it('1/√t', () => {
    const schedule = inverseSquareRootDecaySchedule(0.3);
    expect(schedule(0)).toBe(0.3);
    expect(schedule(8)).toBeCloseTo(0.1, 15);
  });

  it('refuses what makes no schedule', () => {
    expect(() => constantSchedule(-1)).toThrow(/constantSchedule: rate is -1; give a finite number of at least 0/);
    expect(() => constantSchedule(Number.NaN)).toThrow(/rate is NaN/);
    expect(() => stepSchedule({ rate: 1, factor: 0.1, every: 0 })).toThrow(/every is 0/);
    expect(() => stepSchedule({ rate: 1, factor: 0.1, boundaries: [-5] })).toThrow(/boundary is -5/);
    expect(() => cosineSchedule({ rate: 1, warmupSteps: 10, decaySteps: 5 })).toThrow(/decaySteps 5 lies before .* 10/);
    expect(() => cosineSchedule({ rate: 0.1, minimum: 1, decaySteps: 5 })).toThrow(/minimum 1 is above rate 0.1/);
    expect(() => linearSchedule({ rate: Infinity, decaySteps: 5 })).toThrow(/linearSchedule: rate is Infinity/);
    expect(() => inverseSquareRootSchedule({ features: 512, warmupSteps: 0 })).toThrow(/warmupSteps is 0/);
    expect(() => inverseSquareRootDecaySchedule(-0.1)).toThrow(/rate is -0.1/);
  });
});
