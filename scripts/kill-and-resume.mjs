/**
 * Kills a training run with SIGKILL at random moments, resumes it each time, and compares what it ends with to a run that
 * was never disturbed: weights, optimizer state and metrics must be equal byte for byte, and nothing half-written may
 * stand under a final name.
 *
 *   node scripts/kill-and-resume.mjs [kills, default 10] [seed of the moments, default 1] [engine, default wasm]
 *
 * Exits 1 at the first difference.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [kills = '10', seed = '1', engine = 'wasm'] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
const entry = new URL('../packages/gpt-mini/dist/reproduce.js', import.meta.url).href;
const program = `import { main } from ${JSON.stringify(entry)}; process.exitCode = await main(process.argv.slice(1));`;
const steps = 120;
const settings = {
  'training.steps': steps,
  'training.checkpointEvery': 3,
  'training.logEvery': 1,
  'training.evaluateEvery': 40,
  'training.evaluationBatches': 2,
  'training.sampleCharacters': 30,
  'model.dropout': 0.1,
};
const { Random } = await import(new URL('../packages/core/dist/index.js', import.meta.url).href);
const { latestCheckpoint, loadCheckpoint } = await import(
  new URL('../packages/core/dist/node.js', import.meta.url).href
);
const random = new Random(Number(seed), 'kill and resume');

/** Starts the command; the moment to kill counts from the first line that says the run has begun. */
function start(/** @type {string[]} */ argv) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, '--', ...argv], { cwd: root });
  let output = '';
  const begun = new Promise((resolve) => {
    const read = (/** @type {Buffer} */ text) => {
      output += String(text);
      if (/^(Run|Continuing at step)/m.test(output)) resolve(undefined);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', resolve);
  });
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  return { child, begun, ended, output: () => output };
}

const onlyRun = (/** @type {string} */ out) =>
  join(out, 'gpt-mini', readdirSync(join(out, 'gpt-mini')).find((name) => name.startsWith('quick-')) ?? '');
const newRun = (/** @type {string} */ out) => [
  '--preset',
  'quick',
  '--backend',
  engine,
  '--no-progress',
  '--out',
  out,
  ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
];

function fail(/** @type {string} */ message) {
  console.error(`kill-and-resume: ${message}`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'milestones-kill-'));
const [calm, stormy] = [join(folder, 'calm'), join(folder, 'stormy')];
console.log(`An undisturbed run of ${steps} steps on ${engine} …`);
const began = performance.now();
const undisturbed = start(newRun(calm));
await undisturbed.begun;
const begunAfter = performance.now();
await undisturbed.ended;
const duration = performance.now() - begunAfter;
console.log(`… took ${((performance.now() - began) / 1000).toFixed(1)} s`);

let done = 0;
let argv = newRun(stormy);
while (done < Number(kills)) {
  const run = start(argv);
  await run.begun;
  // Moments spread over a part of the run, so that most of the kills fall into it and none only after its end.
  await sleep((random.uniform() * duration * 2) / (Number(kills) + 1));
  run.child.kill('SIGKILL');
  const end = await run.ended;
  if (end !== 'SIGKILL') {
    console.log(`the run ended (${end}) before kill ${done + 1}: starting the next kill from its folder`);
    if (run.output().includes('Error')) fail(run.output());
    break;
  }
  done++;
  const runFolder = onlyRun(stormy);
  const { checkpoint, skipped } = await latestCheckpoint(join(runFolder, 'checkpoints'));
  if (skipped.length > 0)
    fail(`after kill ${done} a checkpoint under its final name is damaged: ${JSON.stringify(skipped)}`);
  for (const name of readdirSync(join(runFolder, 'checkpoints')).filter((entryName) => /^step-\d+$/.test(entryName))) {
    await loadCheckpoint(join(runFolder, 'checkpoints', name));
  }
  JSON.parse(readFileSync(join(runFolder, 'config.json'), 'utf8'));
  console.log(
    `kill ${done}: last checkpoint at step ${checkpoint?.step ?? 'none'}, everything under a final name is whole`,
  );
  argv = ['--preset', 'quick', '--resume', runFolder, '--backend', engine, '--no-progress', '--out', stormy];
}
const last = start(argv);
const code = await last.ended;
const [expected, found] = [onlyRun(calm), onlyRun(stormy)];
if (!readdirSync(found).includes('summary.json')) fail(`the resumed run did not finish (${code}):\n${last.output()}`);
const files = [
  'metrics.jsonl',
  'model/model.safetensors',
  'samples/generated.txt',
  ...['model', 'optimizer'].map((group) => `checkpoints/step-${String(steps).padStart(6, '0')}/${group}.safetensors`),
];
for (const file of files) {
  if (!readFileSync(join(expected, file)).equals(readFileSync(join(found, file))))
    fail(`${file} differs (folders kept in ${folder})`);
}
const strays = readdirSync(found, { recursive: true })
  .map(String)
  .filter((name) => /(^|[/\\])\.|\.tmp|\.part/.test(name));
if (strays.length > 0) fail(`temporary files are left in the finished run: ${strays.join(', ')}`);
rmSync(folder, { recursive: true });
console.log(`${done} kills, ${done} resumes: ${files.join(', ')} equal those of the undisturbed run byte for byte.`);
if (done < Number(kills)) fail(`only ${done} of ${kills} kills fell into the run; run it again.`);
