/**
 * Everything that CI checks, one after the other, with a summary at the end: `pnpm check`.
 *
 *   node scripts/check.mjs                        all checks
 *   node scripts/check.mjs lint types             only these
 *   node scripts/check.mjs --without tests        all but these
 *   node scripts/check.mjs --failures FILE        also writes the names of the failed checks to FILE
 *
 * A failing check does not stop the others: one run tells everything that is wrong.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Name of a check → its script in package.json. */
const checks = {
  format: 'format:check',
  lint: 'lint',
  types: 'types',
  unused: 'unused',
  tests: 'test:only',
  operations: 'optests:only',
  tokenizers: 'tokenizers:check',
  workloads: 'workloads:check',
  search: 'search:check',
  memory: 'memory:check',
  imports: 'import:check',
  packages: 'pack:check',
  install: 'install:check',
  resume: 'resume:check',
  sweep: 'sweep:check',
  browser: 'browser:check',
  webgpu: 'webgpu:check',
  docs: 'docs:only',
  ...(scripts['results:check'] && { results: 'results:check' }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { without: { type: 'string', multiple: true, default: [] }, failures: { type: 'string' } },
});
for (const name of [...positionals, ...values.without]) {
  if (!(name in checks)) {
    console.error(`check: there is no check named "${name}"; choose from ${Object.keys(checks).join(', ')}.`);
    process.exit(2);
  }
}
const chosen = Object.keys(checks).filter(
  (name) => (positionals.length === 0 || positionals.includes(name)) && !values.without.includes(name),
);

const path = [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter);
const rows = [];
for (const name of chosen) {
  console.log(`\n— ${name} —`);
  const start = performance.now();
  const { status } = spawnSync(scripts[checks[name]], {
    cwd: root,
    stdio: 'inherit',
    shell: true,
    env: { ...process.env, PATH: path },
  });
  rows.push({ name, ok: status === 0, seconds: (performance.now() - start) / 1000 });
}

console.log('');
for (const { name, ok, seconds } of rows)
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds.toFixed(1)} s`);
const failed = rows.filter((row) => !row.ok).map((row) => row.name);
if (values.failures) writeFileSync(values.failures, failed.map((name) => `${name}\n`).join(''));
process.exit(failed.length > 0 ? 1 : 0);
