import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { probeCapabilities } from '../../src/node/capabilities.ts';

it('the committed capability table is what a probe of cpu, wasm and onnx finds', async () => {
  const committed = new URL('../../../../docs/capabilities.json', import.meta.url);
  expect(await probeCapabilities(['cpu', 'wasm', 'onnx'])).toEqual(JSON.parse(readFileSync(committed, 'utf8')));
});
