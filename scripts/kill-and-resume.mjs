/**
 * Kills training runs with SIGKILL at random moments, resumes them each time, and compares what they end with to runs that
 * were never disturbed: weights, optimizer state and metrics must be equal byte for byte, and nothing half-written may
 * stand under a final name. One run trains one network, another three, one after the other, the last pre-trains and tunes.
 *
 *   node scripts/kill-and-resume.mjs [kills, default 10, 3 and 4] [seed of the moments, default 1] [engine, default wasm]
 *
 * Exits 1 at the first difference.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [killsWanted, seed = '1', engine = 'wasm'] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));

/** By milestone: the quick preset cut short, and which files of the run's folder must be equal besides the last checkpoint. */
const RUNS = {
  'gpt-mini': {
    kills: 10,
    steps: 120,
    settings: {
      'training.steps': 120,
      'training.checkpointEvery': 3,
      'training.logEvery': 1,
      'training.evaluateEvery': 40,
      'training.evaluationBatches': 2,
      'training.sampleCharacters': 30,
      'model.dropout': 0.1,
    },
    files: ['metrics.jsonl', 'model/model.safetensors', 'samples/generated.txt'],
  },
  resnet: {
    kills: 3,
    steps: 3 * 16,
    settings: {
      'training.steps': 16,
      'training.batchSize': 16,
      'training.warmupSteps': 2,
      'training.checkpointEvery': 2,
      'training.logEvery': 1,
      'training.evaluateEvery': 8,
      'training.trainImagesEvaluated': 50,
      'training.evaluationBatch': 50,
      'training.augmentation': 'cropAndFlip',
      'data.generatedTrain': 200,
      'data.generatedTest': 50,
    },
    files: ['metrics.jsonl', 'model-resnet/model.safetensors'],
  },
  'bert-mini': {
    kills: 4,
    // 40 of pre-training, then three fine-tunings, whose checkpoints have no optimizer.
    steps: 43,
    groups: ['model'],
    settings: {
      'pretraining.steps': 40,
      'pretraining.learningRate': 0.001,
      'model.dropout': 0.1,
      'fineTuning.seeds': 1,
      'fineTuning.minimumSteps': 20,
      'fineTuning.lstm': true,
      checkpointEvery: 3,
      logEvery: 1,
    },
    files: ['metrics.jsonl', 'model/model.safetensors', 'classifier/model.safetensors'],
  },
};
const { Random } = await import(new URL('../packages/core/dist/index.js', import.meta.url).href);
const { latestCheckpoint, loadCheckpoint } = await import(
  new URL('../packages/core/dist/node.js', import.meta.url).href
);
const random = new Random(Number(seed), 'kill and resume');

for (const milestone of Object.keys(RUNS)) await check(milestone);

/** Starts the command; the moment to kill counts from the first line that says the run has begun. */
function start(/** @type {string} */ milestone, /** @type {string[]} */ argv) {
  const entry = new URL(`../packages/${milestone}/dist/reproduce.js`, import.meta.url).href;
  const program = `import { main } from ${JSON.stringify(entry)}; process.exitCode = await main(process.argv.slice(1));`;
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

/** Waits until the run in a folder has a checkpoint of some step or a later one, or has ended. */
async function reached(
  /** @type {string} */ runFolder,
  /** @type {number} */ step,
  /** @type {ReturnType<typeof start>} */ run,
) {
  const folder = join(runFolder, 'checkpoints');
  while (run.child.exitCode === null && run.child.signalCode === null) {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    if (names.some((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? -1) >= step)) return;
    await sleep(5);
  }
}

function fail(/** @type {string} */ message) {
  console.error(`kill-and-resume: ${message}`);
  process.exit(1);
}

/** Runs one milestone twice, once disturbed, and compares. */
async function check(/** @type {string} */ milestone) {
  const { steps, settings, files: own, groups = ['model', 'optimizer'] } = RUNS[milestone];
  const kills = killsWanted === undefined ? RUNS[milestone].kills : Number(killsWanted);
  const onlyRun = (/** @type {string} */ out) =>
    join(out, milestone, readdirSync(join(out, milestone)).find((name) => name.startsWith('quick-')) ?? '');
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

  const folder = mkdtempSync(join(tmpdir(), 'milestones-kill-'));
  const [calm, stormy] = [join(folder, 'calm'), join(folder, 'stormy')];
  console.log(`${milestone}: an undisturbed run of ${steps} steps on ${engine} …`);
  const began = performance.now();
  const undisturbed = start(milestone, newRun(calm));
  await undisturbed.begun;
  const startedAt = performance.now();
  await reached(onlyRun(calm), 1, undisturbed);
  const [preparing, trainingSince] = [performance.now() - startedAt, performance.now()];
  await reached(onlyRun(calm), steps, undisturbed);
  const training = performance.now() - trainingSince;
  await undisturbed.ended;
  console.log(`… took ${((performance.now() - began) / 1000).toFixed(1)} s`);

  let done = 0;
  let argv = newRun(stormy);
  let reachedStep = 0;
  while (done < kills) {
    const run = start(milestone, argv);
    await run.begun;
    // Two of three kills fall between the first new checkpoint and some later one, so that each adds to the run and none
    // comes after its end; the others fall while the run gets ready or takes its first steps.
    if (done % 3 === 2) await sleep(random.uniform() * preparing);
    else {
      await reached(onlyRun(stormy), reachedStep + 1, run);
      await sleep((random.uniform() * training) / (2 * (kills + 1)));
    }
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
    for (const name of readdirSync(join(runFolder, 'checkpoints')).filter((entryName) =>
      /^step-\d+$/.test(entryName),
    )) {
      await loadCheckpoint(join(runFolder, 'checkpoints', name));
    }
    JSON.parse(readFileSync(join(runFolder, 'config.json'), 'utf8'));
    reachedStep = checkpoint?.step ?? 0;
    console.log(
      `kill ${done}: last checkpoint at step ${checkpoint?.step ?? 'none'}, everything under a final name is whole`,
    );
    argv = ['--preset', 'quick', '--resume', runFolder, '--backend', engine, '--no-progress', '--out', stormy];
  }
  const last = start(milestone, argv);
  const code = await last.ended;
  const [expected, found] = [onlyRun(calm), onlyRun(stormy)];
  if (!readdirSync(found).includes('summary.json')) fail(`the resumed run did not finish (${code}):\n${last.output()}`);
  const files = [
    ...own,
    ...groups.map((group) => `checkpoints/step-${String(steps).padStart(6, '0')}/${group}.safetensors`),
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
  console.log(
    `${milestone}: ${done} kills, ${done} resumes: ${files.join(', ')} equal those of the undisturbed run byte for byte.`,
  );
  if (done < kills) fail(`only ${done} of ${kills} kills fell into the run; run it again.`);
}
