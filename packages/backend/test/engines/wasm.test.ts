import { expect, it, vi } from 'vitest';
import { tf, useBackend } from '@milestones/backend';

// Without the engine that comes before wasm.
vi.mock('@milestones/jit', () => ({
  runtimeAvailability: () => ({ usable: false, reason: 'it is not installed.', remedy: 'Install it.' }),
}));

// One test, because a process looks for the files of this engine once.
it('says what to pass where its files are not, and goes on with another engine', async () => {
  const failure = useBackend('wasm', { wasmPaths: '/milestones-test-no-such-folder/' });
  await expect(failure).rejects.toThrow(/^useBackend: the engine 'wasm' cannot be used here: it does not start: /);
  await expect(failure).rejects.toThrow(
    /pass the addresses of its files: useBackend\("wasm", \{ wasmPaths: "\/wasm\/" \}\)\.$/,
  );
  expect(tf.getBackend()).toBe('cpu');

  await expect(useBackend('wasm', { wasmPaths: '/another/' })).rejects.toThrow(
    /only before the first try\. Start the program again/,
  );
  const engine = await useBackend('auto');
  expect(engine.name).toBe('cpu');
  expect(engine.rejected.at(-1)).toMatchObject({ name: 'wasm', reason: expect.stringMatching(/it does not start/) });
});
