/** Removes everything that a build leaves behind; keeps node_modules, runs and downloaded data. */
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));
for (const folder of ['.', ...packages]) {
  for (const output of ['dist', 'coverage', '.turbo'])
    rmSync(join(root, folder, output), { recursive: true, force: true });
}
rmSync(join(root, 'docs/api'), { recursive: true, force: true });
