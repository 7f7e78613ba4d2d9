/**
 * Installs the packed packages into empty projects, one with npm and one with pnpm, and uses them there: trains ten
 * steps of a small GPT, generates text, imports every subpath and runs every command with --help.
 *
 *   node scripts/install-check.mjs [npm] [pnpm]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packAll, run, temporaryFolder } from './pack.mjs';

const sample = `
import assert from 'node:assert/strict';
import { useBackend } from '@milestones/backend';
import { completeConfig } from '@milestones/core';
import { CharacterTokenizer, generateCorpus } from '@milestones/datasets';
import { createOptimizer, generateText, Gpt, train, trainingSchema } from '@milestones/gpt-mini';

// The engine of a machine without a GPU: its binaries must have come along.
await useBackend('onnx');
const corpus = generateCorpus({ characters: 5000 });
const tokenizer = new CharacterTokenizer(corpus.train + corpus.validation);
const model = new Gpt({
  vocabularySize: tokenizer.vocabularySize, contextLength: 16, features: 16, layers: 2, heads: 2, dropout: 0,
});
model.initialize(1);
model.tokenizer = tokenizer;

const config = completeConfig('install-check', trainingSchema, {
  steps: 10, batchSize: 4, learningRate: 1e-2, schedule: 'constant', logEvery: 1, evaluateEvery: 10, evaluationBatches: 1,
});
const losses = [];
await train({
  model,
  optimizer: createOptimizer(model, config),
  data: { train: tokenizer.encode(corpus.train), validation: tokenizer.encode(corpus.validation) },
  config,
  seed: 1,
  events: { onLoss: (step, loss) => void losses.push(loss) },
});
assert.equal(losses.length, 10);
assert.ok(losses.at(-1) < losses[0], 'ten steps lower the loss: ' + losses.join(', '));

const text = await generateText(model, corpus.train.slice(0, 4), { tokens: 20, seed: 1 });
assert.equal([...text].length, 24);
console.log('trained: loss ' + losses[0].toFixed(3) + ' → ' + losses.at(-1).toFixed(3));
`;

const managers = {
  npm: {
    install: ['npm', 'install', '--no-audit', '--no-fund'],
    execute: (/** @type {string} */ command) => ['npx', '--no-install', command, '--help'],
    /** npm takes the five packages from each other's tarballs, since all of them are dependencies of the project. */
    settings: () => {},
  },
  pnpm: {
    install: ['npx', '-y', 'pnpm@12.21.0', 'install', '--no-frozen-lockfile'],
    execute: (/** @type {string} */ command) => ['npx', '-y', 'pnpm@12.21.0', 'exec', command, '--help'],
    /**
     * pnpm looks up a package's own dependencies in the registry, so each name is overridden with its tarball. From
     * pnpm 11 on, an install also fails until the project has decided about core-js, whose install script (it comes
     * with tfjs) only prints an advertisement, about onnxruntime-node, whose script only fetches CUDA libraries, and about
     * msgpackr-extract, an optional native part of the queue that sweeps use.
     */
    settings: (/** @type {string} */ folder, /** @type {Record<string, string>} */ tarballs) => {
      const overrides = Object.entries(tarballs).map(([name, path]) => `  '${name}': 'file:${path}'\n`);
      writeFileSync(
        join(folder, 'pnpm-workspace.yaml'),
        `overrides:\n${overrides.join('')}allowBuilds:\n  core-js: false\n  msgpackr-extract: false\n  onnxruntime-node: false\n`,
      );
    },
  },
};

// As the documentation advises: ONNX Runtime's install script fetches CUDA libraries where it takes the machine to have
// CUDA, and npm leaves the package out where that fails, for example behind a firewall.
process.env['ONNXRUNTIME_NODE_INSTALL'] = 'skip';

const chosen = process.argv.slice(2).length > 0 ? process.argv.slice(2) : Object.keys(managers);
const packages = packAll(temporaryFolder('pack'));
const tarballs = Object.fromEntries(
  packages.map(({ manifest, tarball }) => [manifest.name, tarball.replaceAll('\\', '/')]),
);
const entries = packages.flatMap(({ manifest }) =>
  Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => manifest.name + subpath.slice(1)),
);
const commands = packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}));

for (const [name, manager] of Object.entries(managers)) {
  if (!chosen.includes(name)) continue;
  const folder = join(temporaryFolder(name), 'project');
  mkdirSync(folder);
  const dependencies = Object.fromEntries(Object.entries(tarballs).map(([key, path]) => [key, `file:${path}`]));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'empty', private: true, type: 'module', dependencies }),
  );
  manager.settings(folder, tarballs);
  const start = performance.now();
  run(manager.install[0] ?? '', manager.install.slice(1), folder);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);

  writeFileSync(join(folder, 'sample.mjs'), sample);
  writeFileSync(join(folder, 'entries.mjs'), entries.map((entry) => `await import('${entry}');\n`).join(''));
  console.log(`${name}: installed ${packages.map(({ tarball }) => basename(tarball)).join(', ')} in ${seconds} s`);
  console.log(`${name}: ${run(process.execPath, ['sample.mjs'], folder).trim()}`);
  run(process.execPath, ['entries.mjs'], folder);
  console.log(`${name}: imported ${entries.join(', ')}`);
  for (const command of commands) {
    const [executable = '', ...parameters] = manager.execute(command);
    const help = run(executable, parameters, folder);
    if (!/\S/.test(help)) {
      console.error(`${name}: ${command} --help printed nothing; it has to say how it is used.`);
      process.exit(1);
    }
  }
  console.log(`${name}: ran ${commands.map((command) => `${command} --help`).join(', ')}`);
}
