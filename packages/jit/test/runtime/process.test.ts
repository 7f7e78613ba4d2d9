/** What a whole process does: programs of their own, run from a JavaScript copy of the sources. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accumulator, heavy, slowChain } from './models.ts';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
/** A run of some hundred milliseconds. */
const SLOW = { size: 256, length: 120 };

let folder: string;

/** Where the package is one that cannot be used. */
let strangeFolder: string;

beforeAll(() => {
  // Inside the package, so that the copy finds the packages that the sources find.
  folder = mkdtempSync(path.join(PACKAGE, 'node_modules', '.runtime-test-'));
  strangeFolder = mkdtempSync(path.join(os.tmpdir(), 'milestones-runtime-test-'));
  copySources(folder);
  cpSync(folder, strangeFolder, { recursive: true });
  const installed = path.join(strangeFolder, 'node_modules', 'onnxruntime-node');
  mkdirSync(installed, { recursive: true });
  writeFileSync(path.join(installed, 'package.json'), '{ "version": "1.20.1" }');
  writeFileSync(path.join(folder, 'accumulator.onnx'), accumulator(1));
  writeFileSync(path.join(folder, 'slow.onnx'), slowChain(SLOW.size, SLOW.length));
  writeFileSync(path.join(folder, 'heavy.onnx'), heavy(200_000));
}, 60_000); // A busy machine takes ten seconds for the sources.
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(strangeFolder, { recursive: true });
});

function copySources(destination: string): void {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  };
  for (const file of readdirSync(path.join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const target = path.join(destination, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    const source = readFileSync(path.join(PACKAGE, 'src', file), 'utf8');
    writeFileSync(target, ts.transpileModule(source, { compilerOptions }).outputText);
  }
  writeFileSync(path.join(destination, 'package.json'), '{ "type": "module" }');
}

const preamble = `
  import { readFileSync } from 'node:fs';
  import { createRuntime } from './runtime/runtime.node.js';
  const model = (name) => readFileSync(new URL(name + '.onnx', import.meta.url));
  const float32 = (shape, value) => ({
    dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  const x = float32([1], 1);
  const accumulatorState = [{ input: 'weights', output: 'weights.next', initial: float32([1], 0) }];
  const slowState = [
    { input: 'weights', initial: float32([${SLOW.size}, ${SLOW.size}], 1 / ${SLOW.size}) },
    { input: 'count', output: 'count.next', initial: float32([], 0) },
  ];
`;

let programs = 0;

/** Runs a program to its end. */
function run(
  program: string,
  where = folder,
): Promise<{ code: number | null; signal: string | null; out: string; error: string }> {
  const file = path.join(where, `program-${programs++}.js`);
  writeFileSync(file, preamble + program);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { timeout: 25_000 });
    let out = '';
    let error = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (error += data));
    child.on('close', (code, signal) => resolve({ code, signal, out, error }));
  });
}

