/**
 * What importing our packages costs, in fresh processes that take turns:
 *
 *   node scripts/import-time.mjs              15 runs of each; fails above 150 ms more than TensorFlow.js alone,
 *                                             on a machine where that takes 300 ms; a slower one is allowed more in proportion
 *   node scripts/import-time.mjs --runs 31
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/** Milliseconds that are allowed beyond TensorFlow.js, where that takes at most {@link USUAL}. */
const LIMIT = 150;
/** Milliseconds of TensorFlow.js alone. A machine that is slow today is slow for both. */
const USUAL = 300;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' } } });
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 3) {
  console.error(`import-time: --runs ${values.runs} arrived; give a whole number from 3 on.`);
  process.exit(2);
}

const root = new URL('../', import.meta.url);
const fromBackend = createRequire(new URL('packages/backend/package.json', root));
const built = (name, entry = 'index') => new URL(`packages/${name}/dist/${entry}.js`, root).href;
const sides = {
  'tfjs alone': [pathToFileURL(fromBackend.resolve('@tensorflow/tfjs')).href],
  '+ backend and core': [built('backend'), built('core')],
  '+ gpt-mini': [built('backend'), built('core'), built('gpt-mini')],
};

const program = `
  const start = performance.now();
  for (const url of JSON.parse(process.argv[1])) await import(url);
  process.stdout.write(String(performance.now() - start));
  process.exit(0);
`;

/** Milliseconds of one import in a fresh process. */
function measure(urls) {
  const args = ['--input-type=module', '--eval', program, JSON.stringify(urls)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: fileURLToPath(root), encoding: 'utf8' });
  if (status !== 0) throw new Error(`import-time: the import failed; build the packages first.\n${stderr}`);
  return Number(stdout);
}

const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
for (let run = -1; run < runs; run++) {
  for (const [name, urls] of Object.entries(sides)) {
    const milliseconds = measure(urls);
    if (run >= 0) times[name].push(milliseconds); // The first fills the file cache.
  }
}
/** The value that a share of the numbers stays below. */
const quantile = (numbers, share) =>
  numbers.toSorted((left, right) => left - right)[Math.floor(share * (numbers.length - 1))];
// Other processes only ever add time, in bursts that may meet one side alone: the quicker quarters are compared.
const quick = (numbers) => quantile(numbers, 0.25);
const alone = quick(times['tfjs alone']);
const limit = LIMIT * Math.max(1, alone / USUAL);
let ok = true;
for (const [name, all] of Object.entries(times)) {
  const more = quick(all) - alone;
  ok &&= more <= limit;
  const added = name === 'tfjs alone' ? '' : `, ${more.toFixed(0)} ms more`;
  const [least, lower, middle] = [0, 0.25, 0.5].map((share) => quantile(all, share).toFixed(0));
  console.log(`${name.padEnd(20)} quartile ${lower} ms (min ${least}, median ${middle})${added}`);
}
console.log(`${ok ? 'ok: at most' : 'FAILED: more than'} ${limit.toFixed(0)} ms more`);
process.exitCode = ok ? 0 : 1;
