import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finiteNumber, option, wholeNumber } from '@milestones/core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { CommandError, listSchemaKeys, nearestName, parseCommand } from '../../src/index.ts';
import { runToy, temporaryFolder } from '../toy-command.ts';
import { configSchema } from '../toy/src/config.ts';

const presets = new URL('../toy/presets/', import.meta.url);
const parse = (...argv: string[]) => parseCommand({ milestone: 'toy', schema: configSchema, presets, argv });

describe('parseCommand', () => {
  it('resolves schema defaults, then the preset, then --set', () => {
    const command = parse('--preset', 'quick', '--set', 'optimizer.name=plain', '--set=batchSize=5', '--seed', '7');
    expect(command.config).toEqual({
      points: 60,
      steps: 60,
      batchSize: 5,
      checkpointEvery: 10,
      optimizer: { name: 'plain', learningRate: 0.3 },
      pauseMilliseconds: 0,
      breakAt: null,
    });
    expect(command.seed).toBe(7);
    expect(command.line).toBe(
      'pnpm reproduce toy --preset quick --seed 7 --set optimizer.name=plain --set batchSize=5',
    );
    expect(command.changes).toContainEqual({ key: 'steps', value: 60, default: 200, why: 'a line needs few steps' });
    expect(command.changes).toContainEqual({ key: 'batchSize', value: 5, default: 10, why: 'set on the command line' });
    expect(command.targets).toHaveLength(2);
  });

  it('takes the quick preset when none is named, and the last --set of a key', () => {
    const command = parse('--set', 'steps=5', '--set', 'steps=6', '--', '--offline', '--data', 'cache');
    expect(command).toMatchObject({ preset: 'quick', seed: 1, offline: true, data: 'cache', set: ['steps=6'] });
    expect(command.config.steps).toBe(6);
  });

  it('reads nullable values, and keeps the neighbours of a nested key', () => {
    expect(parse('--set', 'breakAt=3').config.breakAt).toBe(3);
    expect(parse('--set', 'breakAt=null').config.breakAt).toBeNull();
    const nested = v.strictObject({
      model: v.optional(v.strictObject({ a: v.optional(v.number(), 1), b: v.optional(v.number(), 2) }), {
        a: 10,
        b: 20,
      }),
    });
    const folder = join(temporaryFolder(), 'presets');
    mkdirSync(folder);
    const command = parseCommand({ milestone: 'x', schema: nested, presets: folder, argv: ['--set', 'model.a=11'] });
    expect(command.config).toEqual({ model: { a: 11, b: 20 } });
  });

  it.each([
    [['--prest', 'quick'], 'unknown flag --prest; did you mean --preset?'],
    [['--steps', '5'], 'unknown flag --steps; it is a configuration key, write --set steps=value'],
    [['quick'], '"quick" is not a flag'],
    [['--preset', 'quik'], 'toy has no preset "quik"; did you mean quick? (valid names: quick, laptop)'],
    [['--preset'], '--preset: no value arrived; write --preset <name>'],
    [['--offline=yes'], 'takes no value'],
    [['--seed', '1', '--seed', '2'], 'it arrived twice'],
    [['--seed', '-1'], '"-1" arrived; write a whole number'],
    [['--backend', 'cuba'], '"cuba" is no engine; did you mean cuda?'],
    [['--set', 'stepps=5'], 'unknown key "stepps"; did you mean steps?'],
    [['--set', 'learning-rate=5'], 'did you mean optimizer.learningRate?'],
    [['--set', 'steps'], 'no value arrived; write --set steps=200'],
    [
      ['--set', 'steps=many'],
      '"many" arrived; write a whole number, for example --set steps=200. steps: training steps',
    ],
    [['--set', 'steps=1.5'], '"1.5" arrived; write a whole number'],
    [['--set', 'steps=0'], 'steps is 0: Invalid value: Expected >=1 but received 0 (training steps; default 200)'],
    [['--set', 'optimizer.name=adam'], 'write one of momentum, plain'],
    [['--change-config'], 'it arrived without --resume'],
    [['--resume', '/nowhere/at/all'], 'there is no run (config.json is missing)'],
    [['--resume', '--out', '/nowhere'], 'there is no run of toy with preset quick and seed 1'],
  ])('refuses %j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(CommandError);
    expect(() => parse(...argv)).toThrow(message);
  });

  it.each([
    [{ preset: 'bad', why: 'x', deltas: [{ set: { stps: 1 }, why: 'y' }] }, 'unknown key stps; did you mean steps?'],
    [{ preset: 'bad', why: 'x', deltas: [{ set: { steps: 1 } }] }, 'deltas.0.why'],
    [{ preset: 'other', why: 'x' }, 'it calls itself other; write "preset": "bad"'],
    [
      {
        preset: 'bad',
        why: 'x',
        deltas: [
          { set: { steps: 1 }, why: 'y' },
          { set: { steps: 2 }, why: 'z' },
        ],
      },
      'steps is set twice',
    ],
    [
      { preset: 'bad', why: 'x', targets: [{ metric: 'a', claim: 'b', paper: null, published: 1, expected: [2, 1] }] },
      'low <= high',
    ],
  ])('refuses the preset file %j', (content, message) => {
    const folder = join(temporaryFolder(), 'presets');
    mkdirSync(folder);
    writeFileSync(join(folder, 'bad.json'), JSON.stringify(content));
    expect(() => parseCommand({ milestone: 'toy', schema: configSchema, presets: folder, argv: [] })).toThrow(message);
  });

  it('names presets whose values the schema refuses', () => {
    const folder = join(temporaryFolder(), 'presets');
    mkdirSync(folder);
    writeFileSync(join(folder, 'bad.json'), '{"preset":"bad","why":"x","deltas":[{"set":{"steps":"ten"},"why":"y"}]}');
    expect(() => parseCommand({ milestone: 'toy', schema: configSchema, presets: folder, argv: [] })).toThrow(
      'configuration from preset bad: steps is ten: Invalid type: Expected number but received "ten" (training steps; default 200)',
    );
    writeFileSync(join(folder, 'bad.json'), '{"preset":');
    expect(() => parseCommand({ milestone: 'toy', schema: configSchema, presets: folder, argv: [] })).toThrow(
      'not readable as JSON',
    );
  });
});