describe('a process', () => {
  it('ends by itself while a worker is idle', async () => {
    const result = await run(`
      const runtime = await createRuntime();
      const session = await runtime.createSession(model('accumulator'), { state: accumulatorState });
      await session.run({ x });
      process.stdout.write(String(session.readState('weights')));
    `);
    expect(result).toEqual({ code: 0, signal: null, out: '2', error: '' });
  });

  it('stays alive until a run has ended', async () => {
    const result = await run(`
      const runtime = await createRuntime();
      const session = await runtime.createSession(model('slow'), { state: slowState });
      session.run({});
      session.run({}).then(() => process.stdout.write(String(session.readState('count'))));
    `);
    expect(result).toEqual({ code: 0, signal: null, out: '2', error: '' });
  });

  it('stays alive until sessions are disposed of', async () => {
    const result = await run(`
      const runtime = await createRuntime();
      const session = await runtime.createSession(model('accumulator'), { state: accumulatorState });
      runtime.dispose().then(() => process.stdout.write('disposed'));
    `);
    expect(result).toEqual({ code: 0, signal: null, out: 'disposed', error: '' });
  });

  it('can exit during a run', async () => {
    const result = await run(`
      const runtime = await createRuntime();
      const session = await runtime.createSession(model('slow'), { state: slowState });
      session.run({});
      setTimeout(() => process.exit(3), 30);
    `);
    expect(result).toEqual({ code: 3, signal: null, out: '', error: '' });
  });

  it('ends with an exception that is thrown during a run', async () => {
    const result = await run(`
      const runtime = await createRuntime();
      const session = await runtime.createSession(model('slow'), { state: slowState });
      session.run({});
      throw new Error('elsewhere');
    `);
    expect(result).toMatchObject({ code: 1, signal: null });
    expect(result.error).toContain('elsewhere');
  });

  it('loads ONNX Runtime only when a runtime is created', async () => {
    const result = await run(`
      const maps = () => readFileSync('/proc/self/maps', 'utf8').includes('libonnxruntime');
      const before = process.platform === 'linux' && maps();
      await createRuntime();
      process.stdout.write(String(before) + String(process.platform !== 'linux' || maps()));
    `);
    expect(result).toMatchObject({ code: 0, out: 'falsetrue', error: '' });
  });

  it('that finds an unusable package gets an error that says how to install it, and the plain target', async () => {
    const result = await run(
      `
      import { createSyncRuntime, probeBlockedLayout, runtimeAvailability } from './runtime/runtime.node.js';
      const errors = [await createRuntime().catch((error) => error)];
      try { createSyncRuntime(); } catch (error) { errors.push(error); }
      process.stdout.write(JSON.stringify({
        errors: errors.map(({ name, message }) => name + ' ' + message),
        target: await probeBlockedLayout(),
        usable: runtimeAvailability().usable,
      }));
    `,
      strangeFolder,
    );
    expect(result).toMatchObject({ code: 0, error: '' });
    const { errors, target, usable } = JSON.parse(result.out) as { errors: string[]; target: object; usable: boolean };
    expect(errors).toEqual([
      expect.stringMatching(/^RuntimeUnavailableError createRuntime: onnxruntime-node is version 1\.20\.1/),
      expect.stringMatching(/^RuntimeUnavailableError createSyncRuntime: .*ONNXRUNTIME_NODE_INSTALL=skip npm install/),
    ]);
    expect({ target, usable }).toEqual({ target: { name: 'cpu', block: 0 }, usable: false });
  });

  it('gets its memory back from sessions that are disposed of', async () => {
    // Each session holds 0.8 MB of constants, 1.6 MB of state and its arena: 100 of them would hold 240 MB and more.
    const result = await run(`
      const runtime = await createRuntime();
      const megabytes = [];
      for (let cycle = 0; cycle < 100; cycle++) {
        const initial = float32([200_000], 1);
        const state = [{ input: 'weights', output: 'weights.next', initial }];
        const session = await runtime.createSession(model('heavy'), { state });
        for (let step = 0; step < 3; step++) await session.run({ x });
        if (session.readState('weights')[1] !== 4) throw new Error('wrong value');
        await session.dispose();
        megabytes.push(process.memoryUsage.rss() / 2 ** 20);
      }
      process.stdout.write(String(Math.max(...megabytes.slice(80)) - Math.max(...megabytes.slice(0, 30))));
    `);
    expect(result).toMatchObject({ code: 0, error: '' });
    expect(Number(result.out)).toBeLessThan(100);
  });

  it.each(['worker', 'inline'])('does not grow over a thousand runs, %s', async (thread) => {
    const result = await run(`
      const runtime = await createRuntime({ thread: '${thread}' });
      const state = [{ input: 'weights', output: 'weights.next', initial: float32([200_000], 0) }];
      const session = await runtime.createSession(model('heavy'), { state });
      const megabytes = [];
      for (let step = 0; step < 1000; step++) {
        await session.run({ x });
        if (step % 50 === 49) megabytes.push(process.memoryUsage.rss() / 2 ** 20);
      }
      process.stdout.write(String(Math.max(...megabytes.slice(-5)) - Math.max(...megabytes.slice(0, 6))));
    `);
    expect(result).toMatchObject({ code: 0, error: '' });
    // Garbage comes and goes by some ten megabytes; what stayed of each run would be 800.
    expect(Number(result.out)).toBeLessThan(200);
  });
});
