import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanTemporary, DiskFullError, loadFile, loadSafetensors, saveFile, saveSafetensors } from '../src/node.ts';
import { encodeSafetensors, SafetensorsError, type TensorData } from '../src/safetensors.ts';
import { failingWrites, mountSmallDisk } from './full-disk.ts';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(tmpdir(), 'milestones-files-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true, force: true });
});

describe('saveFile', () => {
  it('writes bytes, text and pieces, replaces, creates folders, and leaves nothing else behind', async () => {
    const file = path.join(folder, 'a', 'b', 'model.bin');
    await saveFile(file, 'größer');
    expect(new TextDecoder().decode(await loadFile(file))).toBe('größer');
    await saveFile(file, new Uint8Array([1, 2, 3]));
    expect(await loadFile(file)).toEqual(new Uint8Array([1, 2, 3]));
    await saveFile(file, [new Uint8Array([4]), new Uint8Array(0), new Uint8Array([5, 6])]);
    expect(await loadFile(file)).toEqual(new Uint8Array([4, 5, 6]));
    await saveFile(file, '');
    expect(await loadFile(file)).toEqual(new Uint8Array(0));
    expect(await fs.readdir(path.dirname(file))).toEqual(['model.bin']);
  });

  it('takes names as long as the file system allows', async () => {
    const file = path.join(folder, 'n'.repeat(255));
    await saveFile(file, 'x');
    expect(await fs.readdir(folder)).toEqual(['n'.repeat(255)]);
  });

  it('forces the file to disk before it gets its name, and the folder after', async () => {
    const order: string[] = [];
    const open = fs.open.bind(fs);
    vi.spyOn(fs, 'open').mockImplementation(async (name, ...rest) => {
      const handle = await open(name, ...rest);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        order.push(name === folder ? 'sync folder' : 'sync file');
        await sync();
      };
      return handle;
    });
    const rename = fs.rename.bind(fs);
    vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      order.push('rename');
      await rename(from, to);
    });
    await saveFile(path.join(folder, 'file'), 'x');
    expect(order).toEqual(['sync file', 'rename', 'sync folder']);
  });

  it('goes on after a write that took only a part', async () => {
    const open = fs.open.bind(fs);
    vi.spyOn(fs, 'open').mockImplementation(async (name, ...rest) => {
      const handle = await open(name, ...rest);
      const write = handle.write.bind(handle) as (data: Uint8Array, offset: number, length: number) => Promise<unknown>;
      handle.write = ((data: Uint8Array, offset: number, length: number) =>
        write(data, offset, Math.min(length, 7))) as typeof handle.write;
      return handle;
    });
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
    await saveFile(path.join(folder, 'file'), bytes);
    expect(await loadFile(path.join(folder, 'file'))).toEqual(bytes);
  });

  it('keeps the previous file when a write fails, and says how much was wanted', async () => {
    const file = path.join(folder, 'model.bin');
    await saveFile(file, 'before');
    failingWrites({ afterBytes: 1000, code: 'ENOSPC' });
    const saving = saveFile(file, [new Uint8Array(1000), new Uint8Array(1_000_000)]);
    await expect(saving).rejects.toThrow(DiskFullError);
    await expect(saving).rejects.toThrow(
      /^saveFile: the disk is full: .*model\.bin needs 1,001,000 bytes and [0-9,]+ bytes are free; free some space and save again\. The previous file is untouched\.$/,
    );
    vi.restoreAllMocks();
    expect(await fs.readdir(folder)).toEqual(['model.bin']);
    expect(new TextDecoder().decode(await loadFile(file))).toBe('before');
  });

  it('tells a used-up quota and a broken disk from a full one', async () => {
    failingWrites({ afterBytes: 0, code: 'EDQUOT' });
    await expect(saveFile(path.join(folder, 'a'), 'x')).rejects.toThrow(
      /the disk quota is used up: .* needs 1 byte and/,
    );
    vi.restoreAllMocks();
    failingWrites({ afterBytes: 0, code: 'EIO' });
    const saving = saveFile(path.join(folder, 'a'), 'x');
    await expect(saving).rejects.toThrow(
      /^saveFile: .*a \(1 byte\) could not be written: EIO.*; check .*Nothing was left under/,
    );
    await expect(saving).rejects.not.toThrow(DiskFullError);
    vi.restoreAllMocks();
    expect(await fs.readdir(folder)).toEqual([]);
  });

  it('fails cleanly on a disk that is really full, where this machine can mount one', async () => {
    const disk = await mountSmallDisk(folder);
    // Without the right to mount, the same is asked of writes that fail after as many bytes.
    if (disk === undefined) failingWrites({ afterBytes: 1_000_000, code: 'ENOSPC' });
    const target = disk?.folder ?? folder;
    try {
      const file = path.join(target, 'model.bin');
      await saveFile(file, new Uint8Array(100_000).fill(1));
      await expect(saveFile(file, new Uint8Array(2_000_000))).rejects.toThrow(
        /^saveFile: the disk is full: .* needs 2,000,000 bytes and .* free; .* The previous file is untouched\.$/,
      );
      expect(await fs.readdir(target)).toEqual(['model.bin']);
      expect(await loadFile(file)).toEqual(new Uint8Array(100_000).fill(1));
      vi.restoreAllMocks();
      // The space of the failed attempt is free again.
      await saveFile(file, new Uint8Array(700_000));
    } finally {
      await disk?.unmount();
    }
  });

  it('does not replace a folder', async () => {
    await fs.mkdir(path.join(folder, 'name', 'inside'), { recursive: true });
    await expect(saveFile(path.join(folder, 'name'), 'x')).rejects.toThrow(
      /saveFile: .*name \(1 byte\) could not be written/,
    );
    expect(await fs.readdir(folder)).toEqual(['name']);
  });
});