describe('runMain and describeCommand', () => {
  it('prints help from the schema, the presets and the flags', async () => {
    const { code, stdout } = await runToy('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Least squares (Legendre 1805)');
    expect(stdout).toMatch(/optimizer\.learningRate +a number +0\.1 +size of a step/);
    expect(stdout).toMatch(/optimizer\.name +one of momentum, plain +momentum +kind of gradient descent/);
    expect(stdout).toMatch(/--resume \[folder\]/);
    expect(stdout).toMatch(/quick \(default\) +0\.1 min +A line through sixty/);
  });

  it('prints the resolved configuration of a dry run and touches nothing', async () => {
    const out = join(temporaryFolder(), 'runs');
    const { code, stdout } = await runToy('--dry-run', '--out', out, '--set', 'points=30');
    expect(code).toBe(0);
    expect(stdout).toMatch(/points +30 +60 +set on the command line/);
    expect(stdout).toMatch(/parameters +2\n/);
    expect(stdout).toMatch(/steps +60\n/);
    expect(stdout).toMatch(/expected minutes +0\.1\n/);
  });

  it('answers a mistake with exit code 2 and no stack trace', async () => {
    const { code, stderr } = await runToy('--preset', 'huge');
    expect(code).toBe(2);
    expect(stderr).toBe('Error: --preset: toy has no preset "huge"; valid names: quick, laptop.\n');
  });
});

describe('listSchemaKeys', () => {
  it('finds lists, unions and records, and demands defaults', () => {
    const schema = v.strictObject({
      sizes: option(v.array(wholeNumber), [1, 2], 'layer sizes'),
      rate: v.optional(v.union([finiteNumber, v.literal('auto')]), 'auto'),
      extra: v.optional(v.record(v.string(), v.number()), {}),
      limit: v.optional(v.pipe(v.nullable(wholeNumber), v.description('in bytes')), null),
    });
    expect(listSchemaKeys(schema)).toMatchObject([
      { key: 'sizes', kinds: ['array'], elementKinds: ['integer'], default: [1, 2], description: 'layer sizes' },
      { key: 'rate', kinds: ['number'], choices: ['auto'], default: 'auto' },
      { key: 'extra', kinds: ['object'] },
      { key: 'limit', kinds: ['integer', 'null'], default: null, description: 'in bytes' },
    ]);
    const folder = join(temporaryFolder(), 'presets');
    mkdirSync(folder);
    const set = (argument: string) =>
      parseCommand({ milestone: 'x', schema, presets: folder, argv: ['--set', argument] }).config;
    expect(set('sizes=3,4').sizes).toEqual([3, 4]);
    expect(set('sizes=[5]').sizes).toEqual([5]);
    expect(set('rate=0.5').rate).toBe(0.5);
    expect(set('rate=auto').rate).toBe('auto');
    expect(() => set('rate=fast')).toThrow('"fast" arrived');
    expect(set('extra={"a":1}').extra).toEqual({ a: 1 });
    expect(() => set('sizes=3,x')).toThrow('a list such as 1,2,3');
    expect(() => listSchemaKeys(v.object({ a: v.number() }))).toThrow('a has no usable default');
  });
});

describe('nearestName', () => {
  it('finds misspellings and last parts, and nothing where nothing is near', () => {
    const names = ['model.heads', 'model.layers', 'steps'];
    expect(nearestName('setps', names)).toBe('steps');
    expect(nearestName('heads', names)).toBe('model.heads');
    expect(nearestName('model.layer', names)).toBe('model.layers');
    expect(nearestName('zzzzzz', names)).toBeUndefined();
  });
});
