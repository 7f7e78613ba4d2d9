/**
 * A sweep on a real Redis among disturbances: thirty trials and three worker processes, of which one is killed with SIGKILL,
 * its disk lost with it, and one is cut off from Redis for a while, both in the middle of a trial; a fourth joins late and
 * leaves early. Every trial must be recorded exactly once, and the table must equal that of a quiet sweep on this machine with
 * the same seed.
 *
 *   node scripts/sweep-check.mjs [number of trials, default 30]
 *
 * Starts Debian's redis-server itself, on a free port and without files. Skipped, with a word, where there is none.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const TRIALS = Number(process.argv[2] ?? 30);
const LEASE = 4;
const MILESTONE = 'gpt-mini';
const SPACE = {
  'training.learningRate': { kind: 'range', from: 0.001, to: 0.05, scale: 'log' },
  'model.heads': { kind: 'category', values: [1, 2] },
};
const SETTINGS = {
  'training.steps': 48,
  'training.batchSize': 8,
  'training.warmupSteps': 4,
  'training.checkpointEvery': 4,
  'training.evaluateEvery': 20,
  'training.evaluationBatches': 2,
  'training.logEvery': 1,
  'training.sampleCharacters': 0,
  'model.features': 16,
  'model.layers': 1,
};

const root = fileURLToPath(new URL('..', import.meta.url));
const sweepDist = new URL('../packages/sweep/dist/', import.meta.url);
if (spawnSync('redis-server', ['--version']).status !== 0) {
  console.log(
    'sweep-check: skipped, there is no redis-server here; install it (Debian: apt-get install redis-server).',
  );
  process.exit(0);
}
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const projects = ['sweep', MILESTONE].map((name) => join(root, 'packages', name));
const built = spawnSync(process.execPath, [compiler, '-b', ...projects], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const { Redis } = createRequire(new URL('../packages/sweep/package.json', import.meta.url))('ioredis');
const { Ledger } = await import(new URL('ledger.js', sweepDist).href);
const { RedisDocuments } = await import(new URL('redis-documents.js', sweepDist).href);

const folder = mkdtempSync(join(tmpdir(), 'milestones-sweep-'));
/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
process.on('exit', () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});
const began = performance.now();
const say = (/** @type {string} */ text) =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

function fail(/** @type {string} */ message) {
  console.error(`sweep-check: ${message}\n(folders kept in ${folder})`);
  process.exit(1);
}

function check(/** @type {boolean} */ holds, /** @type {string} */ message) {
  if (!holds) fail(message);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A way to Redis that can be blocked: connections stay open, but nothing passes in either direction. */
async function startProxy(/** @type {number} */ target) {
  let blocked = false;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (blocked) from.pause();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    port,
    block() {
      blocked = true;
      for (const socket of sockets) socket.pause();
    },
    heal() {
      blocked = false;
      for (const socket of sockets) socket.resume();
    },
    close: () => server.close(),
  };
}

const milestoneEntry = join(root, 'packages', MILESTONE, 'dist', 'reproduce.js');

