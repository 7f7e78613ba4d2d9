/**
 * What each optimization brings: `npm run bench:ablation [workload…] [--variant NAME] [--seconds 4]`.
 *
 * A workload as it is and with one thing left out take turns in blocks of steps, each in a process of its own. What is
 * measured is added to results/ablation.json; README.md has the table. `--stalls` measures how long timers wait instead.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Side } from './side.mjs';
import { ABLATION_FILE, writeTable } from './table.mjs';

/** By name: what is left out, and the workloads that it says something about. */
const VARIANTS = {
  'plain layout': { variant: { target: 'cpu' }, workloads: ['resnet20', 'alexnet'] },
  'composed operations': { variant: { composed: true }, workloads: ['gpt', 'resnet20', 'dqn'] },
  'state not packed': { variant: { without: ['packed state'] }, workloads: ['gpt', 'dqn'] },
  'all multiplications of convolutions': { variant: { without: ['fewer multiplications'] }, workloads: ['alexnet'] },
  'one thread': { variant: { threads: 1 }, workloads: ['gpt', 'resnet20', 'dqn'] },
  'idle threads that spin for a millisecond': { variant: { spinning: 'always' }, workloads: ['gpt', 'gan'] },
  'worker thread': { variant: { thread: 'worker' }, workloads: ['dqn'] },
  'on the calling thread': { variant: { thread: 'inline' }, workloads: ['gpt', 'resnet20'] },
  'one operation at a time': { variant: { eager: true }, workloads: ['gpt', 'resnet20', 'dqn'] },
};
const BLOCK_MS = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    variant: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '4' },
    stalls: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const isChosen = (name, wanted) => wanted === undefined || wanted.length === 0 || wanted.includes(name);
const median = (numbers) => numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)];
const rounded = (number) => Number(number.toPrecision(4));

if (values.stalls) await stalls(positionals.length > 0 ? positionals : ['gpt', 'resnet20']);
else await ablation();

async function ablation() {
  for (const [name, { variant, workloads }] of Object.entries(VARIANTS)) {
    if (!isChosen(name, values.variant)) continue;
    for (const workload of workloads) if (isChosen(workload, positionals)) await compare(workload, name, variant);
  }
  writeTable();
}

async function compare(workload, name, variant) {
  const started = (text) => Side.start(process.execPath, ['worker.mjs', workload, 'onnx', text]);
  const sides = [await started('{}'), await started(JSON.stringify(variant))];
  try {
    const states = [];
    for (const side of sides) {
      const { milliseconds } = await side.run(3);
      states.push({ side, block: Math.max(1, Math.round(BLOCK_MS / Math.min(...milliseconds))), all: [], spent: 0 });
    }
    while (states.some(({ spent }) => spent < seconds * 1000)) {
      for (const state of states) {
        const { milliseconds } = await state.side.run(state.block);
        state.all.push(...milliseconds);
        state.spent += milliseconds.reduce((sum, each) => sum + each, 0);
      }
    }
    const [ours, without] = states.map(({ all }) => rounded(median(all)));
    const entry = { workload, without: name, median: ours, medianWithout: without, factor: rounded(without / ours) };
    console.log(`${workload.padEnd(9)} ${name.padEnd(24)} ${ours} → ${without} ms, ${entry.factor.toFixed(2)} times`);
    record(entry);
  } finally {
    for (const side of sides) side.kill();
  }
}

/** In place of what was measured of the same before. */
function record(entry) {
  const known = existsSync(ABLATION_FILE) ? JSON.parse(readFileSync(ABLATION_FILE, 'utf8')) : [];
  const others = known.filter(({ workload, without }) => workload !== entry.workload || without !== entry.without);
  const order = Object.keys(VARIANTS);
  const sorted = [...others, entry].toSorted(
    (left, right) =>
      order.indexOf(left.without) - order.indexOf(right.without) || left.workload.localeCompare(right.workload),
  );
  writeFileSync(ABLATION_FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Longest wait of a timer that should fire every millisecond, while steps run. */
async function stalls(workloads) {
  for (const workload of workloads) {
    const side = await Side.start(process.execPath, [
      fileURLToPath(new URL('worker.mjs', import.meta.url)),
      workload,
      'onnx',
    ]);
    try {
      await side.run(3);
      const { stallMs, milliseconds } = await side.run(20, { stalls: true });
      console.log(
        `${workload}: the longest stall of a timer is ${stallMs.toFixed(1)} ms in steps of ${median(milliseconds).toFixed(0)} ms`,
      );
    } finally {
      side.kill();
    }
  }
}
