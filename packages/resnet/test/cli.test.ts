import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateShapes } from '@milestones/datasets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pngFile, pngLines } from '../../datasets/test/node/image-files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-resnet-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Evaluates the command's file anew, as a shell would, and collects what it prints. */
async function resnet(...argv: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    }),
  );
  const { argv: own, exitCode } = process;
  process.argv = [own[0]!, 'resnet', ...argv];
  try {
    vi.resetModules();
    await import('../src/cli.ts');
    return { code: Number(process.exitCode ?? 0), output };
  } finally {
    process.argv = own;
    process.exitCode = exitCode;
    for (const spy of spies) spy.mockRestore();
  }
}

describe('the command resnet', () => {
  it('names what is on an image file of any size, with the weights of this package', async () => {
    const size = 40;
    const { images } = generateShapes({ count: 1, seed: 1, size });
    const path = join(folder, 'shape.png');
    await writeFile(path, pngFile({ width: size, height: size, lines: pngLines(images, 3 * size) }));
    const five = await resnet('predict', path, '--backend', 'cpu');
    expect(five.code).toBe(0);
    const lines = five.output.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines)
      expect(line).toMatch(/^ *\d+\.\d % {2}(air|auto|bird|cat|deer|dog|frog|horse|ship|truck)/);
    const best = await resnet('predict', path, '--top', '1', '--backend', 'cpu');
    expect(best.output).toBe(`${lines[0]}\n`);
  });

  it.each([
    [['--help'], 0, 'resnet predict <image…>'],
    [['paint'], 2, "'paint' is not a command; there are reproduce, predict and evaluate"],
    [['predict'], 2, 'name one or more files'],
    [['predict', 'cat.png', '--top', '0'], 2, 'give a whole number of at least 1'],
    [['predict', 'cat.png', '--colour', 'red'], 2, 'The flags are:'],
    [['predict', 'cat.png', '--weights', 'nowhere', '--backend', 'cpu'], 1, 'has no readable config.json'],
    [['evaluate', 'now'], 2, "'now' is no flag"],
  ])('%j', async (argv, exit, text) => {
    const { code, output } = await resnet(...argv);
    expect([code, output]).toEqual([exit, expect.stringContaining(text)]);
  });
});
