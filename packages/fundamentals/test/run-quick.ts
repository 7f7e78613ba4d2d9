/** Runs an experiment in its quick setting as the command does, without files. */
import { Random } from '@milestones/core';
import * as v from 'valibot';
import { expect } from 'vitest';
import { generatedData, type Experiment, type Outcome } from '../src/index.ts';

/**
 * The outcome, after checks that hold for every experiment: as many steps as announced, finite metrics, a drawing.
 *
 * @param changes settings that make it shorter still
 */
export async function runQuick<Settings>(
  experiment: Experiment<Settings>,
  changes: Partial<Settings> = {},
  seed = 1,
): Promise<Outcome> {
  const settings = v.parse(experiment.schema, { ...experiment.presets.quick.set, ...changes });
  let steps = 0;
  const outcome = await experiment.run(settings, {
    seed,
    random: (name) => new Random(seed, name),
    data: generatedData(seed),
    log: () => {},
    advance: () => void steps++,
    part: (_name, run) => run(),
  });
  expect(steps).toBe(experiment.size(settings).steps);
  expect(outcome.drawings.length).toBeGreaterThan(0);
  for (const [name, value] of Object.entries(outcome.metrics)) expect(value, name).toSatisfy(Number.isFinite);
  const measured = Object.keys(outcome.metrics);
  for (const { metric } of experiment.presets.quick.targets) expect(measured).toContain(metric);
  return outcome;
}

/** Expects what the quick preset claims. */
export function expectClaims({ presets }: Experiment, { metrics }: Outcome): void {
  for (const { metric, claim, expected } of presets.quick.targets) {
    expect(metrics[metric], claim).toBeGreaterThanOrEqual(expected[0] ?? -Infinity);
    expect(metrics[metric], claim).toBeLessThanOrEqual(expected[1] ?? Infinity);
  }
}
