/**
 * Compares our tokenizers with independent ones (`gpt-tokenizer`, `@huggingface/tokenizers`): token for token, on 5,000 random
 * texts and, where the data cache has them, on all test text of WikiText-2 and SST-2; then measures encoding and the learning
 * of a vocabulary.
 *
 *   node scripts/tokenizers-check.mjs             (after a build; reads MILESTONES_DATA, downloads nothing)
 *
 * BERT's own vocabulary is used where the cache has `bert-uncased-vocab/vocab.txt`, else one that is learned from the text.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const folder = mkdtempSync(join(tmpdir(), 'milestones-tokenizers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, 'compare.mjs');
buildSync({
  entryPoints: [fileURLToPath(new URL('../packages/datasets/test/tokenizers/compare.ts', import.meta.url))],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@milestones/source'],
});
const { compareAll } = await import(pathToFileURL(outfile).href);
const data = process.env.MILESTONES_DATA;
const read = (/** @type {string} */ name) => {
  const file = data === undefined ? undefined : join(data, name);
  return file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
};
const differences = compareAll(read, (/** @type {string} */ line) => console.log(line));
if (differences > 0) process.exitCode = 1;