/** Runs the command of sweeps in a process of its own. */
function command(/** @type {string} */ label, /** @type {string[]} */ argv, entry = milestoneEntry) {
  const program = `
    import { main } from ${JSON.stringify(new URL('index.js', sweepDist).href)};
    const host = { prefix: 'pnpm sweep', locate: () => ${JSON.stringify(entry)} };
    process.exitCode = await main(process.argv.slice(1), host);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, '--', ...argv], { cwd: folder });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  return { label, child, ended, output: () => output, worker: `${hostname()}:${child.pid}` };
}

const settings = Object.entries(SETTINGS).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
writeFileSync(join(folder, 'space.json'), JSON.stringify(SPACE));
const start = [MILESTONE, '--space', 'space.json', '--trials', String(TRIALS), '--backend', 'wasm', ...settings];
const read = (/** @type {string} */ place) =>
  JSON.parse(readFileSync(join(folder, place, MILESTONE, 'check', 'summary.json'), 'utf8'));

// 1. A quiet sweep, local.
say(`a quiet sweep of ${TRIALS} trials, two at a time …`);
const quiet = command('quiet', [...start, '--name', 'check', '--out', 'quiet', '--workers', '2']);
check((await quiet.ended) === 0, `the quiet sweep failed:\n${quiet.output()}`);
const expected = read('quiet').trials;
say(`… done; best ${read('quiet').metric} ${read('quiet').best.value} by trial ${read('quiet').best.trial}`);

// 2. The same among disturbances.
const port = await freePort();
const redis = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no', '--dir', folder], {
  stdio: 'ignore',
});
children.push(redis);
const client = new Redis({ port, retryStrategy: (/** @type {number} */ tries) => Math.min(50 * tries, 500) });
client.on('error', () => undefined);
await client.ping();
const proxy = await startProxy(port);
const direct = `redis://127.0.0.1:${port}`;
const ledger = new Ledger(new RedisDocuments(client, 'check'), { trials: TRIALS, suggest: () => ({}) }, 5);
const finished = async () => (await ledger.trials()).filter(({ result }) => result !== null).length;

const stormy = command('sweep', [
  ...start,
  '--name',
  'check',
  '--out',
  'stormy',
  '--queue',
  direct,
  '--lease',
  `${LEASE}`,
]);
while (!stormy.output().includes('Join from any machine')) {
  check(stormy.child.exitCode === null, `the sweep did not start:\n${stormy.output()}`);
  await sleep(50);
}
const joinAs = (/** @type {string} */ label, /** @type {number} */ at = port) =>
  command(label, ['worker', '--queue', `redis://127.0.0.1:${at}`, '--out', label, '--workers', '1']);
const workers = [joinAs('first'), joinAs('second', proxy.port), joinAs('third')];
say(`three workers joined a shared sweep on port ${port}; the second one's way to Redis can be blocked`);

// Mistakes that a queue must refuse, while it is at work.
mkdirSync(join(folder, 'other'));
writeFileSync(join(folder, 'other', 'reproduce.js'), 'export const main = async () => 0;');
for (const [label, argv, entry, words] of /** @type {[string, string[], string, RegExp][]} */ ([
  [
    'another version',
    ['worker', '--queue', direct],
    join(folder, 'other', 'reproduce.js'),
    /check out and build the same/,
  ],
  [
    'the same name',
    [...start, '--name', 'check', '--out', 'twin', '--queue', direct],
    milestoneEntry,
    /choose another name/,
  ],
  ['an unknown sweep', ['worker', '--queue', direct, '--name', 'chek'], milestoneEntry, /there are check/],
])) {
  const refused = command(label, argv, entry);
  const code = await refused.ended;
  check(code === 2 && words.test(refused.output()), `${label} was not refused (${code}):\n${refused.output()}`);
}
check(!existsSync(join(folder, 'twin', MILESTONE, 'check')), 'a refused sweep left its folder');
say('a worker of another version, a second sweep of the same name and an unknown name were refused');

/** Waits until a worker is in the middle of a trial of which Redis has a checkpoint, and answers with its number. */
async function inTheMiddle(/** @type {ReturnType<typeof command>} */ { worker, label, child, output }) {
  for (;;) {
    check(child.exitCode === null, `worker ${label} ended early:\n${output()}`);
    for (const { index, attempts, result } of await ledger.trials()) {
      const last = attempts.at(-1);
      if (result !== null || last?.worker !== worker || last.end !== null) continue;
      if (await client.exists(`milestones:sweep:check:checkpoint:${index}:${last.number}`)) return index;
    }
    check((await finished()) < TRIALS, `no trial of worker ${label} was caught in the middle; run the check again`);
    await sleep(20);
  }
}

/** Does something to a worker in the middle of a trial; again where the trial ended at that very moment. */
async function disturb(
  /** @type {ReturnType<typeof command>} */ worker,
  /** @type {() => void} */ harm,
  /** @type {() => void} */ undo,
) {
  for (;;) {
    const index = await inTheMiddle(worker);
    harm();
    await sleep(100);
    if ((await ledger.trials())[index].result === null) return index;
    undo();
  }
}

while ((await finished()) < TRIALS / 6) await sleep(100);
let victim = workers[0];
const killed = await disturb(
  victim,
  () => victim.child.kill('SIGKILL'),
  () => workers.push((victim = joinAs('replacement'))),
);
rmSync(join(folder, victim.label), { recursive: true, force: true });
say(
  `worker ${victim.label} was killed in the middle of trial ${killed}, and its folder removed (${await finished()} trials done)`,
);
while ((await finished()) < TRIALS / 3) await sleep(100);
const cut = await disturb(workers[1], proxy.block, proxy.heal);
say(`worker second was cut off in the middle of trial ${cut} (${await finished()} trials done)`);
const late = joinAs('late');
workers.push(late);
const takenOver = async () => (await ledger.trials())[cut].attempts.length > 1;
while (!(await takenOver())) await sleep(100);
say(`trial ${cut} was given to another worker`);
await sleep(LEASE * 1000);
proxy.heal();
say(`worker second is connected again (${await finished()} trials done)`);

if (late.child.exitCode === null) late.child.kill('SIGTERM');
check((await stormy.ended) === 0, `the shared sweep failed:\n${stormy.output()}`);
for (const worker of workers) {
  const end = await Promise.race([worker.ended, sleep(30_000, 'still running')]);
  const wanted = worker === victim ? ['SIGKILL'] : worker === late ? [0, 130] : [0];
  check(wanted.includes(end), `worker ${worker.label} ended with ${end}, not ${wanted[0]}:\n${worker.output()}`);
}
say('the sweep and its workers have ended');

// 3. What is in the books.
const trials = await ledger.trials();
const recorded = new Map();
for (const { output } of workers) {
  for (const [, index] of output().matchAll(/^Trial (\d+): recorded/gm)) {
    recorded.set(Number(index), (recorded.get(Number(index)) ?? 0) + 1);
  }
}
for (const { index, result, attempts } of trials) {
  check(result?.state === 'finished', `trial ${index} is ${result?.state ?? 'lost'}: ${result?.reason}`);
  const ends = attempts.filter(({ end }) => end === 'recorded').length;
  check(ends === 1, `trial ${index} was recorded ${ends} times`);
  // A worker that dies right after recording cannot say so any more; nobody else may.
  const told = recorded.get(index) ?? 0;
  check(
    told === 1 || (told === 0 && attempts.at(-1).worker === victim.worker),
    `trial ${index} was recorded by ${told} workers`,
  );
}
const again = trials.filter(({ attempts }) => attempts.length > 1);
for (const index of [killed, cut]) {
  check(
    again.some((trial) => trial.index === index),
    `trial ${index} was not retried`,
  );
}
const continued = again.filter(({ index, attempts }) => {
  const { number, place } = attempts.at(-1);
  const output = join(place, 'trials', String(index).padStart(4, '0'), `attempt-${number}`, 'output.txt');
  return /Continuing at step [1-9]/.test(readFileSync(output, 'utf8'));
});
for (const index of [killed, cut]) {
  check(
    continued.some((trial) => trial.index === index),
    `trial ${index} began anew instead of at its checkpoint`,
  );
}
const actual = read('stormy').trials;
check(
  actual.length === TRIALS && isDeepStrictEqual(actual, expected),
  'the table differs from that of the quiet sweep',
);

// 4. A late result is refused by Redis itself: a hundred tries at once, of which one holds the present token.
const fence = new Ledger(new RedisDocuments(client, 'fence'), { trials: 1, suggest: () => ({}) }, 1000);
const tokens = [];
for (let attempt = 0; attempt < 100; attempt++)
  tokens.push((await fence.begin(0, `worker ${attempt}`, folder)).attempt.token);
const others = Array.from({ length: 4 }, () => new Redis({ port }));
const result = { state: 'finished', value: 1, metrics: {}, curve: [], reason: null, minutes: null };
const accepted = await Promise.all(
  tokens.map((token, at) => {
    const own = new Ledger(new RedisDocuments(others[at % 4], 'fence'), { trials: 1, suggest: () => ({}) }, 1000);
    return own.record(0, token, { ...result, value: at });
  }),
);
check(accepted.filter(Boolean).length === 1 && accepted.at(-1) === true, 'a stale token recorded a result');
check((await fence.trials())[0].result.value === 99, 'the wrong result was recorded');

for (const connection of [client, ...others]) connection.disconnect();
proxy.close();
redis.kill();
rmSync(folder, { recursive: true, force: true });
const dropped = workers.flatMap(({ output }) => output().match(/is dropped|is ended here/g) ?? []).length;
console.log(
  `sweep-check: ${TRIALS} trials, each recorded exactly once, none lost; ${again.length} of them were retried ` +
    `(${continued.length} from a checkpoint), ${dropped} stale runs were dropped; the table equals the quiet sweep's; ` +
    `99 of 100 results with an old token were refused (${Math.round((performance.now() - began) / 1000)} s).`,
);
process.exit(0);
