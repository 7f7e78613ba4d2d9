import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tf } from '@milestones/backend';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Checkpoint,
  CheckpointError,
  cleanCheckpoints,
  DiskFullError,
  type JsonValue,
  latestCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from '../src/node.ts';
import type { TensorData } from '../src/safetensors.ts';
import { failingWrites, mountSmallDisk } from './full-disk.ts';

let parent: string;
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(async () => {
  parent = await fs.mkdtemp(path.join(tmpdir(), 'milestones-checkpoints-'));
  folder = path.join(parent, 'checkpoints');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(parent, { recursive: true, force: true });
});

function floats(values: number[]): TensorData {
  return { dtype: 'float32', shape: [values.length], data: new Float32Array(values) };
}

function checkpointAt(step: number, values: number[] = [step, step + 0.5]): Checkpoint {
  return { step, tensors: { model: { weight: floats(values) } }, state: { epoch: step / 100 } };
}

/** Every name in the checkpoints' folder, hidden ones too. */
async function names(): Promise<string[]> {
  return (await fs.readdir(folder)).toSorted();
}

describe('saveCheckpoint and loadCheckpoint', () => {
  it('round trip tensors of an engine bit for bit, raw data, and state', async () => {
    const bits = new Uint32Array([0x7fc12345, 0x7f800001, 0x80000000, 1, 0xff800000, 0x3f800001]);
    const weight = tf.variable(tf.tensor2d(new Float32Array(bits.buffer.slice(0)), [2, 3]));
    const step = tf.scalar(7, 'int32');
    const state: JsonValue = {
      epoch: 3,
      cursor: [1, 2, { offset: 1e300 }],
      text: 'größe "\n\u2028',
      2: null,
      1: true,
      '': 0.1 + 0.2,
    };
    const saving = saveCheckpoint(folder, {
      step: 500,
      tensors: { model: { 'a.weight': weight, note: floats([1]) }, optimizer: { 'adam.step': step }, empty: {} },
      state,
    });
    // Training goes on while the checkpoint is written.
    weight.assign(tf.zeros([2, 3]));
    state['epoch'] = 4;
    expect(await saving).toBe(path.join(folder, 'step-000500'));
    expect(await fs.readdir(path.join(folder, 'step-000500'))).toEqual([
      'empty.safetensors',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ]);

    const loaded = await loadCheckpoint(path.join(folder, 'step-000500'));
    expect(loaded.step).toBe(500);
    expect(loaded.state).toEqual({ ...state, epoch: 3 });
    expect(Object.keys(loaded.tensors)).toEqual(['model', 'optimizer', 'empty']);
    const arrived = loaded.tensors['model']?.['a.weight'];
    expect(arrived?.shape).toEqual([2, 3]);
    expect(new Uint32Array(arrived!.data.buffer)).toEqual(bits);
    expect(loaded.tensors['model']?.['note']).toEqual(floats([1]));
    expect(loaded.tensors['optimizer']?.['adam.step']).toEqual({
      dtype: 'int32',
      shape: [],
      data: new Int32Array([7]),
    });
    tf.dispose([weight, step]);
  });

  it('keep the newest, sorted by number, and never remove the one just saved', async () => {
    for (const step of [999_999, 1_000_000, 1_000_001]) await saveCheckpoint(folder, checkpointAt(step), { keep: 2 });
    expect(await names()).toEqual(['step-1000000', 'step-1000001']);
    // A run that was taken back to step 5: the later ones do not count, and stay.
    await saveCheckpoint(folder, checkpointAt(5), { keep: 1 });
    await saveCheckpoint(folder, checkpointAt(6), { keep: 1 });
    expect(await names()).toEqual(['step-000006', 'step-1000000', 'step-1000001']);
    await saveCheckpoint(folder, checkpointAt(7));
    expect(await names()).toEqual(['step-000006', 'step-000007', 'step-1000000', 'step-1000001']);
  });

  it('replace a checkpoint of the same step, damaged or not', async () => {
    await saveCheckpoint(folder, checkpointAt(5, [1]));
    await saveCheckpoint(folder, checkpointAt(5, [2]));
    expect((await loadCheckpoint(path.join(folder, 'step-000005'))).tensors['model']?.['weight']).toEqual(floats([2]));
    await fs.rm(path.join(folder, 'step-000005', 'state.json'));
    await saveCheckpoint(folder, checkpointAt(5, [3]));
    expect((await loadCheckpoint(path.join(folder, 'step-000005'))).tensors['model']?.['weight']).toEqual(floats([3]));
    expect(await names()).toEqual(['step-000005']);
  });

  it.each<[string, Partial<Record<keyof Checkpoint, unknown>>, RegExp]>([
    [
      'a step that is no number',
      { step: NaN },
      /^saveCheckpoint: the step is NaN; pass the number of training steps done/,
    ],
    ['a negative step', { step: -1 }, /the step is -1/],
    [
      'NaN in the state',
      { state: { metrics: [1, { loss: NaN }] } },
      /state\.metrics\[1\]\.loss is NaN, which JSON cannot hold; store/,
    ],
    ['undefined in the state', { state: { a: undefined } }, /state\.a is undefined/],
    ['a bigint in the state', { state: [1n] }, /state\[0\] is a bigint/],
    ['a class in the state', { state: { at: new Date(0) } }, /state\.at is an object of Date/],
    ['a group that would leave the folder', { tensors: { '../model': {} } }, /named "\.\.\/model"; use letters/],
    ['an unknown type', { tensors: { model: { a: { ...floats([1]), dtype: 'x' } } } }, /tensor "a" has the type "x"/],
  ])('refuse %s, and leave nothing behind', async (_what, wrong, message) => {
    await saveCheckpoint(folder, checkpointAt(1));
    await expect(saveCheckpoint(folder, { ...checkpointAt(2), ...wrong } as Checkpoint)).rejects.toThrow(message);
    expect(await names()).toEqual(['step-000001']);
  });

  it('refuse a keep that keeps nothing', async () => {
    await expect(saveCheckpoint(folder, checkpointAt(1), { keep: 0 })).rejects.toThrow(
      'saveCheckpoint: keep is 0; pass a whole number of at least 1, or leave it out to keep all.',
    );
  });
});

