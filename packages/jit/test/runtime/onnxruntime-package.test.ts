import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runtimeAvailability } from '../../src/index.ts';
import { RuntimeUnavailableError } from '../../src/runtime/errors.ts';
import {
  explainLoadFailure,
  findOnnxruntime,
  inspectOnnxruntime,
  ONNXRUNTIME_VERSION,
} from '../../src/runtime/onnxruntime-package.node.ts';
import { requestedProvider } from '../../src/runtime/runtime.node.ts';
import * as browser from '../../src/runtime/runtime.browser.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'milestones-onnxruntime-'));
afterAll(() => rmSync(root, { recursive: true }));

function install(name: string, { version = ONNXRUNTIME_VERSION, binary = true, module = true }): string {
  const folder = path.join(root, name, 'onnxruntime-node');
  const binaries = path.join(folder, 'bin/napi-v6/linux/x64');
  mkdirSync(binaries, { recursive: true });
  mkdirSync(path.join(folder, 'dist'));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ version }));
  if (binary) writeFileSync(path.join(binaries, 'onnxruntime_binding.node'), '');
  if (module) writeFileSync(path.join(folder, 'dist/binding.js'), '');
  return folder;
}

describe('the package onnxruntime-node', () => {
  it('is found here in the version that is wanted', () => {
    expect(runtimeAvailability()).toEqual({ usable: true, version: ONNXRUNTIME_VERSION });
    expect(findOnnxruntime({ resolve: Object.assign(() => '', { paths: () => [root] }) })).toBeUndefined();
  });

  it('is usable when all its parts are there', () => {
    expect(inspectOnnxruntime(install('fine', {}), 'linux', 'x64')).toEqual({ usable: true, version: '1.30.0' });
  });

  it('is missed in plain words, with a command that installs it without a download of CUDA', () => {
    expect(inspectOnnxruntime(undefined)).toEqual({
      usable: false,
      reason: 'the package onnxruntime-node is not installed; an install leaves it out silently when its script fails.',
      remedy: 'Install it with: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1.30.0',
    });
  });

  it.each([
    ['has another version', install('old', { version: '1.20.1' }), 'x64', /is version 1\.20\.1.*built for 1\.30\.0/],
    ['has no binary for the processor', install('other', {}), 'riscv64', /no binary for linux on riscv64/],
    ['lost its binary', install('no binary', { binary: false }), 'x64', /no binary for linux on x64/],
    [
      'lost its binding',
      install('no module', { module: false }),
      'x64',
      /is incomplete: there is no file .*binding\.js/,
    ],
  ])('is refused when it %s', (_, folder, architecture, reason) => {
    const found = inspectOnnxruntime(folder, 'linux', architecture);
    expect(found.usable).toBe(false);
    expect((found as { reason: string }).reason).toMatch(reason);
  });

  it.each([
    ['Error loading shared library ld-linux-x86-64.so.2: No such file or directory', /another C library/],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found (required by libonnxruntime.so.1)", /too old.*GLIBC_2\.38/],
    ['libonnxruntime.so.1: cannot open shared object file\nRequire stack:', /does not load: libonnxruntime\.so\.1: /],
  ])('that fails with "%s" says why', (message, reason) => {
    expect(explainLoadFailure(message).reason).toMatch(reason);
    expect(explainLoadFailure(message).remedy).toContain("'wasm'");
  });
});

describe('the provider', () => {
  it('is what the environment names', () => {
    try {
      for (const [name, expected] of [
        ['', 'cpu'],
        ['cpu', 'cpu'],
        ['webgpu', 'webgpu'],
      ] as const) {
        vi.stubEnv('MILESTONES_ONNX_PROVIDER', name);
        expect(requestedProvider()).toBe(expected);
      }
      vi.stubEnv('MILESTONES_ONNX_PROVIDER', 'cuda');
      expect(requestedProvider).toThrow("'cuda' arrived; give 'cpu' or 'webgpu'");
    } finally {
      vi.unstubAllEnvs();
    }
    expect(browser.requestedProvider()).toBe('cpu');
  });

  it('that finds no GPU says what to do', () => {
    const message = 'webgpu_context.cc:136 … was false. Failed to get a WebGPU adapter: No supported adapters';
    expect(explainLoadFailure(message).reason).toContain('no WebGPU adapter');
    expect(explainLoadFailure(message).remedy).toContain('MILESTONES_ONNX_PROVIDER');
  });
});

describe('in a browser', () => {
  const expected = /which runs in Node only, and this is a browser\. Choose 'webgpu', 'wasm' or 'cpu'\./;

  it('nothing runs, and everything says so', async () => {
    await expect(browser.createRuntime()).rejects.toThrow(RuntimeUnavailableError);
    await expect(browser.createRuntime()).rejects.toThrow(expected);
    await expect(browser.probeBlockedLayout()).rejects.toThrow(expected);
    expect(() => browser.createSyncRuntime()).toThrow(expected);
    expect(browser.runtimeAvailability().usable).toBe(false);
  });
});
