/**
 * Feeds damaged files to every reader of foreign files (idx, tar with CIFAR inside, PNG, JPEG, safetensors and its index,
 * tokenizer files, tables of texts): each must be read or refused with the reader's own error, within a time limit and
 * without taking much memory.
 *
 *   node scripts/fuzz.mjs [files per reader, default 10000] [first file, default 0]
 *
 * File number i of a reader is always the same one. The files are made and read in a worker thread; this thread watches the
 * clock and the memory, and names the file that a reader hangs at. The readers are in packages/datasets/test/fuzz.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { buildSync } from 'esbuild';

const secondsPerFile = 5;
const largestMegabytes = 1024;

if (isMainThread) await watch(Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 0));
else await work(workerData);

/** Runs the worker, and ends with status 1 where a file fared badly. */
async function watch(/** @type {number} */ files, /** @type {number} */ first) {
  if (!Number.isSafeInteger(files) || files < 1 || !Number.isSafeInteger(first) || first < 0) {
    console.error('fuzz: give the number of files per reader, for example: node scripts/fuzz.mjs 10000');
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'milestones-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const bundle = join(folder, 'readers.cjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('../packages/datasets/test/fuzz/readers.ts', import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    conditions: ['@milestones/source'],
  });

  // [reader, file, milliseconds when it began, failures]
  const clock = new Float64Array(new SharedArrayBuffer(4 * Float64Array.BYTES_PER_ELEMENT));
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { bundle: pathToFileURL(bundle).href, files, first, clock },
  });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss / 2 ** 20);
    const seconds = (Date.now() - clock[2]) / 1000;
    if (clock[2] > 0 && seconds > secondsPerFile) {
      stop(`reader ${clock[0]} has been reading file ${clock[1]} for ${secondsPerFile} seconds`);
    }
    if (peak > largestMegabytes) {
      stop(`reader ${clock[0]} is at file ${clock[1]} and the process takes ${Math.round(peak)} MB`);
    }
  }, 50);
  worker.on('error', (error) => stop(error.stack ?? error.message));
  worker.on('exit', () => {
    clearInterval(timer);
    console.log(`peak memory of the process: ${Math.round(peak)} MB`);
    process.exitCode = clock[3] > 0 ? 1 : 0;
  });

  function stop(/** @type {string} */ why) {
    console.error(`fuzz: ${why}.`);
    process.exit(1);
  }
}

/** Makes and reads the files. */
async function work(/** @type {{ bundle: string, files: number, first: number, clock: Float64Array }} */ data) {
  const { bundle, files, first, clock } = data;
  const { fuzzFile, fuzzOne, readers } = await import(bundle);
  for (const [number, reader] of readers.entries()) {
    const counts = { read: 0, refused: 0, failed: 0 };
    let slowest = 0;
    const start = performance.now();
    for (let index = first; index < first + files; index++) {
      const bytes = fuzzFile(reader, index);
      clock[0] = number;
      clock[1] = index;
      clock[2] = Date.now();
      const began = performance.now();
      try {
        counts[await fuzzOne(reader, bytes)]++;
      } catch (error) {
        if (++counts.failed <= 5) console.error(`fuzz: ${reader.name}, file ${index}: ${error?.stack ?? error}`);
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    clock[2] = 0;
    clock[3] += counts.failed;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${reader.name.padEnd(14)} ${files} files: ${counts.read} read, ${counts.refused} refused, ${counts.failed} failed; ` +
        `${seconds} s, slowest ${slowest.toFixed(0)} ms`,
    );
  }
}
