/**
 * Runs the milestones from the repository: `pnpm reproduce <milestone> [flags]`.
 *
 *   pnpm reproduce                                 lists milestones and presets
 *   pnpm reproduce gpt-mini --preset laptop        one milestone; --help lists its flags and keys
 *   pnpm reproduce all --preset quick              every milestone, then one table of all claims
 *
 * A milestone is a package with a presets folder, whose dist/reproduce.js exports main(argv): Promise<number>.
 * What is out of date is built first; the build speaks only when it fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = join(root, 'packages');
const milestones = readdirSync(packages)
  .filter((name) => existsSync(join(packages, name, 'presets')))
  .toSorted();

function listMilestones() {
  console.log(
    'Usage: pnpm reproduce <milestone> [flags]   (--help lists the flags), or: pnpm reproduce all --preset quick\n',
  );
  for (const name of milestones) {
    const { description } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'));
    console.log(`${name}: ${description ?? ''}`);
    for (const file of readdirSync(join(packages, name, 'presets')).toSorted()) {
      if (!file.endsWith('.json')) continue;
      const { preset, minutes, why } = JSON.parse(readFileSync(join(packages, name, 'presets', file), 'utf8'));
      console.log(`  ${String(preset).padEnd(10)} ${minutes === undefined ? '' : `${minutes} min  `}${why}`);
    }
  }
}

/** Brings dist up to date. tsc -b looks at what changed by itself. Returns whether all is well. */
function build(names) {
  const projects = names
    .map((name) => join(packages, name))
    .filter((folder) => existsSync(join(folder, 'tsconfig.json')));
  if (projects.length === 0) return true;
  if (!names.every((name) => existsSync(join(packages, name, 'dist')))) console.error('Building the packages …');
  let compiler;
  try {
    compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc');
  } catch {
    console.error('reproduce: the development tools are not installed; run npx -y pnpm@12.21.0 install, or npm start.');
    return false;
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-b', ...projects], { encoding: 'utf8' });
  if (status === 0) return true;
  console.error(`${stdout ?? ''}${stderr ?? ''}\nreproduce: the build failed; the messages above say where.`);
  return false;
}

async function runMilestone(name, argv) {
  try {
    const { main } = await import(pathToFileURL(join(packages, name, 'dist', 'reproduce.js')).href);
    return await main(argv);
  } catch (error) {
    console.error(error);
    return 1;
  }
}

/** The summaries of a milestone's runs, newest first: path and time of writing. */
function summariesOf(name, argv) {
  const at = argv.findIndex((argument) => argument === '--out' || argument.startsWith('--out='));
  const out = at < 0 ? 'runs' : argv[at] === '--out' ? argv[at + 1] : argv[at].slice('--out='.length);
  const folder = join(out, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((run) => join(folder, run, 'summary.json'))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, time: statSync(path).mtimeMs }))
    .toSorted((a, b) => b.time - a.time);
}

/**
 * The summary that was written since `earlier` was listed, or undefined. Compared with what was there, not with the clock:
 * a file system's clock may be behind it by milliseconds or round to seconds.
 */
function newestSummary(name, argv, earlier) {
  const known = new Map(earlier.map(({ path, time }) => [path, time]));
  const written = summariesOf(name, argv).find(({ path, time }) => known.get(path) !== time);
  return written && JSON.parse(readFileSync(written.path, 'utf8'));
}

async function runAll(argv) {
  const outcomes = [];
  for (const name of milestones) {
    console.log(`\n── ${name} ──`);
    const earlier = summariesOf(name, argv);
    const code = await runMilestone(name, argv);
    outcomes.push({ name, code, summary: newestSummary(name, argv, earlier) });
    if (code === 130) break;
  }
  if (!argv.includes('--help') && !argv.includes('--dry-run')) await printClaims(outcomes);
  if (outcomes.some(({ code }) => code === 130)) return 130;
  return outcomes.every(({ code }) => code === 0) ? 0 : 1;
}

async function printClaims(outcomes) {
  const { formatNumber, formatTable } = await import(
    pathToFileURL(join(packages, 'reproduce', 'dist', 'table.js')).href
  );
  const { formatBand } = await import(pathToFileURL(join(packages, 'reproduce', 'dist', 'target-table.js')).href);
  const rows = outcomes.flatMap(({ name, code, summary }) => {
    if (summary === undefined) return [[name, `ended with exit code ${code} before its report`, '', '', 'NO']];
    if (summary.targets.length === 0) return [[name, 'the preset states no claims', '', '', code === 0 ? '–' : 'NO']];
    return summary.targets.map((target) => [
      name,
      target.claim,
      formatBand(target.expected),
      formatNumber(target.measured),
      target.pass ? 'yes' : 'NO',
    ]);
  });
  const width = process.stdout.columns || 120;
  console.log(
    `\n${formatTable(['milestone', 'claim', 'expected', 'measured', 'pass'], rows, { align: 'llrrl', width })}\n`,
  );
  const failed = outcomes.filter(({ code }) => code !== 0).map(({ name }) => name);
  console.log(
    failed.length === 0
      ? `Every stated claim holds (${outcomes.length} of ${milestones.length} milestones ran).`
      : `Failed: ${failed.join(', ')}.`,
  );
}

async function reproduce(typed) {
  const [name, ...argv] = typed.filter((argument) => argument !== '--');
  if (name === undefined || name === '--help' || name === '-h') {
    listMilestones();
    return 0;
  }
  if (name !== 'all' && !milestones.includes(name)) {
    console.error(
      `reproduce: there is no milestone called ${JSON.stringify(name)}; choose from ${[...milestones, 'all'].join(', ')}.`,
    );
    return 2;
  }
  if (!build(name === 'all' ? ['reproduce', ...milestones] : [name])) return 1;
  return name === 'all' ? runAll(argv) : runMilestone(name, argv);
}

process.exitCode = await reproduce(process.argv.slice(2));
// An engine's idle worker threads must not keep a finished command alive.
setTimeout(() => process.exit(), 2000).unref();
