/**
 * Does training hold its memory? Runs thousands of compiled steps of a small model (the dqn workload of `benchmarks/`) and
 * many signatures of arguments, each in a process of its own, and samples what is held:
 *
 *   node --expose-gc scripts/steady-memory.mjs                 10,000 steps on the calling thread, 100 signatures
 *   node --expose-gc scripts/steady-memory.mjs --thorough      also 10,000 steps in the worker thread
 *
 * Garbage is collected before each sample, on this thread: what is then still held is a leak. JavaScript's heap, its
 * buffers and the number of tensors must not grow at all after the first hundred steps; resident memory may move within a
 * band, since the allocator and the worker thread's own heap, which nobody can have collected, return memory when they like.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MEBIBYTE = 2 ** 20;
const WARM_UP = 100;
const SAMPLES = 20;
/**
 * In MiB, resident memory from step 100 on: V8 compiles what runs often and its heap finds its size, within a few hundred
 * steps on the calling thread (5 to 22 MiB from run to run) and in thousands in the worker.
 */
const BANDS = { inline: 28, worker: 28 };
/** Likewise from the first twentieth of the steps on, where a leak would show: on the calling thread little moves any more. */
const LATER_BANDS = { inline: 8, worker: 24 };
const HEAP_BAND = 3;
const SIGNATURES = 100;
/** Resident memory from the signature on at which the step keeps no more of them, to the last. */
const SIGNATURE_BAND = 40;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    thorough: { type: 'boolean', default: false },
    part: { type: 'string' },
  },
});
const steps = Number(values.steps);

if (values.part === undefined) {
  const parts = ['inline', ...(values.thorough ? ['worker'] : []), 'signatures'];
  const runs = parts.map((part) => {
    const args = ['--expose-gc', fileURLToPath(import.meta.url), '--part', part, '--steps', values.steps];
    return spawnSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status;
  });
  process.exit(runs.every((status) => status === 0) ? 0 : 1);
}
if (values.part === 'signatures') await manySignatures();
else await manySteps(values.part);

/** What is held now, in MiB. */
async function sample() {
  // Finalizers run between two collections.
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 5));
  globalThis.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { resident: rss / MEBIBYTE, held: (heapUsed + arrayBuffers) / MEBIBYTE };
}

function finish(name, checks, facts) {
  const failed = checks.filter(({ found, limit }) => !(found <= limit));
  console.log(`${name.padEnd(10)} ${failed.length === 0 ? 'ok    ' : 'FAILED'} ${facts}`);
  for (const { what, found, limit } of failed) console.log(`  ${what}: ${found.toFixed(1)}, at most ${limit} allowed`);
  process.exit(failed.length === 0 ? 0 : 1);
}

function largest(numbers) {
  return Math.max(...numbers);
}

async function manySteps(thread) {
  const { core, tf, useBackend } = await import('../benchmarks/packages.mjs');
  const { compileStep } = await import('../packages/jit/dist/index.js');
  const { create } = await import('../benchmarks/workloads/dqn.mjs');
  await useBackend('onnx');
  const workload = create({ batch: 32 });
  const random = new core.Random(3);
  const step = compileStep(workload.step, { thread });
  const run = async (count) => {
    for (let index = 0; index < count; index++) {
      const tensors = workload.batch(random).map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype));
      const { loss } = await step(...tensors);
      loss.dataSync();
      tf.dispose([loss, tensors]);
    }
  };
  await run(WARM_UP);
  const tensors = tf.memory().numTensors;
  const first = await sample();
  const samples = [];
  const start = performance.now();
  for (let index = 0; index < SAMPLES; index++) {
    await run(Math.ceil((steps - WARM_UP) / SAMPLES));
    samples.push(await sample());
  }
  const resident = largest(samples.map((each) => each.resident)) - first.resident;
  const later = largest(samples.map((each) => each.resident)) - samples[0].resident;
  const held = samples.at(-1).held - first.held;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  finish(
    thread,
    [
      { what: 'tensors more than after the warm-up', found: tf.memory().numTensors - tensors, limit: 0 },
      { what: 'MiB more on the heap and in buffers', found: held, limit: HEAP_BAND },
      { what: 'MiB more of resident memory', found: resident, limit: BANDS[thread] },
      { what: 'MiB more of resident memory after a twentieth of the steps', found: later, limit: LATER_BANDS[thread] },
    ],
    `${steps} steps in ${seconds} s: resident ${first.resident.toFixed(1)} MiB after ${WARM_UP} steps, ` +
      `${samples[0].resident.toFixed(1)} after a twentieth, ${samples.at(-1).resident.toFixed(1)} at the end ` +
      `(at most +${resident.toFixed(1)}); heap and buffers ${first.held.toFixed(1)} → ${samples.at(-1).held.toFixed(1)} MiB; ${tensors} tensors throughout`,
  );
}

async function manySignatures() {
  const { core, tf, useBackend } = await import('../benchmarks/packages.mjs');
  const { compileStep, LARGEST_SIGNATURE_COUNT } = await import('../packages/jit/dist/index.js');
  await useBackend('onnx');
  const weight = tf.variable(tf.zeros([512, 512]));
  const step = compileStep((x) => {
    weight.assign(tf.add(tf.mul(weight, 0.9), tf.mean(x)));
    return tf.sum(weight);
  });
  const resident = [];
  const random = new core.Random(3);
  for (let rows = 1; rows <= SIGNATURES; rows++) {
    const x = tf.tensor(random.normalArray(rows * 16), [rows, 16]);
    (await step(x)).dispose();
    x.dispose();
    resident.push((await sample()).resident);
  }
  const full = resident.slice(LARGEST_SIGNATURE_COUNT, 2 * LARGEST_SIGNATURE_COUNT);
  const growth = largest(resident.slice(2 * LARGEST_SIGNATURE_COUNT)) - largest(full);
  finish(
    'signatures',
    [
      { what: 'signatures kept', found: step.signatureCount, limit: LARGEST_SIGNATURE_COUNT },
      { what: 'MiB more with further signatures', found: growth, limit: SIGNATURE_BAND },
    ],
    `${SIGNATURES} shapes, ${step.signatureCount} kept: resident ${resident[0].toFixed(1)} MiB with 1, ` +
      `${resident[LARGEST_SIGNATURE_COUNT - 1].toFixed(1)} with ${LARGEST_SIGNATURE_COUNT}, ` +
      `${resident.at(-1).toFixed(1)} after ${SIGNATURES} (at most +${growth.toFixed(1)} since ${2 * LARGEST_SIGNATURE_COUNT})`,
  );
}
