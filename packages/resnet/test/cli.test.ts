import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateShapes } from '@milestones/datasets';
import { captureProgram } from '@milestones/reproduce/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pngFile, pngLines } from '../../datasets/test/node/image-files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-resnet-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Evaluates the command's file anew, as a shell would. */
const resnet = (...argv: string[]) =>
  captureProgram('resnet', argv, () => {
    vi.resetModules();
    return import('../src/cli.ts');
  });

describe('the command resnet', () => {
  it('names what is on an image file of any size, with the weights of this package', async () => {
    const size = 40;
    const { images } = generateShapes({ count: 1, seed: 1, size });
    const path = join(folder, 'shape.png');
    await writeFile(path, pngFile({ width: size, height: size, lines: pngLines(images, 3 * size) }));
    const five = await resnet('predict', path, '--backend', 'cpu');
    expect(five.code).toBe(0);
    const lines = five.printed.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines)
      expect(line).toMatch(/^ *\d+\.\d % {2}(air|auto|bird|cat|deer|dog|frog|horse|ship|truck)/);
    const best = await resnet('predict', path, '--top', '1', '--backend', 'cpu');
    expect(best.printed).toBe(`${lines[0]}\n`);
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
    const { code, printed } = await resnet(...argv);
    expect([code, printed]).toEqual([exit, expect.stringContaining(text)]);
  });
});
