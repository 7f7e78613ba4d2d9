/**
 * Times training steps side by side: `pnpm bench [workload…] [--against torch,wasm,wasm-stock,cpu] [--steps N] [--engine onnx]`.
 *
 * Each side runs in a process of its own. They take turns, A B A B …, in blocks of about a second, so that what disturbs
 * the machine disturbs both. Writes results/<workload>.json, and README.md from all results.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Side } from './side.mjs';
import { writeTable } from './table.mjs';

const WORKLOADS = [
  'resnet20',
  'resnet20-inference',
  'gpt',
  'seq2seq',
  'seq2seq-greedy',
  'dqn',
  'dqn-cartpole',
  'dqn-breakout',
  'gan',
  'simclr',
  'alexnet',
  'alexnet-inference',
  'transformer',
  'transformer-greedy',
  'bert-mini',
  'bert-mini-inference',
  'gpt2-generation',
];
const PEERS = ['torch', 'wasm', 'wasm-stock', 'cpu'];
const BLOCK_MS = 1000;
const PYTHON = process.env.MILESTONES_PYTHON ?? 'python3';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string', default: 'torch' },
    steps: { type: 'string' },
    engine: { type: 'string', default: 'onnx' },
    seconds: { type: 'string', default: '10' },
  },
});
const chosen = positionals.length > 0 ? positionals : WORKLOADS;
const peers = values.against.split(',').filter(Boolean);
refuseUnknown('workload', chosen, WORKLOADS);
refuseUnknown('peer', peers, PEERS);
const stepsWanted = values.steps === undefined ? undefined : positiveNumber('--steps', values.steps);
const secondsWanted = positiveNumber('--seconds', values.seconds);

for (const workload of chosen) await compare(workload);
writeTable();
console.log('\nbenchmarks/README.md is up to date.');

/** Runs one workload against all peers, and writes its result. */
async function compare(workload) {
  console.log(`\n${workload}`);
  const sides = [];
  const unable = []; // peers that ran and lack something, unlike those that are not installed
  try {
    // All sides live at once; while one is being measured the others wait for their next command.
    sides.push({ name: 'ours', ...(await started(workload, values.engine)) });
    for (const peer of peers) {
      const { side } = await started(workload, peer);
      if (side.skip === undefined) sides.push({ name: peer, side });
      else console.log(`  ${peer}: skipped. ${side.skip}`);
      if (side.skip !== undefined && peer !== 'torch') unable.push({ name: peer, reason: side.skip });
    }
    requireSameSize(workload, sides);
    const measured = await inTurns(sides);
    const [ours, ...others] = measured;
    const result = {
      workload,
      batch: sides[0].side.ready.batch,
      unit: 'ms/step',
      ours: { engine: sides[0].side.ready.engine, ...ours },
      peers: others.map((numbers, index) => {
        const { name, side } = sides[index + 1];
        const threads = side.ready.threads === undefined ? {} : { threads: side.ready.threads };
        return { name, version: side.ready.version, ...threads, ...numbers };
      }),
      ...(unable.length > 0 && { unable }),
      machine: describeMachine(),
      commit:
        git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--', 'packages') ? '+changes' : ''),
    };
    const folder = fileURLToPath(new URL('results/', import.meta.url));
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}${workload}.json`, `${JSON.stringify(result, null, 2)}\n`);
    report(sides, measured);
  } finally {
    for (const { side } of sides) side.kill();
  }
}

/** Starts one side; its first step is done when this returns. */
async function started(workload, name) {
  if (name === 'torch') {
    const peer = fileURLToPath(new URL('peers/torch_peer.py', import.meta.url));
    try {
      return { side: await Side.start(PYTHON, [peer, workload], { OMP_WAIT_POLICY: 'passive' }) };
    } catch (error) {
      return { side: { skip: error.message, kill() {} } };
    }
  }
  return { side: await Side.start(process.execPath, ['worker.mjs', workload, name]) };
}

/** A comparison of two different models would be none. */
function requireSameSize(workload, sides) {
  const sizes = new Set(sides.map(({ side }) => `${side.ready.parameters} weights, batch ${side.ready.batch}`));
  if (sizes.size > 1) throw new Error(`bench: the sides of ${workload} differ (${[...sizes].join('; ')}).`);
}

/** Warm-up, then blocks of steps in turn. @returns the numbers of each side in the order of `sides` */
async function inTurns(sides) {
  const states = [];
  for (const { side } of sides) {
    const warm = await side.run(3);
    const expected = Math.min(...warm.milliseconds);
    const total = stepsWanted ?? Math.min(2000, Math.max(5, Math.round((secondsWanted * 1000) / expected)));
    states.push({
      side,
      expected,
      left: total,
      block: Math.max(1, Math.round(BLOCK_MS / expected)),
      all: [],
      loss: warm.loss,
    });
  }
  while (states.some(({ left }) => left > 0)) {
    for (const state of states) {
      const steps = Math.min(state.left, state.block);
      if (steps === 0) continue;
      const { milliseconds, loss } = await state.side.run(steps);
      state.all.push(...milliseconds);
      state.left -= steps;
      state.loss = loss;
      await sleep(20); // Threads of the side that just ran go to sleep.
    }
  }
  const results = [];
  for (const { side, all, loss } of states) {
    const { peakMB } = await side.close();
    const sorted = all.toSorted((left, right) => left - right);
    const median = sorted[Math.floor(sorted.length / 2)];
    const compiles = side.ready.threads === undefined;
    results.push({
      median: rounded(median),
      min: rounded(sorted[0]),
      peakMB: Math.round(peakMB),
      // The first step includes tracing, compiling and loading; what a later step takes is no part of that.
      ...(compiles && { compileMs: Math.max(0, Math.round(side.ready.firstMs - median)) }),
      steps: all.length,
      loss: { first: rounded(side.ready.loss), last: rounded(loss) },
    });
  }
  return results;
}

function report(sides, measured) {
  const [ours] = measured;
  measured.forEach(({ median, min, peakMB, compileMs, loss }, index) => {
    const { name, side } = sides[index];
    const label = index === 0 ? `ours (${side.ready.engine})` : name;
    const speed = index === 0 ? '' : `  we are ${(median / ours.median).toFixed(2)}× as fast`;
    const compile = compileMs === undefined ? '' : `, compile ${compileMs} ms`;
    console.log(
      `  ${label.padEnd(12)} ${median} ms/step (min ${min}), ${peakMB} MB${compile}, loss ${loss.first} → ${loss.last}${speed}`,
    );
  });
}

function rounded(value) {
  return Number(value.toPrecision(4));
}

function describeMachine() {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, ${platform()} ${arch()}, Node ${process.versions.node}`;
}

function git(...args) {
  try {
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

function refuseUnknown(what, names, known) {
  for (const name of names) {
    if (known.includes(name)) continue;
    console.error(`bench: there is no ${what} named "${name}"; choose from ${known.join(', ')}.`);
    process.exit(2);
  }
}

function positiveNumber(flag, text) {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  console.error(`bench: ${flag} ${text} arrived; give a number above 0.`);
  process.exit(2);
}
