/** Writes README.md from results/*.json: `node table.mjs`; with `--check` it only says whether README.md is up to date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
/** What `ablation.mjs` measured. */
export const ABLATION_FILE = `${here}results/ablation.json`;

/** One line for each thing that was left out. */
function ablationText() {
  if (!existsSync(ABLATION_FILE)) return '';
  const rows = JSON.parse(readFileSync(ABLATION_FILE, 'utf8')).map(
    ({ workload, without, median, medianWithout, factor }) =>
      `| ${without} | ${workload} | ${median} | ${medianWithout} | ${factor.toFixed(2)} |`,
  );
  return `
## What each optimization brings

A workload as it is, and with one thing otherwise; both in turns. Medians in ms per step. What was tried and not kept, and
where the time goes, is in [attempts.md](attempts.md).

| instead | workload | as it is | with that | times as long |
| --- | --- | ---: | ---: | ---: |
${rows.join('\n')}
`;
}

/** The workloads in order, and what a batch's example is counted in: its unit, and how many of them it is. */
const WORKLOADS = {
  resnet20: ['images', 1],
  'resnet20-inference': ['images', 1],
  gpt: ['tokens', 64],
  seq2seq: ['words', 20],
  'seq2seq-greedy': ['words', 20],
  dqn: ['moves', 1],
  'dqn-cartpole': ['moves', 1],
  'dqn-breakout': ['moves', 1],
  gan: ['images', 1],
  simclr: ['images', 1],
  alexnet: ['images', 1],
  'alexnet-inference': ['images', 1],
  transformer: ['words', 20],
  'transformer-greedy': ['words', 20],
  'bert-mini': ['sequences', 1],
  'bert-mini-inference': ['sequences', 1],
  'gpt2-generation': ['tokens', 32],
};

/** Such as "481 images". */
function perSecond(workload, batch, median) {
  const [unit, each] = WORKLOADS[workload];
  return `${Number(((batch * each * 1000) / median).toPrecision(3)).toLocaleString('en')} ${unit}`;
}

const labels = { wasm: 'our wasm', 'wasm-stock': 'tfjs WASM as it comes', cpu: 'tfjs cpu' };

/** The page as it should be. */
export function tableText() {
  const results = Object.keys(WORKLOADS)
    .map((name) => `${here}results/${name}.json`)
    .filter(existsSync)
    .map((path) => JSON.parse(readFileSync(path, 'utf8')));
  const rows = results.flatMap(({ workload, batch, ours, peers, unable = [], commit }) => {
    const own = `| ${workload} | ${batch} | **${ours.engine}** | ${ours.median} | ${ours.min} | ${perSecond(workload, batch, ours.median)} | ${ours.peakMB} | ${ours.compileMs ?? ''} | | ${commit} |`;
    const others = peers.map(({ name, version, median, min, peakMB }) => {
      const label = name === 'torch' ? `PyTorch ${version}` : labels[name];
      return `| | | ${label} | ${median} | ${min} | ${perSecond(workload, batch, median)} | ${peakMB} | | ${(median / ours.median).toFixed(2)} | |`;
    });
    return [own, ...others, ...unable.map(({ name }) => `| | | ${labels[name] ?? name} | cannot run it | | | | | | |`)];
  });
  const machines = [...new Set(results.map(({ machine }) => machine))].map((machine) => `- ${machine}`);
  return `# Benchmarks

Time of one whole training step (forward, gradients, update), of one forward pass in evaluation mode ("-inference"), or of
what a workload translates at once, written by \`pnpm bench\`; do not edit. "Per second" is of the median; where there are
sentences, words of the target count, padding included. The sides take turns
in blocks of about a second, each in a process of its own. Read ratios, not times: "speed" says how many times as fast we
are, by the medians. "seq2seq-greedy" is no training: a step is the greedy translation of 64 sentences of 20 words to 20
words each, 1,280 words. The "bert-mini" workloads have sequences of 128 tokens. "dqn-cartpole" and "dqn-breakout" are the
whole loop of an agent, environment and replay memory included: 100 moves with 10 updates of 128, and 10 moves with 10 of 32.
"simclr" makes two augmented views of each image as well, on the host, while the step before runs.
"gpt2-generation" is no training either: GPT-2 124M reads 32 tokens and writes 32, greedily, with keys and values kept. All
weights are random. Memory is the largest resident size of the process. "Compile" is what the first step takes longer.

| workload | batch | engine | median ms | min ms | per second | peak MB | compile ms | our speed against it | commit |
| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
${rows.join('\n')}

Measured on:

${machines.join('\n')}
${ablationText()}
## Run it

\`\`\`
pnpm bench                                  all workloads against PyTorch
pnpm bench gpt dqn --against torch,wasm     some workloads, several peers
pnpm bench gpt --steps 50 --engine wasm     another engine on our side
pnpm bench:ablation gpt                     what each optimization brings
pnpm bench:ablation --stalls                the longest wait of a timer while steps run
\`\`\`

"wasm" is the engine of that name, with our repairs and kernels; "wasm-stock" is TensorFlow.js's own backend without them,
which lacks the gradients of convolutions and of embeddings.

PyTorch is optional: without it that side is skipped. It runs with as many threads as make it fastest here, and does not
spin while it waits. \`MILESTONES_PYTHON\` names another interpreter. What each workload is, its file in \`workloads/\` says;
\`peers/torch_peer.py\` has the same models with the same number of trained weights, and the harness refuses to compare
when they differ.
`;
}

/** Writes the page. */
export function writeTable() {
  writeFileSync(`${here}README.md`, tableText());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) writeTable();
  else if (readFileSync(`${here}README.md`, 'utf8') !== tableText()) {
    console.error('bench: benchmarks/README.md does not show benchmarks/results; run: node benchmarks/table.mjs');
    process.exitCode = 1;
  }
}
