import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DataSet, channelStatistics, registry } from '../../src/index.ts';
import { DownloadError, cacheFolder, loadCifar10, loadCifar100, loadFashionMnist, loadMnist } from '../../src/node.ts';
import { loadArchived } from '../../src/node/cifar.ts';
import { gunzipBytes } from '../../src/node/gunzip.ts';
import { tarFile } from '../formats/official-files.ts';
import { sha256, temporaryFolder } from './local-server.ts';

const parts = ['one.bin', 'two.bin', 'test.bin'].map((name, index) => ({
  name: `inside/${name}`,
  data: new Uint8Array(1000 + index).fill(index + 1),
}));

/** A data set that comes in an archive, and the archive; `change` makes it another than the registry says. */
function archiveOf(files = parts): { entry: DataSet; archive: Uint8Array } {
  const archive = gzipSync(tarFile(files));
  const entry: DataSet = {
    name: 'example',
    title: '',
    files: [{ name: 'example.tar.gz', urls: ['http://127.0.0.1:9/'], sha256: sha256(archive), bytes: archive.length }],
    archived: parts.map(({ name, data }) => ({ name, bytes: data.length, sha256: sha256(data) })),
    licence: { name: 'none' },
    citation: '',
    homepage: '',
    splits: {},
  };
  return { entry, archive };
}

describe('an archive in the cache', () => {
  it('is read without unpacking it to the disk', async () => {
    const { entry, archive } = archiveOf();
    const data = await temporaryFolder();
    await mkdir(join(data, 'example'));
    await writeFile(join(data, 'example', 'example.tar.gz'), archive);
    const options = { data, offline: true };
    const train = await loadArchived(entry, 'train', 'test.bin', options);
    expect(train.map((content) => [content.length, content[0]])).toEqual([
      [1000, 1],
      [1001, 2],
    ]);
    const test = await loadArchived(entry, 'test', 'test.bin', options);
    expect(test.map((content) => content.length)).toEqual([1002]);
    expect(existsSync(join(data, 'example', 'inside'))).toBe(false);
  });

  it('is not needed where its files lie unpacked, and is where one of them is damaged', async () => {
    const { entry, archive } = archiveOf();
    const data = await temporaryFolder();
    await mkdir(join(data, 'example', 'inside'), { recursive: true });
    for (const { name, data: content } of parts) await writeFile(join(data, 'example', name), content);
    const notices: string[] = [];
    const options = { data, offline: true, onNotice: (notice: string) => notices.push(notice) };
    for (let time = 0; time < 2; time++) {
      expect(await loadArchived(entry, 'train', 'test.bin', options)).toHaveLength(2);
    }
    expect(notices).toEqual([]);

    await writeFile(join(data, 'example', 'inside', 'two.bin'), new Uint8Array(1001));
    await expect(loadArchived(entry, 'train', 'test.bin', options)).rejects.toThrow('working offline was asked for');
    expect(notices).toEqual([expect.stringContaining('two.bin is damaged: its SHA-256 is')]);
    await writeFile(join(data, 'example', 'inside', 'two.bin'), new Uint8Array(10));
    await writeFile(join(data, 'example', 'example.tar.gz'), archive);
    expect(await loadArchived(entry, 'train', 'test.bin', options)).toHaveLength(2);
    expect(notices[1]).toContain('two.bin has 10 bytes instead of 1001; using the archive instead.');
  });

  it('is refused where its content is not what the registry says', async () => {
    for (const [files, message] of [
      [
        [parts[0]!, { ...parts[1]!, data: new Uint8Array(1001) }],
        'inside/two.bin in it has 1001 bytes and the SHA-256',
      ],
      [[parts[0]!], 'there is no "inside/two.bin" in it, but inside/one.bin'],
      [[...parts, { name: '../../outside', data: new Uint8Array(3) }], 'could lead out of the folder'],
      [[...parts, { name: 'big', data: new Uint8Array(2 << 20) }], 'it unpacks to more than the'],
    ] as const) {
      const { entry, archive } = archiveOf([...files]);
      const data = await temporaryFolder();
      await mkdir(join(data, 'example'));
      await writeFile(join(data, 'example', 'example.tar.gz'), archive);
      await expect(loadArchived(entry, 'train', 'test.bin', { data, offline: true })).rejects.toThrow(message);
      expect(existsSync(join(data, '..', 'outside'))).toBe(false);
    }
  });
});

describe('gunzipBytes', () => {
  const packed = gzipSync(new Uint8Array(100_000));

  it('unpacks to a limit', async () => {
    expect(await gunzipBytes(packed, 100_000, 'file.gz')).toHaveLength(100_000);
    await expect(gunzipBytes(packed, 99_999, 'file.gz')).rejects.toThrow(
      'file.gz: it unpacks to more than the 99999 bytes expected.',
    );
  });

  it('names damage', async () => {
    await expect(gunzipBytes(packed.subarray(0, 50), 100_000, 'file.gz')).rejects.toThrow(
      'file.gz: gzip reports "unexpected end of file"; the file is truncated or damaged.',
    );
    await expect(gunzipBytes(new Uint8Array(20), 100, 'file.gz')).rejects.toThrow('incorrect header check');
  });
});

describe('the loaders', () => {
  it('say where the files belong when offline', async () => {
    const data = await temporaryFolder();
    for (const [load, file] of [
      [loadMnist, 'train-images-idx3-ubyte.gz in the folder'],
      [loadFashionMnist, 'train-images-idx3-ubyte.gz in the folder'],
      [loadCifar10, 'cifar-10-binary.tar.gz in the folder'],
      [loadCifar100, 'cifar-100-binary.tar.gz in the folder'],
    ] as const) {
      const error: unknown = await load('train', { data, offline: true }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DownloadError);
      expect((error as Error).message).toContain(file);
      await expect(load('valid' as never, { data, offline: true })).rejects.toThrow("choose 'train' or 'test'");
    }
  });

  // The official files, where this machine has them.
  const mnist = join(cacheFolder(), 'mnist', registry.mnist.files[0].name);
  const cifar = join(cacheFolder(), 'cifar-10', registry['cifar-10'].archived[0].name);

  it('read the official MNIST where it is in the cache', async () => {
    const wanted = {
      first: [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
      test: [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
      mean: 0.1307,
      deviation: 0.3081,
    };
    let found: typeof wanted = wanted;
    if (existsSync(mnist)) {
      const train = await loadMnist('train', { offline: true });
      const test = await loadMnist('test', { offline: true });
      const { mean, deviation } = channelStatistics(train);
      found = {
        first: [...train.labels.subarray(0, 10)],
        test: [...test.labels.subarray(0, 10)],
        mean: Math.round(mean[0]! * 1e4) / 1e4,
        deviation: Math.round(deviation[0]! * 1e4) / 1e4,
      };
    }
    expect(found).toEqual(wanted);
  });

  it('read the official CIFAR-10 where it is in the cache', async () => {
    const wanted = {
      counts: Array.from({ length: 10 }, () => 1000),
      first: 'cat',
      pixel: [158, 112, 49],
      labels: 'cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5',
    };
    let found = wanted;
    if (existsSync(cifar)) {
      const test = await loadCifar10('test', { offline: true });
      found = {
        counts: test.classNames.map((_, label) => test.labels.filter((own) => own === label).length),
        first: test.classNames[test.labels[0]!]!,
        pixel: [...test.images.subarray(0, 3)],
        labels: sha256(Uint8Array.from(test.labels)),
      };
    }
    expect(found).toEqual(wanted);
  });
});
