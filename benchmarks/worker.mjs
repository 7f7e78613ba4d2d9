/**
 * One side of a comparison: a workload on one engine, in a process of its own, driven through standard input and output
 * (see `side.mjs`). `node worker.mjs <workload> <engine>`.
 */
import { createInterface } from 'node:readline';
import { compile, core, tf, useBackend } from './packages.mjs';

const [, , workloadName, engineName] = process.argv;
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** As many batches are drawn, and used in turn. */
const BATCHES = 4;

async function prepare() {
  const engine = await useBackend(engineName);
  const { batchSize, create } = await import(`./workloads/${workloadName}.mjs`);
  const { parameters, step, batch } = create();
  const random = new core.Random(3);
  const batches = Array.from({ length: BATCHES }, () =>
    batch(random).map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype)),
  );
  const compiled = compile(step);
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

const { timed, first, description } = await prepare();
send({ ready: { ...description, firstMs: first.milliseconds, loss: first.loss } });

for await (const line of createInterface({ input: process.stdin })) {
  const { steps } = JSON.parse(line);
  if (steps === undefined) break;
  const milliseconds = [];
  let loss;
  for (let index = 0; index < steps; index++) {
    const one = await timed();
    milliseconds.push(one.milliseconds);
    loss = one.loss;
  }
  send({ milliseconds, loss });
}
send({ peakMB: process.resourceUsage().maxRSS / 1024 });
process.exit(0);
