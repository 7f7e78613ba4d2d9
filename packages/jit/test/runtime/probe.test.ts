import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { probeBlockedLayout } from '../../src/index.ts';
import { bindingModule, findOnnxruntime } from '../../src/runtime/onnxruntime-package.node.ts';
import { blocksAgree } from '../../src/runtime/probe.node.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'milestones-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('probeBlockedLayout', () => {
  it('finds what agrees with the plain operations, and asks once', async () => {
    const target = await probeBlockedLayout();
    const binding = bindingModule(findOnnxruntime()!);
    expect(target.name).toBe(target.block === 0 ? 'cpu' : 'cpu-blocked');
    // One size is the processor's; the probe must see that the other is wrong.
    const agreeing = [];
    for (const block of [8, 16]) if (await blocksAgree(block, binding)) agreeing.push(block);
    expect(agreeing).toEqual(target.block === 0 ? [] : [target.block]);
    expect(probeBlockedLayout()).toBe(probeBlockedLayout());
  });

  it.each([
    ['crashes', "process.kill(process.pid, 'SIGSEGV');"],
    ['throws', "throw new Error('no');"],
    ['prints something else', "process.stdout.write('{}'); process.exit(0);"],
    ['ends without a word', 'process.exit(0);'],
  ])('takes a library that %s for one without blocks', async (name, program) => {
    const file = path.join(folder, `${name}.cjs`);
    writeFileSync(file, program);
    expect(await blocksAgree(16, file)).toBe(false);
  });
});
