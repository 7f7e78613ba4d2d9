/**
 * The thread that runs ONNX Runtime ends in the middle of training: the command ends with an error that says so, the last
 * checkpoint is whole, and a run that continues from it gives what an undisturbed one gives, bit for bit.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import threads from 'node:worker_threads';
import { captureOutput, settingFlags } from '@milestones/reproduce/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { latestCheckpoint } from '@milestones/core/node';
import { main } from '../src/reproduce.ts';

const { Worker } = threads;
const workers: threads.Worker[] = [];

beforeAll(() => {
  // Threads that leave when they are told to, between two runs: inside ONNX Runtime none can end without the process.
  const leave = "require('node:worker_threads').parentPort.once('message', () => process.exit(9));";
  threads.Worker = class extends Worker {
    constructor(source: string, options?: threads.WorkerOptions) {
      super(`${leave}${source}`, options);
      workers.push(this);
    }
  };
  syncBuiltinESMExports();
});
afterAll(() => {
  threads.Worker = Worker;
  syncBuiltinESMExports();
});

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'milestones-gpt-lost-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const run = (...argv: string[]) =>
  captureOutput(() => main([...argv, '--preset', 'quick', '--backend', 'onnx', '--no-progress']));

const STEPS = 40;
const settings = settingFlags({
  'training.steps': STEPS,
  'training.warmupSteps': 2,
  'training.batchSize': 16,
  'training.evaluateEvery': STEPS,
  'training.evaluationBatches': 1,
  'training.checkpointEvery': 5,
  'training.logEvery': 1,
  'training.sampleCharacters': 10,
  'data.generatedCharacters': 20_000,
});

const folderIn = (place: string): string =>
  join(
    place,
    'gpt-mini',
    readdirSync(join(place, 'gpt-mini')).find((name) => name.startsWith('quick-'))!,
  );

it('loses no more than what came after the last checkpoint', async () => {
  const [calm, stormy] = [join(out, 'calm'), join(out, 'stormy')];
  await run(...settings, '--out', calm);
  expect(workers.length).toBeGreaterThan(0);

  const watch = setInterval(() => {
    if (!existsSync(join(stormy, 'gpt-mini'))) return;
    if (existsSync(join(folderIn(stormy), 'checkpoints', 'step-000010'))) {
      clearInterval(watch);
      for (const worker of workers) worker.postMessage('leave', []);
    }
  }, 1);
  const lost = await run(...settings, '--out', stormy);
  clearInterval(watch);
  expect(lost.code).not.toBe(0);
  expect(lost.printed).toContain('the worker thread that runs ONNX Runtime is gone: it exited');
  expect(lost.printed).toContain('continue from a checkpoint');

  const folder = folderIn(stormy);
  expect(existsSync(join(folder, 'summary.json'))).toBe(false);
  const { checkpoint, skipped } = await latestCheckpoint(join(folder, 'checkpoints'));
  expect(skipped).toEqual([]);
  expect(checkpoint!.step).toBeGreaterThanOrEqual(10);
  expect(checkpoint!.step).toBeLessThan(STEPS);

  await run('--resume', folder, '--out', stormy);
  for (const file of ['metrics.jsonl', 'model/model.safetensors', 'samples/generated.txt']) {
    expect(readFileSync(join(folder, file)).equals(readFileSync(join(folderIn(calm), file))), file).toBe(true);
  }
});
