/** What can be seen without Redis; scripts/sweep-check.mjs runs sweeps through a real one. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeVersion, showVersion } from '../src/code-version.ts';
import type { SweepDefinition } from '../src/definition.ts';
import { requireVersion } from '../src/join-sweep.ts';
import { rates, startToy, sweep, temporaryFolder, toyEntry } from './sweep-command.ts';

/** A port of this machine on which nobody answers. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a shared sweep', () => {
  it('does not start where no Redis answers, and leaves no folder', async () => {
    const out = temporaryFolder();
    const port = await deadPort();
    const { code, stderr } = await startToy(out, rates, '--queue', `redis://127.0.0.1:${port}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      new RegExp(
        `--queue redis://127\\.0\\.0\\.1:${port}: no Redis can be used there \\(.*ECONNREFUSED.*\\); start one`,
      ),
    );
    expect(existsSync(join(out, 'toy'))).toBe(false);
  });

  it('hides the password of an address, and explains one that is none', async () => {
    const port = await deadPort();
    const { stderr } = await sweep('status', '--queue', `redis://me:secret@127.0.0.1:${port}`);
    expect(stderr).toContain(`redis://me:…@127.0.0.1:${port}`);
    expect(stderr).not.toContain('secret');
    expect((await sweep('worker', '--queue', 'localhost')).stderr).toMatch(/this is no address of Redis; write redis:/);
    expect((await sweep('worker')).stderr).toMatch(/no --queue arrived/);
  });

  it('refuses something that is no Redis', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await sweep('worker', '--queue', `redis://127.0.0.1:${port}`);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toContain('no Redis can be used there');
  });

  it('refuses a worker of another version', () => {
    const own = codeVersion(toyEntry);
    expect(own).toEqual({ release: '1.2.3', code: expect.stringMatching(/^[0-9a-f]{12}$/) });
    const definition = { name: 'one', milestone: 'toy', version: own } as SweepDefinition;
    requireVersion(definition, codeVersion(toyEntry));
    const other = { release: '1.2.3', code: '000000000000' };
    expect(() => requireVersion(definition, other)).toThrow(
      `sweep one: it was started with toy ${showVersion(own)}, here is 1.2.3 (code 000000000000), and their results would ` +
        'not belong together; check out and build the same version, or start a new sweep.',
    );
  });
});
