// A milestone without a network, for tests of sweeps: the command, the run folder and the exit codes of a real one, and a
// loss that follows from its settings alone. A run takes `steps` steps and saves a checkpoint after every tenth.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const defaults = {
  rate: 0.1,
  kind: 'a',
  width: 1,
  fold: 0,
  steps: 20,
  pause: 0,
  slow: 0,
  dieAt: 0,
  fails: false,
  silent: false,
};

function parse(argv) {
  const flags = { set: [], seed: '1', out: 'runs' };
  for (let at = 0; at < argv.length; at++) {
    const name = argv[at].slice(2);
    if (name === 'dry-run' || name === 'no-progress' || name === 'offline') flags[name] = true;
    else if (name === 'set') flags.set.push(argv[++at]);
    else flags[name] = argv[++at];
  }
  return flags;
}

function refuse(text) {
  process.stderr.write(`Error: ${text}\n`);
  return 2;
}

export async function main(argv) {
  const flags = parse(argv);
  if (flags.preset !== undefined && flags.preset !== 'quick')
    return refuse(`--preset: toy has no preset "${flags.preset}".`);
  const config = { ...defaults };
  for (const argument of flags.set) {
    const [key, value] = argument.split('=');
    if (!(key in defaults))
      return refuse(`--set: unknown key "${key}"; valid names: ${Object.keys(defaults).join(', ')}.`);
    config[key] = typeof defaults[key] === 'string' ? value : JSON.parse(value);
  }
  if (config.rate <= 0) return refuse(`configuration from --set: rate is ${config.rate}: it must be above 0.`);
  // Like heads that must divide the features: one value allows others.
  if (config.width > 4 && config.kind === 'a') return refuse('configuration from --set: width above 4 needs kind b.');
  if (flags['dry-run']) return 0;
  return run(flags, config);
}

async function run(flags, typed) {
  const resumed = flags.resume !== undefined;
  const folder = flags.resume ?? join(flags.out, 'toy', `quick-seed${flags.seed}-${process.pid}`);
  const log = join(folder, 'metrics.jsonl');
  if (!resumed) {
    mkdirSync(join(folder, 'checkpoints'), { recursive: true });
    writeFileSync(join(folder, 'environment.json'), '{}\n');
    writeFileSync(log, '');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ seed: Number(flags.seed), config: typed }));
  }
  const { seed, config } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const names = resumed ? readdirSync(join(folder, 'checkpoints')).toSorted() : [];
  const state =
    names.length > 0
      ? JSON.parse(readFileSync(join(folder, 'checkpoints', names.at(-1), 'state.json'), 'utf8'))
      : { step: 0, bytes: 0 };
  truncateSync(log, state.bytes);
  console.log(resumed ? `Continuing at step ${state.step}: ${folder}` : `Run: ${folder}`);

  let stopping = false;
  process.once('SIGTERM', () => (stopping = true));
  const lossAt = (step) =>
    (Math.log10(config.rate) + 2) ** 2 + (config.kind === 'b' ? 0.5 : 0) + 0.01 * seed + 0.1 * config.fold + 1 / step;
  const save = (step) => {
    const place = join(folder, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'state.json'), JSON.stringify({ step, bytes: readFileSync(log).length }));
    for (const name of readdirSync(join(folder, 'checkpoints')).toSorted().slice(0, -2)) {
      rmSync(join(folder, 'checkpoints', name), { recursive: true });
    }
  };
  for (let step = state.step + 1; step <= config.steps; step++) {
    if (config.pause > 0) await sleep(config.pause);
    if (config.slow > 0) await sleep(config.slow * config.rate);
    if (config.fails && step === 3) {
      process.stderr.write('Error: step 3: the loss is NaN.\n');
      return 1;
    }
    appendFileSync(log, `${JSON.stringify({ step, validationLoss: lossAt(step) })}\n`);
    if (step % 10 === 0 || stopping) save(step);
    if (stopping && step < config.steps) return 130;
    if (step === config.dieAt && !resumed) process.kill(process.pid, 'SIGKILL');
  }
  const metrics = config.silent ? { accuracy: 1 } : { validationLoss: lossAt(config.steps), accuracy: 1 };
  writeFileSync(join(folder, 'summary.json'), JSON.stringify({ metrics, minutes: 0.1 }));
  return existsSync(folder) ? 1 : 0; // a missed target is no failure of the trial
}
