import { decodeSafetensors, encodeSafetensors, Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import { FrameStack, linearExplorationSchedule, replayBytes, ReplayMemory, stackedShape } from '../src/index.ts';

const space = { shape: [1, 2, 1], type: 'uint8' } as const;
const going = { terminated: false, truncated: false };
const terminated = { terminated: true, truncated: false };
const truncated = { terminated: false, truncated: true };

/** A frame that says which one it is. */
const frame = (number: number): Uint8Array => Uint8Array.of(number, 100 + number);

/** Two episodes: frames 1, 2, 3 (terminated) and 11, 12, 13 (truncated). The action at a frame is its last digit. */
function twoEpisodes(memory: ReplayMemory): void {
  memory.begin(frame(1));
  memory.add(1, 0.1, going, frame(2));
  memory.add(2, 0.2, going, frame(3));
  memory.add(3, 0.3, terminated, frame(4));
  memory.begin(frame(11));
  memory.add(1, 1.1, going, frame(12));
  memory.add(2, 1.2, truncated, frame(13));
}

/** The first pixels of every state that many draws give, by action and reward. */
function seen(memory: ReplayMemory): Map<string, { state: number[]; next: number[]; terminated: number }> {
  const found = new Map<string, { state: number[]; next: number[]; terminated: number }>();
  const batch = memory.sample(new Random(1), 300);
  const k = memory.stack;
  for (let row = 0; row < batch.size; row++) {
    const firstPixels = (states: Float32Array): number[] => [
      ...states.subarray(row * memory.stateSize, row * memory.stateSize + k),
    ];
    found.set(batch.rewards[row]!.toFixed(1), {
      state: firstPixels(batch.states),
      next: firstPixels(batch.nextStates),
      terminated: batch.terminated[row]!,
    });
  }
  return new Map([...found].toSorted());
}

describe('ReplayMemory', () => {
  it('stacks frames within their episode, and tells the end of a task from the end of watching', () => {
    const memory = new ReplayMemory({ space, capacity: 20, stack: 3 });
    twoEpisodes(memory);
    expect([...seen(memory)]).toEqual([
      ['0.1', { state: [0, 0, 1], next: [0, 1, 2], terminated: 0 }],
      ['0.2', { state: [0, 1, 2], next: [1, 2, 3], terminated: 0 }],
      ['0.3', { state: [1, 2, 3], next: [0, 0, 0], terminated: 1 }], // Nothing follows.
      ['1.1', { state: [0, 0, 11], next: [0, 11, 12], terminated: 0 }],
      ['1.2', { state: [0, 11, 12], next: [11, 12, 13], terminated: 0 }], // The last frame has a value.
    ]);
    expect(memory.size).toBe(6);
    expect([...memory.current()]).toEqual([11, 12, 13, 111, 112, 113]); // k is the last axis, pixel by pixel.
  });

  it('stacks as FrameStack does, also with several channels', () => {
    const coloured = { shape: [1, 2, 2], type: 'uint8' } as const;
    const memory = new ReplayMemory({ space: coloured, capacity: 10, stack: 2 });
    const stack = new FrameStack(coloured, 2);
    const [first, second, third] = [1, 2, 3].map((number) =>
      Uint8Array.of(number, number + 10, number + 20, number + 30),
    );
    memory.begin(first!);
    expect(memory.current()).toEqual(stack.begin(first!));
    memory.add(0, 0, going, second!);
    stack.add(second!);
    memory.add(0, 0, going, third!);
    const state = stack.add(third!);
    expect(memory.current()).toEqual(state);
    expect([...state]).toEqual([2, 12, 3, 13, 22, 32, 23, 33]);
    expect(stackedShape(coloured, 2)).toEqual([1, 2, 4]);
    memory.begin(first!);
    expect(memory.current()).toEqual(stack.begin(first!));
  });

  it('forgets the oldest, and then draws no state whose frames are gone', () => {
    const memory = new ReplayMemory({ space, capacity: 6, stack: 3 });
    memory.begin(frame(0));
    for (let number = 1; number <= 20; number++) memory.add(0, number / 10, going, frame(number));
    // Slots hold the frames 15 to 20: the states of 17, 18 and 19 are whole and have a move.
    expect([...seen(memory)].map(([, { state }]) => state)).toEqual([
      [15, 16, 17],
      [16, 17, 18],
      [17, 18, 19],
    ]);
  });

  it('draws moves about equally often, and the latest alone where asked to', () => {
    const memory = new ReplayMemory({ space: { shape: [1], type: 'float32' }, capacity: 50 });
    memory.begin(Float32Array.of(0));
    for (let number = 1; number <= 40; number++) memory.add(number % 2, 0, going, Float32Array.of(number));
    const { states } = memory.sample(new Random(3), 8000);
    const counts = new Array<number>(40).fill(0);
    for (const state of states) counts[state]!++;
    expect(Math.min(...counts)).toBeGreaterThan(140);
    expect(Math.max(...counts)).toBeLessThan(260);
    expect(memory.latest()).toMatchObject({ size: 1, states: Float32Array.of(39), nextStates: Float32Array.of(40) });
  });

  it('continues from a checkpoint: the same draws, full or not', () => {
    for (const moves of [5, 40]) {
      const memory = new ReplayMemory({ space, capacity: 16, stack: 2 });
      const filled = new Random(4);
      memory.begin(frame(1));
      const more = (target: ReplayMemory, random: Random, count: number): void => {
        for (let number = 0; number < count; number++) {
          const ended = [going, going, going, terminated, truncated][random.integer(5)]!;
          target.add(number % 3, number, ended, frame(random.integer(100)));
          if (ended !== going) target.begin(frame(random.integer(100)));
        }
      };
      more(memory, filled, moves);
      const saved = {
        state: JSON.parse(JSON.stringify(memory.state())),
        bytes: encodeSafetensors(memory.tensors()),
        random: filled.state(),
      };
      const other = new ReplayMemory({ space, capacity: 16, stack: 2 });
      other.restore(saved.state, decodeSafetensors(saved.bytes).tensors);
      for (const [target, random] of [
        [memory, filled],
        [other, Random.fromState(saved.random)],
      ] as const) {
        more(target, random, 30);
      }
      expect(other.sample(new Random(1), 64)).toEqual(memory.sample(new Random(1), 64));
      expect(other.current()).toEqual(memory.current());
      const smaller = new ReplayMemory({ space, capacity: 4, stack: 2 });
      expect(() => smaller.restore(saved.state, decodeSafetensors(saved.bytes).tensors)).toThrow(
        'restore with the capacity',
      );
    }
  });

  it('takes 7.06 GB for a million Atari frames, and keeps to its budget', () => {
    const atari = { shape: [84, 84, 1], type: 'uint8' } as const;
    expect(replayBytes(atari, 1_000_000)).toBe(7_062_000_000);
    expect(new ReplayMemory({ space, capacity: 100 }).bytes).toBe(800);
    expect(() => new ReplayMemory({ space: atari, capacity: 1_000_000 })).toThrow(
      '1,000,000 frames of [84, 84, 1] take 6.58 GiB, and 2.00 GiB are allowed; lower the capacity to 304,090',
    );
  });

  it('refuses what does not fit', () => {
    const memory = new ReplayMemory({ space, capacity: 4 });
    expect(() => memory.sample(new Random(1), 1)).toThrow('there is no move to learn from yet');
    expect(() => memory.latest()).toThrow('there is no move to learn from yet');
    expect(() => memory.add(0, 0, going, frame(1))).toThrow('call begin(first frame) first');
    expect(() => memory.current()).toThrow('call begin(first frame) first');
    expect(() => memory.begin(Uint8Array.of(1))).toThrow('a frame of 1 values arrived');
    memory.begin(frame(1));
    memory.add(0, 0, terminated, frame(2));
    expect(() => memory.add(0, 0, going, frame(3))).toThrow('call begin(first frame) first');
    expect(() => new ReplayMemory({ space, capacity: 2, stack: 4 })).toThrow('at least 5');
  });
});

describe('linearExplorationSchedule', () => {
  it('falls over the frames and stays', () => {
    const schedule = linearExplorationSchedule({ initial: 1, final: 0.1, frames: 1_000_000 });
    expect([0, 500_000, 1_000_000, 5_000_000].map(schedule)).toEqual([1, 0.55, 0.1, 0.1]);
    expect(linearExplorationSchedule({ initial: 1, final: 0.2, frames: 0 })(0)).toBe(0.2);
    expect(() => linearExplorationSchedule({ initial: 2, final: 0, frames: 1 })).toThrow('initial is 2');
    expect(() => linearExplorationSchedule({ initial: 1, final: 0, frames: -1 })).toThrow('at least 0');
  });
});
