/**
 * Runs the built packages and the tests on other versions of Node, each taken from the npm package `node`, which holds
 * the binary: `node scripts/node-versions.mjs [22 24 26] [--tests packages/core]`. Build first.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tests: { type: 'string', multiple: true, default: [] } },
});

const importEntries = readdirSync(join(root, 'packages'))
  .flatMap((name) => {
    const { exports } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    return Object.values(exports)
      .filter((target) => typeof target === 'object')
      .map((target) => `await import('./packages/${name}/${target.default}');`);
  })
  .join('\n');
const program = `${importEntries}
const { tf, useBackend } = await import('./packages/backend/dist/index.js');
const engine = await useBackend('wasm');
const sum = (await tf.tensor1d([1, 2]).sum().data())[0];
if (sum !== 3) throw new Error('1 + 2 gave ' + sum);
console.log('imports: fine, ' + process.version + ', engine ' + engine.name);`;

let failures = 0;
for (const version of positionals.length > 0 ? positionals : ['22', '24', '26']) {
  const node = (/** @type {string[]} */ ...parameters) =>
    spawnSync('npx', ['-y', `node@${version}`, ...parameters], { cwd: root, stdio: 'inherit' }).status === 0;
  console.log(`\n— Node ${version} —`);
  if (!node('--input-type=module', '--eval', program)) failures += 1;
  if (!node('node_modules/vitest/vitest.mjs', 'run', '--reporter=dot', ...values.tests)) failures += 1;
}
if (failures > 0) {
  console.error(`\nnode-versions: ${failures} runs failed; see above.`);
  process.exitCode = 1;
}
