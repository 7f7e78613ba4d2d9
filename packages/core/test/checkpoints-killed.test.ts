/** A process that saves checkpoints without pause is killed at any moment; what it leaves must be whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cleanCheckpoints, latestCheckpoint, loadCheckpoint } from '../src/node.ts';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const size = 50_000;
let parent: string;
let child: string;

// Node 20 cannot run TypeScript: the child runs a fresh translation of these sources, never a stale build. What it
// imports needs no package, which is also why saving a checkpoint does not load an engine.
const childProgram = `
import { saveCheckpoint } from './node/checkpoints.js';
const [folder, first] = process.argv.slice(2);
for (let step = Number(first); ; step += 1) {
  const data = new Float32Array(${size}).map((_, index) => step + index);
  const weight = { dtype: 'float32', shape: [${size}], data };
  await saveCheckpoint(folder, { step, tensors: { model: { weight }, optimizer: { weight } }, state: { step } }, { keep: 3 });
  // Every second checkpoint is saved again: replacing must be as safe.
  if (step % 2 === 0) {
    await saveCheckpoint(folder, { step, tensors: { model: { weight }, optimizer: { weight } }, state: { step } }, { keep: 3 });
  }
  console.log(step);
}
`;

beforeAll(async () => {
  parent = await fs.mkdtemp(path.join(tmpdir(), 'milestones-killed-'));
  for (const part of ['node', 'safetensors']) {
    await fs.mkdir(path.join(parent, part));
    for (const name of await fs.readdir(path.join(source, part))) {
      const { outputText } = ts.transpileModule(await fs.readFile(path.join(source, part, name), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      });
      await fs.writeFile(path.join(parent, part, name.replace(/\.ts$/, '.js')), outputText);
    }
  }
  await fs.writeFile(path.join(parent, 'package.json'), '{ "type": "module" }');
  child = path.join(parent, 'child.js');
  await fs.writeFile(child, childProgram);
});
afterAll(() => fs.rm(parent, { recursive: true, force: true }));

/** Runs the child from step `first`, kills it `delay` ms after its second checkpoint; returns the last step it reported. */
async function saveUntilKilled(folder: string, first: number, delay: number): Promise<number> {
  const running = spawn(process.execPath, [child, folder, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(running, 'close');
  let errors = '';
  running.stderr.on('data', (text) => (errors += String(text)));
  let reported = -1;
  for await (const line of createInterface({ input: running.stdout })) {
    reported = Number(line);
    if (reported === first + 1) setTimeout(() => running.kill('SIGKILL'), delay);
  }
  await ended;
  expect(errors).toBe('');
  expect(running.signalCode).toBe('SIGKILL');
  return reported;
}

it('leaves only whole checkpoints when it is killed, ten times over', async () => {
  const folder = path.join(parent, 'checkpoints');
  let first = 1;
  let leftovers = 0;
  for (let kill = 0; kill < 10; kill += 1) {
    const reported = await saveUntilKilled(folder, first, Math.random() * 30);
    expect(reported).toBeGreaterThan(first);

    const names = await fs.readdir(folder);
    const unfinished = names.filter((name) => /^(\.milestones-temporary-|replaced-step-)/.test(name));
    leftovers += unfinished.length;
    for (const name of names) {
      if (unfinished.includes(name)) continue;
      const { step, tensors, state } = await loadCheckpoint(path.join(folder, name));
      expect(name).toBe(`step-${String(step).padStart(6, '0')}`);
      expect(state).toEqual({ step });
      const expected = new Float32Array(size).map((_, index) => step + index);
      for (const group of ['model', 'optimizer']) {
        expect(
          Buffer.compare(new Uint8Array(tensors[group]!['weight']!.data.buffer), new Uint8Array(expected.buffer)),
        ).toBe(0);
      }
    }

    // What was reported as saved is there, and at least three were kept at every moment.
    const { checkpoint, skipped } = await latestCheckpoint(folder);
    expect(skipped).toEqual([]);
    expect(checkpoint?.step).toBeGreaterThanOrEqual(reported);
    await cleanCheckpoints(folder);
    const tidy = await fs.readdir(folder);
    expect(tidy.filter((name) => !/^step-\d{6}$/.test(name))).toEqual([]);
    expect(tidy.length).toBeGreaterThanOrEqual(Math.min(3, checkpoint!.step));
    first = checkpoint!.step + 1;
  }
  // The kills did meet the process while it was writing.
  expect(leftovers).toBeGreaterThan(0);
}, 60_000);