describe('a damaged checkpoint', () => {
  const damages: [string, (at: string) => Promise<unknown>, RegExp][] = [
    [
      'one flipped bit of a weight',
      (at) => change(at, 'model.safetensors', -1, 1),
      /model\.safetensors does not match its checksum/,
    ],
    ['a flipped header', (at) => change(at, 'model.safetensors', 9, 4), /model\.safetensors/],
    [
      'a truncated file',
      (at) => fs.truncate(path.join(at, 'model.safetensors'), 40),
      /has 40 bytes and should have \d+ bytes/,
    ],
    ['a missing file', (at) => fs.rm(path.join(at, 'model.safetensors')), /model\.safetensors is missing/],
    ['no state.json', (at) => fs.rm(path.join(at, 'state.json')), /state\.json is missing/],
    ['a truncated state.json', (at) => fs.truncate(path.join(at, 'state.json'), 40), /state\.json is not valid JSON/],
    ['an empty state.json', (at) => fs.truncate(path.join(at, 'state.json'), 0), /state\.json is not valid JSON/],
    ['another state', (at) => replaceText(at, '"epoch": 0.02', '"epoch": 0.03'), /does not match its own checksum/],
    ['another step', (at) => replaceText(at, '"step": 2', '"step": 3'), /does not match its own checksum/],
    [
      'a later version',
      (at) => replaceText(at, '"version": 1', '"version": 2'),
      /is of version 2 and version 1 is read/,
    ],
    ['other JSON', (at) => fs.writeFile(path.join(at, 'state.json'), '[1]'), /does not describe a checkpoint/],
  ];

  async function change(at: string, name: string, position: number, bit: number): Promise<void> {
    const bytes = await fs.readFile(path.join(at, name));
    const index = position < 0 ? bytes.length + position : position;
    bytes[index] = bytes[index]! ^ bit;
    await fs.writeFile(path.join(at, name), bytes);
  }

  async function replaceText(at: string, from: string, to: string): Promise<void> {
    const text = await fs.readFile(path.join(at, 'state.json'), 'utf8');
    expect(text).toContain(from);
    await fs.writeFile(path.join(at, 'state.json'), text.replace(from, to));
  }

  it.each(damages)('is refused and skipped: %s', async (_what, damage, message) => {
    await saveCheckpoint(folder, checkpointAt(1));
    const newest = await saveCheckpoint(folder, checkpointAt(2));
    await damage(newest);
    const loading = loadCheckpoint(newest);
    await expect(loading).rejects.toThrow(CheckpointError);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toThrow(/^loadCheckpoint: .*step-000002 cannot be used: .*; resume from an earlier/);
    const { checkpoint, skipped } = await latestCheckpoint(folder);
    expect(checkpoint?.step).toBe(1);
    expect(checkpoint?.folder).toBe(path.join(folder, 'step-000001'));
    expect(skipped).toEqual([{ folder: newest, reason: expect.stringMatching(message) }]);
  });

  it('is all there is: nothing is found, and everything is reported', async () => {
    expect(await latestCheckpoint(folder)).toEqual({ checkpoint: undefined, skipped: [] });
    await fs.mkdir(path.join(folder, 'step-000003'), { recursive: true });
    await fs.writeFile(path.join(folder, 'step-000002'), 'a file');
    await fs.mkdir(path.join(folder, 'step-12'));
    const { checkpoint, skipped } = await latestCheckpoint(folder);
    expect(checkpoint).toBeUndefined();
    expect(skipped.map((each) => path.basename(each.folder))).toEqual(['step-000003', 'step-000002']);
  });
});

