import { existsSync } from 'node:fs';
import { mkdir, open, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DataSet, registry } from '../../src/index.ts';
import { DownloadError, cacheFolder, downloadDataFile, loadDataFile, loadTinyShakespeare } from '../../src/node.ts';
import { content, serve, serveFile, sha256, temporaryFolder } from './local-server.ts';

function dataSetAt(url: string, name = 'example'): DataSet {
  return {
    name,
    title: 'An example',
    files: [{ name: 'part-1/file.bin', urls: [url], sha256: sha256(content), bytes: content.length }],
    licence: { name: 'none' },
    citation: '',
    homepage: '',
    splits: {},
  };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('cacheFolder', () => {
  it('is MILESTONES_DATA where that is set', () => {
    expect(cacheFolder({ environment: { MILESTONES_DATA: 'data' } })).toBe(resolve('data'));
  });

  it('is in the cache folder of the user otherwise', () => {
    const home = join('/', 'home', 'ada');
    const environment = { MILESTONES_DATA: '' };
    expect(cacheFolder({ environment, platform: 'linux', home })).toBe(join(home, '.cache', 'milestones'));
    expect(cacheFolder({ environment: { XDG_CACHE_HOME: '/xdg' }, platform: 'linux', home })).toBe(
      join('/xdg', 'milestones'),
    );
    expect(cacheFolder({ environment, platform: 'darwin', home })).toBe(join(home, 'Library', 'Caches', 'milestones'));
    expect(cacheFolder({ environment: { LOCALAPPDATA: 'L' }, platform: 'win32', home })).toBe(
      join('L', 'milestones', 'Cache'),
    );
  });
});

describe('downloadDataFile', () => {
  it('downloads into <data set>/<file name>, once', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const data = await temporaryFolder();
    const example = dataSetAt(server.url);
    const path = await downloadDataFile(example, 'part-1/file.bin', { data });
    expect(path).toBe(join(data, 'example', 'part-1', 'file.bin'));
    expect(content.equals(await loadDataFile(example, 'part-1/file.bin', { data, offline: true }))).toBe(true);
    expect(server.requests).toHaveLength(1);
  });

  it('uses a file that was put there by hand', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'example', 'part-1'), { recursive: true });
    await writeFile(join(data, 'example', 'part-1', 'file.bin'), content);
    vi.stubEnv('MILESTONES_DATA', data);
    vi.stubEnv('MILESTONES_OFFLINE', '1');
    const bytes = await loadDataFile(dataSetAt('http://127.0.0.1:9/'), 'part-1/file.bin');
    expect(content.equals(bytes)).toBe(true);
  });

  it('does not read a checked file again until it changes', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const data = await temporaryFolder();
    const example = dataSetAt(server.url);
    const path = await downloadDataFile(example, 'part-1/file.bin', { data });
    const stamps = join(data, 'example', '.verified.json');
    const first = await readFile(stamps, 'utf8');
    expect(JSON.parse(first)).toMatchObject({ 'part-1/file.bin': { sha256: sha256(content), bytes: content.length } });
    // Another content of the same size, with a stamp that vouches for it: believed only if the stamp is what counts.
    await writeFile(path, Buffer.alloc(content.length));
    const { mtimeMs, ctimeMs } = await stat(path);
    const forged = { sha256: sha256(content), bytes: content.length, modified: mtimeMs, changed: ctimeMs };
    await writeFile(stamps, JSON.stringify({ 'part-1/file.bin': forged }));
    await downloadDataFile(example, 'part-1/file.bin', { data, offline: true });
    // Any other time stamp, and the file is read again.
    await utimes(path, new Date(), new Date(0));
    await expect(downloadDataFile(example, 'part-1/file.bin', { data, offline: true })).rejects.toThrow('is damaged');
    expect(server.requests).toHaveLength(1);
  });

  it('hashes again when the stamps are damaged', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const data = await temporaryFolder();
    const example = dataSetAt(server.url);
    await downloadDataFile(example, 'part-1/file.bin', { data });
    for (const damaged of ['{"part-1/fi', '[]', 'null', '{"part-1/file.bin": 3}']) {
      await writeFile(join(data, 'example', '.verified.json'), damaged);
      await downloadDataFile(example, 'part-1/file.bin', { data, offline: true });
    }
    expect(server.requests).toHaveLength(1);
  });

  it('replaces a damaged file when online, and says so', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const data = await temporaryFolder();
    const example = dataSetAt(server.url);
    const path = await downloadDataFile(example, 'part-1/file.bin', { data });
    const handle = await open(path, 'r+');
    await handle.write(Buffer.from([content[77]! ^ 255]), 0, 1, 77);
    await handle.close();
    const notices: string[] = [];
    await downloadDataFile(example, 'part-1/file.bin', { data, onNotice: (notice) => notices.push(notice) });
    expect(notices).toEqual([expect.stringContaining(`${path} is damaged: its SHA-256 is`)]);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  it('names a truncated file when offline, and leaves it alone', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'example', 'part-1'), { recursive: true });
    const path = join(data, 'example', 'part-1', 'file.bin');
    await writeFile(path, content.subarray(0, 100));
    const error: unknown = await downloadDataFile(dataSetAt('http://127.0.0.1:9/'), 'part-1/file.bin', {
      data,
      offline: true,
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as Error).message).toContain(`${path} is truncated: it has 100 bytes instead of 300000`);
    expect((error as Error).message).toContain('To put the file there by hand');
    expect(await readFile(path)).toHaveLength(100);
  });

  it('refuses names that lead out of the cache, and files it does not know', async () => {
    const data = await temporaryFolder();
    const outside = dataSetAt('http://127.0.0.1:9/', '../outside');
    await expect(downloadDataFile(outside, 'part-1/file.bin', { data })).rejects.toThrow(
      'the name "../outside" arrived',
    );
    await expect(downloadDataFile(dataSetAt('x'), 'other', { data })).rejects.toThrow(
      'example has no file "other"; choose one of: part-1/file.bin',
    );
  });
});

describe('loadTinyShakespeare', () => {
  it('says where the file belongs when offline', async () => {
    const data = await temporaryFolder();
    const { urls, sha256: sum } = registry.tinyshakespeare.files[0];
    const error: unknown = await loadTinyShakespeare({ data, offline: true }).catch((thrown: unknown) => thrown);
    expect((error as DownloadError).failure).toBe('offline');
    expect((error as Error).message).toContain(
      `get ${urls[0]} (1115394 bytes, SHA-256 ${sum}), and save it as input.txt in the folder ${join(data, 'tinyshakespeare')}.`,
    );
  });

  it('refuses another text of the same length under its name', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'tinyshakespeare'));
    await writeFile(join(data, 'tinyshakespeare', 'input.txt'), Buffer.alloc(1_115_394, 'x'));
    await expect(loadTinyShakespeare({ data, offline: true })).rejects.toThrow('is damaged: its SHA-256 is');
  });

  it('has the customary parts wherever the file is at hand', async () => {
    const data = cacheFolder();
    const { splits } = registry.tinyshakespeare;
    let found = { train: splits.train.size as number, validation: splits.validation.size as number, distinct: 65 };
    // Without the file there is only the registry's word.
    if (existsSync(join(data, 'tinyshakespeare', 'input.txt'))) {
      const { text, train, validation } = await loadTinyShakespeare({ data, offline: true });
      found = { train: train.length, validation: validation.length, distinct: new Set(text).size };
    }
    expect(found).toEqual({ train: 1_003_854, validation: 111_540, distinct: 65 });
  });
});
