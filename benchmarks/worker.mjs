/**
 * One side of a comparison: a workload on one engine, in a process of its own, driven through standard input and output
 * (see `side.mjs`). `node worker.mjs <workload> <engine> [variant]`; for variants see `variant.mjs`.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { core, tf, useBackend } from './packages.mjs';
import { compileVariant } from './variant.mjs';

const [, , workloadName, engineName, variant = '{}'] = process.argv;
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** As many batches are drawn, and used in turn. */
const BATCHES = 4;

async function prepare() {
  const compile = await compileVariant(JSON.parse(variant));
  const engine = engineName === 'wasm-stock' ? await stockWasm() : await useBackend(engineName);
  const { batchSize, create } = await import(`./workloads/${workloadName}.mjs`);
  const { parameters, step, run, batch } = create();
  const random = new core.Random(3);
  const batches = Array.from({ length: BATCHES }, () =>
    batch(random).map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype)),
  );
  const compiled = run ?? compile(step);
  let done = 0;
  /** One step; its time ends when the loss is there. @returns {Promise<{ milliseconds: number, loss: number }>} */
  const timed = async () => {
    const start = performance.now();
    const result = await compiled(...batches[done++ % BATCHES]);
    const [loss] = await result.loss.data();
    const milliseconds = performance.now() - start;
    tf.dispose(result);
    return { milliseconds, loss };
  };
  const first = await timed();
  const description = { engine: engine.name, version: engine.version, batch: batchSize, parameters };
  return { timed, first, description };
}

/** TensorFlow.js's own WASM backend, without the repairs and faster kernels of the engine `wasm`. */
async function stockWasm() {
  await useBackend('cpu'); // what runs on every engine: corrected gradients, random numbers
  const { version_wasm: version } = createRequire(new URL('../packages/backend/package.json', import.meta.url))(
    '@tensorflow/tfjs-backend-wasm',
  );
  await tf.setBackend('wasm');
  return { name: 'wasm-stock', version };
}

/** Measures how long timers have to wait. @returns what ends the measurement and returns the longest wait, in ms */
function watchTimers() {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return longest;
  };
}

/** What an engine lacks is a finding and not a failure where that engine is somebody else's. */
async function prepareOrSkip() {
  try {
    return await prepare();
  } catch (error) {
    if (engineName !== 'wasm-stock') throw error;
    send({ skip: `It cannot run this: ${error.message}.` });
    return process.exit(0);
  }
}

const { timed, first, description } = await prepareOrSkip();
send({ ready: { ...description, firstMs: first.milliseconds, loss: first.loss } });

for await (const line of createInterface({ input: process.stdin })) {
  const { steps, stalls } = JSON.parse(line);
  if (steps === undefined) break;
  const watch = stalls === true ? watchTimers() : undefined;
  const milliseconds = [];
  let loss;
  for (let index = 0; index < steps; index++) {
    const one = await timed();
    milliseconds.push(one.milliseconds);
    loss = one.loss;
  }
  send({ milliseconds, loss, ...(watch !== undefined && { stallMs: watch() }) });
}
send({ peakMB: process.resourceUsage().maxRSS / 1024 });
process.exit(0);
