import { existsSync } from 'node:fs';
import { captureOutput } from '@milestones/reproduce/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { experiments, families } from '../src/index.ts';
import { main } from '../src/reproduce.ts';

describe('the list of experiments', () => {
  it('has names of its own for each', () => {
    const names = experiments.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z\d]*(-[a-z\d]+)*$/);
    for (const family of families) {
      for (const { name } of family.experiments) {
        expect(existsSync(new URL(`../src/${family.name}/${name}.ts`, import.meta.url)), name).toBe(true);
      }
    }
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
  });

  it.each(experiments.map((experiment) => [experiment.name, experiment] as const))(
    '%s: settings fit their schema, and quick is quick',
    async (name, { schema, presets, size }) => {
      for (const preset of Object.values(presets)) {
        const settings = v.parse(schema, preset.set ?? {});
        expect(size(settings).steps).toBeGreaterThan(0);
      }
      expect(presets.quick.minutes).toBeLessThanOrEqual(0.5);
      for (const mode of Object.keys(presets)) {
        const { code, stdout, stderr } = await captureOutput(() =>
          main(['--experiment', name, '--preset', mode, '--dry-run']),
        );
        expect(stderr).toBe('');
        expect(code).toBe(0);
        expect(stdout).toContain(`--experiment ${name} --preset ${mode} --seed 1`);
      }
    },
  );
});
