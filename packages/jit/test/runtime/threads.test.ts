import { describe, expect, it } from 'vitest';
import { physicalCores } from '../../src/runtime/threads.node.ts';

const processors = (...places: [socket: number, core: number][]) =>
  places
    .map(([socket, core], index) => `processor\t: ${index}\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`)
    .join('\n');

describe('physicalCores', () => {
  it.each([
    ['one thread on each core', processors([0, 0], [0, 1]), 2, 2],
    ['two threads on each core', processors([0, 0], [0, 1], [0, 0], [0, 1]), 4, 2],
    ['two sockets', processors([0, 0], [1, 0]), 2, 2],
    ['a limit of the process', processors([0, 0], [0, 1], [0, 2], [0, 3]), 2, 2],
    ['a list without cores, as on ARM', 'processor\t: 0\nBogoMIPS\t: 50\n', 4, 4],
    ['no list', '', 3, 3],
    ['nothing at all', '', 0, 1],
  ])('counts with %s', (_, list, available, expected) => {
    expect(physicalCores(list, available)).toBe(expected);
  });

  it('counts at least one here', () => {
    expect(physicalCores()).toBeGreaterThanOrEqual(1);
  });
});
