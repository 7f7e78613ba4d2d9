/**
 * Fills the marked tables of README.md, packages/<name>/README.md and docs/*.md from packages/<name>/results/.
 *
 *   node scripts/results-tables.mjs            rewrites the files
 *   node scripts/results-tables.mjs --check    changes nothing; exit code 1 where a table differs from the results
 *
 * The list of experiments in the README of packages/fundamentals is written from its code.
 *
 * Needs a build of packages/reproduce and packages/fundamentals.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'packages', 'reproduce', 'dist', 'results-tables.js');
const typed = process.argv.slice(2);
const unknown = typed.filter((argument) => argument !== '--check' && argument !== '--');
if (unknown.length > 0) {
  console.error(`results-tables: ${unknown.join(' ')} arrived; the only flag is --check.`);
  process.exit(2);
}
const experimentsBuilt = join(root, 'packages', 'fundamentals', 'dist', 'node.js');
if (!existsSync(built) || !existsSync(experimentsBuilt)) {
  console.error('results-tables: packages/reproduce or packages/fundamentals is not built; run pnpm build first.');
  process.exit(2);
}
const { formatResultsBlocks, loadResults } = await import(pathToFileURL(built).href);

const markdownIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : [];
const files = [
  join(root, 'README.md'),
  ...readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name, 'README.md')),
  ...markdownIn(join(root, 'docs')),
].filter((path) => existsSync(path));

const results = loadResults(root);
const { experimentsTable } = await import(pathToFileURL(experimentsBuilt).href);
const outdated = [];
for (const path of files) {
  const before = readFileSync(path, 'utf8');
  const after = formatResultsBlocks(before, relative(root, path), results).replace(
    /(<!-- experiments:start -->\n)[\s\S]*?(<!-- experiments:end -->)/,
    (_, start, end) => `${start}\n${experimentsTable()}\n\n${end}`,
  );
  if (after === before) continue;
  outdated.push(relative(root, path));
  if (typed.includes('--check')) continue;
  writeFileSync(`${path}.new`, after);
  renameSync(`${path}.new`, path);
}
if (outdated.length === 0) {
  console.log('All result tables agree with the saved results.');
} else if (typed.includes('--check')) {
  console.error(`Tables that differ from packages/*/results: ${outdated.join(', ')}. Run pnpm results and commit.`);
  process.exitCode = 1;
} else {
  console.log(`Rewritten: ${outdated.join(', ')}`);
}
