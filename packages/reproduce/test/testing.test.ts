import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureOutput, captureProgram, onlyRunFolder, settingFlags } from '../src/testing.ts';
import { temporaryFolder } from './toy-command.ts';

describe('captureOutput', () => {
  it('collects both streams, and in their order', async () => {
    const output = await captureOutput(async () => {
      process.stdout.write('one ');
      process.stderr.write(Buffer.from('two '));
      await new Promise<void>((resolve) => process.stdout.write('three', () => resolve()));
      return 3;
    });
    expect(output).toEqual({ code: 3, stdout: 'one three', stderr: 'two ', printed: 'one two three' });
  });

  it('gives the streams back when the action throws', async () => {
    const { write } = process.stdout;
    await expect(captureOutput(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(process.stdout.write).toBe(write);
  });
});

describe('captureProgram', () => {
  it('gives the program its arguments, and takes its exit code away again', async () => {
    const before = [process.argv, process.exitCode];
    const { code, stdout } = await captureProgram('toy', ['--help'], async () => {
      process.stdout.write(process.argv.slice(1).join(' '));
      process.exitCode = 2;
    });
    expect([code, stdout]).toEqual([2, 'toy --help']);
    expect([process.argv, process.exitCode]).toEqual(before);
  });
});

describe('settingFlags', () => {
  it('makes one flag of each setting', () => {
    expect(settingFlags({ 'training.steps': 6, bias: false })).toEqual([
      '--set',
      'training.steps=6',
      '--set',
      'bias=false',
    ]);
  });
});

describe('onlyRunFolder', () => {
  it('finds the run, and names the folders where there is not exactly one', () => {
    const out = temporaryFolder();
    mkdirSync(join(out, 'toy', 'quick-seed1'), { recursive: true });
    expect(onlyRunFolder(out, 'toy')).toBe(join(out, 'toy', 'quick-seed1'));
    mkdirSync(join(out, 'toy', 'quick-seed2'));
    expect(() => onlyRunFolder(out, 'toy')).toThrow('holds [quick-seed1, quick-seed2]; one run was wanted');
  });
});