describe('loadFile', () => {
  it('names the missing file, and keeps the cause', async () => {
    const loading = loadFile(path.join(folder, 'missing.txt'));
    await expect(loading).rejects.toThrow(
      `loadFile: there is no file ${path.join(folder, 'missing.txt')}; check the path, or create the file first.`,
    );
    await expect(loading).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
    await expect(loadFile(folder)).rejects.toThrow('is a folder; pass the path of a file in it.');
  });
});

describe('saveSafetensors and loadSafetensors', () => {
  const tensors: Record<string, TensorData> = {
    'head.weight': { dtype: 'float32', shape: [2, 2], data: new Float32Array([1, NaN, -0, 4]) },
    embedding: { dtype: 'float16', shape: [3], data: new Uint16Array([1, 2, 3]) },
    seen: { dtype: 'int64', shape: [], data: new BigInt64Array([12n]) },
  };

  it('round trip, with the same bytes as in memory', async () => {
    const file = path.join(folder, 'model.safetensors');
    await saveSafetensors(file, tensors, { metadata: { model: 'gpt' } });
    expect(await loadFile(file)).toEqual(encodeSafetensors(tensors, { metadata: { model: 'gpt' } }));
    const pieces: Uint8Array[] = [];
    const loaded = await loadSafetensors(file, (bytes) => pieces.push(bytes));
    expect({ ...loaded.tensors }).toEqual(tensors);
    expect({ ...loaded.metadata }).toEqual({ model: 'gpt' });
    expect(new Uint8Array(Buffer.concat(pieces))).toEqual(await loadFile(file));
  });

  it('keep the header order of a file whose data lie in another', async () => {
    const header =
      '{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const file = path.join(folder, 'other.safetensors');
    await fs.writeFile(
      file,
      Buffer.concat([Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(`${header}\u0007\u0008`)]),
    );
    const loaded = await loadSafetensors(file);
    expect(Object.entries(loaded.tensors).map(([name, { data }]) => [name, data[0]])).toEqual([
      ['b', 8],
      ['a', 7],
    ]);
  });

  it('refuse truncated and lying files by name, at every length', async () => {
    const bytes = encodeSafetensors(tensors);
    const file = path.join(folder, 'model.safetensors');
    for (let length = 0; length < bytes.length; length += 5) {
      await fs.writeFile(file, bytes.subarray(0, length));
      const loading = loadSafetensors(file);
      await expect(loading).rejects.toThrow(SafetensorsError);
      await expect(loading).rejects.toThrow(/model\.safetensors: safetensors: .*; /);
    }
    // A sparse file of 1 GB whose header claims 100 MB and one byte: refused after 8 bytes.
    const handle = await fs.open(file, 'w');
    await handle.truncate(1_000_000_000);
    await handle.write(Buffer.from([1, 225, 245, 5, 0, 0, 0, 0]), 0, 8, 0);
    await handle.close();
    await expect(loadSafetensors(file)).rejects.toThrow('claims a header of 100,000,001 bytes and at most 100,000,000');
  });

  it('name a missing file and a folder', async () => {
    await expect(loadSafetensors(path.join(folder, 'no'))).rejects.toThrow(
      /^loadSafetensors: there is no file .*no; check/,
    );
    await expect(loadSafetensors(folder)).rejects.toThrow(/is a folder; pass the path of a file in it\.$/);
  });
});

describe('cleanTemporary', () => {
  it('removes what dead processes left, and nothing else', async () => {
    // No process has this id: it is beyond the largest that Linux, macOS and Windows give out.
    const dead = '.milestones-temporary-4194999999-0123456789ab-1';
    const ownIdReused = `.milestones-temporary-${process.pid}-0123456789ab-1`;
    const alive = `.milestones-temporary-${process.ppid}-0123456789ab-1`;
    await fs.mkdir(path.join(folder, dead, 'inside'), { recursive: true });
    for (const name of [ownIdReused, alive, 'model.bin', '.milestones-temporary-notes']) {
      await fs.writeFile(path.join(folder, name), 'x');
    }
    expect(await cleanTemporary(folder)).toEqual([path.join(folder, dead), path.join(folder, ownIdReused)].toSorted());
    expect(await fs.readdir(folder)).toEqual([alive, '.milestones-temporary-notes', 'model.bin'].toSorted());
    expect(await cleanTemporary(path.join(folder, 'nowhere'))).toEqual([]);
  });

  it('leaves what this process is still writing', async () => {
    let whileWriting: string[] = [];
    const rename = fs.rename.bind(fs);
    vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      whileWriting = await cleanTemporary(folder);
      await rename(from, to);
    });
    await saveFile(path.join(folder, 'file'), 'x');
    expect(whileWriting).toEqual([]);
    expect(await fs.readdir(folder)).toEqual(['file']);
  });
});