describe('cleanCheckpoints', () => {
  it('takes back a replacement that never arrived, and finishes one that did', async () => {
    // As a process leaves it that dies between its two renames; until then the old one counts.
    await saveCheckpoint(folder, checkpointAt(1, [1]));
    await fs.rename(path.join(folder, 'step-000001'), path.join(folder, 'replaced-step-000001'));
    expect((await latestCheckpoint(folder)).checkpoint?.tensors['model']?.['weight']).toEqual(floats([1]));
    await cleanCheckpoints(folder);
    expect(await names()).toEqual(['step-000001']);

    await fs.cp(path.join(folder, 'step-000001'), path.join(folder, 'replaced-step-000001'), { recursive: true });
    await saveCheckpoint(folder, checkpointAt(2));
    await fs.mkdir(path.join(folder, '.milestones-temporary-4194999999-0123456789ab-1'));
    await cleanCheckpoints(folder);
    expect(await names()).toEqual(['step-000001', 'step-000002']);
    await cleanCheckpoints(path.join(parent, 'nowhere'));
  });

  it('leaves the old checkpoint under its name when the new one cannot take it', async () => {
    await saveCheckpoint(folder, checkpointAt(1, [1]));
    const rename = fs.rename.bind(fs);
    vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      if (String(from).includes('temporary')) throw Object.assign(new Error('EIO: rename'), { code: 'EIO' });
      await rename(from, to);
    });
    await expect(saveCheckpoint(folder, checkpointAt(1, [2]))).rejects.toThrow(
      /^saveCheckpoint: .*step-000001 \([0-9,]+ bytes\) could not be written: EIO: rename; .* Earlier checkpoints are untouched\.$/,
    );
    vi.restoreAllMocks();
    expect(await names()).toEqual(['step-000001']);
    expect((await loadCheckpoint(path.join(folder, 'step-000001'))).tensors['model']?.['weight']).toEqual(floats([1]));
  });
});

describe('a full disk', () => {
  const large: Checkpoint = { ...checkpointAt(2), tensors: { model: { weight: floats(Array(500_000).fill(1)) } } };
  const message =
    /^saveCheckpoint: the disk is full: .*step-000002 needs 2,00\d,\d{3} bytes and [\d,]+ bytes are free; free some space and save again\. Earlier checkpoints are untouched\.$/;

  async function mustKeepTheFirst(saving: Promise<string>): Promise<void> {
    await expect(saving).rejects.toThrow(DiskFullError);
    await expect(saving).rejects.toThrow(message);
    expect(await names()).toEqual(['step-000001']);
    const { checkpoint, skipped } = await latestCheckpoint(folder);
    expect(checkpoint?.step).toBe(1);
    expect(skipped).toEqual([]);
  }

  it.each([0, 20, 1_000_000, 2_000_050, 2_000_200])('that is met after %i bytes', async (afterBytes) => {
    await saveCheckpoint(folder, checkpointAt(1));
    failingWrites({ afterBytes, code: 'ENOSPC' });
    await mustKeepTheFirst(saveCheckpoint(folder, large, { keep: 1 }));
  });

  it('that is real, where this machine can mount one', async () => {
    const disk = await mountSmallDisk(parent);
    if (disk !== undefined) folder = path.join(disk.folder, 'checkpoints');
    try {
      await saveCheckpoint(folder, checkpointAt(1));
      // Without the right to mount, writes fail as they would on such a disk.
      if (disk === undefined) failingWrites({ afterBytes: 1_000_000, code: 'ENOSPC' });
      await mustKeepTheFirst(saveCheckpoint(folder, large, { keep: 1 }));
      vi.restoreAllMocks();
      await saveCheckpoint(folder, checkpointAt(2), { keep: 1 });
      expect(await names()).toEqual(['step-000002']);
    } finally {
      await disk?.unmount();
    }
  });
});
