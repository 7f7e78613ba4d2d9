/** What becomes of a whole process when a pool of workers ends. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const loader = new URL('../../../reproduce/test/toy/typescript-loader.mjs', import.meta.url);
const pool = new URL('../../src/platform/create-pool.node.ts', import.meta.url);

const program = `
  import { register } from 'node:module';
  register(${JSON.stringify(loader.href)});
  const { createPool } = await import(${JSON.stringify(pool.href)});
  const pool = createPool({ input: { height: 8, width: 8, channels: 3 }, steps: [] }, 1);
  const job = () => ({ bytes: new Uint8Array(192), count: 1, random: new Float32Array(0) });
  await pool.run(job()); // The worker is up.
  for (let count = 0; count < 3; count++) pool.run(job()).catch(() => {});
  // Its replies come while this thread is busy, and are still to be read when dispose begins.
  for (const end = Date.now() + 200; Date.now() < end; );
  await pool.dispose();
  console.log('disposed');
`;

describe('dispose', () => {
  it('with replies that are still to be read, comes to its end', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, 'disposed\n']);
  });
});
