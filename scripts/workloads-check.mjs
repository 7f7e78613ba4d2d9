/**
 * Trains each workload of `benchmarks/` for 20 steps, compiled on the engine `onnx` and eagerly on another one, from the same
 * weights and on the same batches, and compares the losses step by step:
 *
 *   node scripts/workloads-check.mjs                    all workloads against wasm
 *   node scripts/workloads-check.mjs gpt --against cpu  this one against cpu
 *
 * Batches are small, so that it takes a minute. Batch norm amplifies rounding from step to step, the more so the faster a
 * model learns: ResNet's learning rate is low here. Two workloads run at a time, each in a process of its own.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const STEPS = 20;

/** Per workload: batch and learning rate (its own where none is given), and how far losses may be apart, relatively. */
const SETTINGS = {
  alexnet: { batch: 1, tolerance: 1e-4 },
  resnet20: { batch: 4, learningRate: 1e-4, tolerance: 5e-4 },
  'alexnet-inference': { batch: 1, tolerance: 1e-4 },
  'resnet20-inference': { batch: 4, tolerance: 1e-4 },
  seq2seq: { batch: 2, tolerance: 1e-4 },
  gpt: { batch: 2, tolerance: 1e-4 },
  gan: { batch: 16, tolerance: 1e-4 },
  dqn: { batch: 128, tolerance: 1e-4 },
  // At its own rate, Adam turns the rounding of its smallest gradients into 3e-4 by step 20.
  transformer: { batch: 2, learningRate: 1e-4, tolerance: 1e-4 },
  'bert-mini': { batch: 1, tolerance: 1e-4 },
  'bert-mini-inference': { batch: 1, tolerance: 1e-4 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { against: { type: 'string', default: 'wasm' }, child: { type: 'boolean', default: false } },
});
const chosen = positionals.length > 0 ? positionals : Object.keys(SETTINGS);
for (const name of chosen) {
  if (name in SETTINGS) continue;
  console.error(`workloads-check: there is no workload ${name}; choose from ${Object.keys(SETTINGS).join(', ')}.`);
  process.exit(2);
}

if (values.child) await compare(chosen[0]);
else process.exitCode = (await all()) ? 0 : 1;

/** Trains one workload on one engine. @returns the results of each step, by name */
async function train(name, engine, isCompiled) {
  const { compile, core, tf, useBackend } = await import('../benchmarks/packages.mjs');
  await useBackend(engine);
  const { create } = await import(`../benchmarks/workloads/${name}.mjs`);
  const { batch, learningRate } = SETTINGS[name];
  const workload = create({ batch, ...(learningRate !== undefined && { learningRate }) });
  const step = isCompiled ? compile(workload.step) : (...tensors) => tf.tidy(() => workload.step(...tensors));
  const random = new core.Random(3);
  const losses = [];
  for (let index = 0; index < STEPS; index++) {
    const tensors = workload.batch(random).map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype));
    const results = await step(...tensors);
    losses.push(Object.values(results).map((tensor) => tensor.dataSync()[0]));
    tf.dispose([tensors, results]);
  }
  return losses;
}

/** In a process of its own: prints one line, and exits with 1 where the losses differ. */
async function compare(name) {
  const start = performance.now();
  const ours = await train(name, 'onnx', true);
  const middle = performance.now();
  const theirs = await train(name, values.against, false);
  const seconds = [middle - start, performance.now() - middle].map((time) => (time / 1000).toFixed(1));
  const { tolerance, batch } = SETTINGS[name];
  let worst = 0;
  let at = 0;
  ours.flat().forEach((loss, index) => {
    const other = theirs.flat()[index];
    const difference = Math.abs(loss - other) / Math.max(1, Math.abs(other));
    if (difference <= worst) return;
    [worst, at] = [difference, index];
  });
  // Not `worst > tolerance`: NaN is no agreement.
  const isFine = ours.flat().every(Number.isFinite) && theirs.flat().every(Number.isFinite) && worst <= tolerance;
  console.log(
    `${name.padEnd(9)} ${isFine ? 'ok    ' : 'FAILED'} largest difference ${worst.toExponential(1)} of ${tolerance} allowed` +
      ` (step ${Math.floor(at / ours[0].length) + 1}), loss ${ours[0][0].toPrecision(6)} → ${ours.at(-1)[0].toPrecision(6)},` +
      ` batch ${batch}; onnx ${seconds[0]} s, ${values.against} ${seconds[1]} s`,
  );
  process.exit(isFine ? 0 : 1);
}

/** All chosen workloads, two at a time. @returns whether all agree */
async function all() {
  const waiting = [...chosen];
  let ok = true;
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const args = [fileURLToPath(import.meta.url), '--child', '--against', values.against, name];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      const code = await new Promise((resolve) => child.once('close', resolve));
      ok = code === 0 && ok;
    }
  };
  await Promise.all([lane(), lane()]);
  return ok;
}
