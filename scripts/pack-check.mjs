/**
 * Looks at every package as a user would receive it: packs it, checks what is inside, then runs publint and
 * "are the types wrong" on the tarball. (attw's own --pack would ignore publishConfig.exports.)
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll, temporaryFolder } from './pack.mjs';

const largest = 10 * 1024 * 1024;
const wanted = ['LICENSE', 'README.md', 'package.json'];
// gymnasium/ is the Python side of the adapter to Atari.
const allowed = /^(dist|src|presets|results|weights|gymnasium)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/;
const unwanted = /\.tsbuildinfo$|\.test\.|(^|\/)(test|tests|fixtures|__\w+__)\//;

// The command line is not among the package's exports, so it is found beside its package.json.
const attw = join(
  dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')),
  'dist/index.js',
);

let failures = 0;
for (const { tarball, files, manifest } of packAll(temporaryFolder('pack'))) {
  /** @type {string[]} */
  const problems = [];
  for (const path of wanted) if (!files.has(path)) problems.push(`${path} is missing; add it to the package`);
  for (const [path, content] of files) {
    if (!allowed.test(path) || unwanted.test(path))
      problems.push(`${path} does not belong into a release; see "files"`);
    if (content.length > largest) problems.push(`${path} has ${content.length} bytes; the limit is ${largest}`);
    if (path.endsWith('.js.map')) {
      for (const source of JSON.parse(content.toString()).sources) {
        const original = join(dirname(path), source).replaceAll('\\', '/');
        if (!files.has(original)) problems.push(`${path} points at ${original}, which is not packed`);
      }
    }
  }
  const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  for (const [name, range] of Object.entries(dependencies)) {
    if (/^(workspace|catalog|link|file):/.test(range)) problems.push(`${name}: ${range} was not replaced by a version`);
  }
  for (const path of Object.values(manifest.bin ?? {})) {
    const script = files.get(join(path).replaceAll('\\', '/'))?.toString() ?? '';
    if (!script.startsWith('#!/usr/bin/env node'))
      problems.push(`bin ${path} is missing or has no "#!/usr/bin/env node" line`);
  }
  const bytes = readFileSync(tarball);
  const archive = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const { messages } = await publint({ pack: { tarball: archive }, strict: true });
  for (const message of messages) problems.push(`publint: ${formatMessage(message, manifest, { color: false })}`);

  const types = spawnSync(
    process.execPath,
    [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'],
    {
      encoding: 'utf8',
    },
  );
  if (types.status !== 0) problems.push(`attw:\n${types.stdout}${types.stderr}`);

  const kilobytes = Math.round(bytes.length / 1024);
  console.log(
    `${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${manifest.name} ${manifest.version}  ${files.size} files, ${kilobytes} kB`,
  );
  for (const problem of problems) console.log(`        ${problem}`);
  failures += problems.length;
}
if (failures > 0) process.exitCode = 1;
