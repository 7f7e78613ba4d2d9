import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';

it('the engine wasm reads its files from the addresses that it is given', async () => {
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  const engine = await useBackend('wasm', { wasmPaths: path.dirname(main) + path.sep });
  expect(engine.name).toBe('wasm');
  expect(tf.tidy(() => tf.sum(tf.ones([3])).dataSync()[0])).toBe(3);
});
