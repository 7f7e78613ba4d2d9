import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyRun, findRun, packRun, readCurve, unpackRun } from '../src/run-files.ts';
import { temporaryFolder } from './sweep-command.ts';

/** A run folder as a killed process leaves it. */
function interruptedRun(checkpoints: readonly string[]): string {
  const run = join(temporaryFolder(), 'toy', 'quick-seed1');
  const files: Record<string, string> = {
    'config.json': '{"seed":1}',
    'environment.json': '{}',
    'metrics.jsonl': '{"step":1,"loss":3}\n{"step":2,"loss":2}\n{"step":3,',
    'events.out.tfevents.7.milestones': 'events',
    'samples/text.txt': 'sample',
    'samples/.milestones-temporary': 'half',
    'run.lock': '{}',
    'curves.svg': '<svg/>',
    'checkpoints/.milestones-temporary/model.safetensors': 'half',
  };
  for (const name of checkpoints) files[`checkpoints/${name}/model.safetensors`] = `weights of ${name}`;
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(run, path)), { recursive: true });
    writeFileSync(join(run, path), content);
  }
  return run;
}

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

const carried = [
  'checkpoints/step-000100/model.safetensors',
  'config.json',
  'environment.json',
  'events.out.tfevents.7.milestones',
  'metrics.jsonl',
  'samples/text.txt',
];

describe('what a later attempt takes over', () => {
  it('is the newest checkpoint under a final name, the logs and the samples, but no lock', () => {
    const from = interruptedRun(['step-000020', 'step-000100', 'step-000099']);
    const to = join(temporaryFolder(), 'toy', 'from-attempt-1');
    expect(copyRun(from, to)).toBe(true);
    expect(filesOf(to)).toEqual(carried);
    expect(findRun(dirname(dirname(to)), 'toy')).toBe(to);
  });

  it('travels through a queue as one piece', () => {
    const from = interruptedRun(['step-000100']);
    const to = join(temporaryFolder(), 'run');
    unpackRun(packRun(from)!, to);
    expect(filesOf(to)).toEqual(carried);
    for (const path of carried) expect(readFileSync(join(to, path))).toEqual(readFileSync(join(from, path)));
  });

  it('is nothing where there is no checkpoint', () => {
    const from = interruptedRun([]);
    const to = join(temporaryFolder(), 'run');
    expect([copyRun(from, to), packRun(from), existsSync(to)]).toEqual([false, undefined, false]);
  });

  it('never leaves its folder', () => {
    const list = Buffer.from(JSON.stringify([['../../evil', 1]]));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(list.length);
    expect(() => unpackRun(Buffer.concat([length, list, Buffer.from('x')]), temporaryFolder())).toThrow(
      /names the file \.\.\/\.\.\/evil; somebody else wrote/,
    );
  });

  it('shows the curve so far, without a half-written line', () => {
    expect(readCurve(interruptedRun([]), 'loss')).toEqual({
      step: 2,
      curve: [
        { step: 1, value: 3 },
        { step: 2, value: 2 },
      ],
    });
  });
});
