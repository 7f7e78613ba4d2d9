import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { isHubName, locateModel } from '../../src/index.ts';
import { DownloadError, downloadModel } from '../../src/node.ts';
import { closedUrl, content, sha256, temporaryFolder } from './local-server.ts';

const commit = 'a'.repeat(40);
const config = new TextEncoder().encode('{"model_type":"gpt2"}\n');
const blobId = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

const listing = (files: object[]): string => JSON.stringify({ sha: commit, siblings: files });
const usual = [
  { rfilename: 'config.json', size: config.length, blobId: blobId(config) },
  { rfilename: 'model.safetensors', size: content.length, lfs: { sha256: sha256(content), size: content.length } },
  { rfilename: 'pytorch_model.bin', size: 5, lfs: { sha256: '0'.repeat(64), size: 5 } },
  { rfilename: 'README.md', size: 5, blobId: '0'.repeat(40) },
];

interface Hub {
  endpoint: string;
  asked: string[];
}

/** A hub on this machine; `answer` may answer a request, and returns whether it did. */
async function hub(
  files: object[],
  answer: (path: string, request: IncomingMessage, response: ServerResponse, visit: number) => boolean = () => false,
): Promise<Hub> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url!;
    const visit = asked.filter((earlier) => earlier === path).length;
    asked.push(path);
    if (answer(path, request, response, visit)) return;
    if (path === '/api/models/someone/small/revision/main?blobs=true') response.end(listing(files));
    else if (path === `/someone/small/resolve/${commit}/config.json`) response.end(config);
    else if (path === `/someone/small/resolve/${commit}/model.safetensors`) response.end(content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

it('downloads configuration and weights once, and then needs no network', async () => {
  const data = await temporaryFolder();
  const { endpoint, asked } = await hub(usual);
  const folder = await downloadModel('someone/small', { data, endpoint });
  expect(folder).toBe(join(data, 'models', 'someone', 'small', commit));
  expect(new Uint8Array(await readFile(join(folder, 'model.safetensors')))).toEqual(new Uint8Array(content));
  expect(asked.filter((path) => /README|pytorch/.test(path))).toEqual([]);
  await downloadModel('someone/small', { data, endpoint });
  expect(asked.filter((path) => path.includes('/resolve/')).length).toBe(2);
  expect(await downloadModel('someone/small', { data, offline: true })).toBe(folder);
  expect(await downloadModel('someone/small', { data, endpoint: new URL(await closedUrl()).origin })).toBe(folder);
  expect(await locateModel('someone/small', { data, offline: true })).toBe(folder);
});

it('continues weights that broke off', async () => {
  const data = await temporaryFolder();
  const ranges: (string | undefined)[] = [];
  const { endpoint } = await hub(usual, (path, request, response, visit) => {
    if (!path.endsWith('/model.safetensors')) return false;
    ranges.push(request.headers.range);
    if (visit === 0) {
      response.writeHead(200, { 'content-length': content.length, etag: '"1"' });
      response.write(content.subarray(0, 100_000), () => response.destroy());
    } else {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
      response.end(content.subarray(start));
    }
    return true;
  });
  await downloadModel('someone/small', { data, endpoint });
  expect(ranges[1]).toMatch(/^bytes=[1-9]/);
});

it('reads the files of an index where there is no single file', async () => {
  const data = await temporaryFolder();
  const index = new TextEncoder().encode('{"weight_map":{}}');
  const shard = 'model-00001-of-00001.safetensors';
  const files = [
    { rfilename: 'model.safetensors.index.json', size: index.length, blobId: blobId(index) },
    { rfilename: shard, size: content.length, lfs: { sha256: sha256(content), size: content.length } },
  ];
  const { endpoint } = await hub(files, (path, _request, response) => {
    if (path.endsWith('index.json')) response.end(index);
    else if (path.endsWith(shard)) response.end(content);
    else return false;
    return true;
  });
  const folder = await downloadModel('someone/small', { data, endpoint });
  expect((await readFile(join(folder, shard))).length).toBe(content.length);
});

it('says in plain words what is wrong', async () => {
  const data = await temporaryFolder();
  const endpoint = new URL(await closedUrl()).origin;
  await expect(downloadModel('someone/small', { data, offline: true })).rejects.toThrow(
    'someone/small (main) is not in the cache, and working offline was asked for',
  );
  await expect(downloadModel('someone/small', { data, endpoint })).rejects.toThrow(
    /could not be reached .*check the network/,
  );
  const { endpoint: other } = await hub([{ rfilename: 'pytorch_model.bin' }]);
  await expect(downloadModel('someone/small', { data, endpoint: other })).rejects.toThrow(
    'has no weights in the safetensors format',
  );
  await expect(downloadModel('someone/else', { data, endpoint: other })).rejects.toThrow(
    'the hub has no model someone/else with a revision main that may be seen (HTTP 404); check the name',
  );
  await expect(downloadModel('gpt2', { data })).rejects.toThrow('a model of the hub is named owner/model');
  const { endpoint: wrong } = await hub(usual, (path, _request, response) => {
    if (path.endsWith('config.json')) response.end('<html>');
    return path.endsWith('config.json');
  });
  await expect(downloadModel('someone/small', { data, endpoint: wrong })).rejects.toThrow(
    'is not the file that the hub lists',
  );
});

it('sends a token to the hub and to nobody else', async () => {
  const seen: (string | undefined)[] = [];
  const other = await hub([], (_path, request, response) => {
    seen.push(request.headers.authorization);
    response.end(content);
    return true;
  });
  const asked: (string | undefined)[] = [];
  const { endpoint } = await hub(usual, (path, request, response) => {
    asked.push(request.headers.authorization);
    if (!path.endsWith('/model.safetensors')) return false;
    // Large files lie elsewhere: another port is another origin.
    response.writeHead(302, { location: `${other.endpoint}/elsewhere` }).end();
    return true;
  });
  vi.stubEnv('HF_TOKEN', 'hf_own');
  await downloadModel('someone/small', { data: await temporaryFolder(), endpoint });
  expect(asked).toEqual(['Bearer hf_own', 'Bearer hf_own', 'Bearer hf_own']);
  expect(seen).toEqual([undefined]);
  asked.length = 0;
  await downloadModel('someone/small', { data: await temporaryFolder(), endpoint, token: 'hf_other' });
  expect(asked[0]).toBe('Bearer hf_other');
  vi.stubEnv('HF_TOKEN', '');
  asked.length = 0;
  await downloadModel('someone/small', { data: await temporaryFolder(), endpoint });
  expect(asked[0]).toBeUndefined();
  vi.unstubAllEnvs();
});

it.each([
  ['/api/', 401, undefined, /gives someone\/small not to everyone \(HTTP 401\).*set HF_TOKEN to an access token/],
  ['/api/', 401, 'hf_old', /does not accept the access token \(HTTP 401\); make a new one/],
  ['/api/', 403, 'hf_own', /the access token may not read someone\/small \(HTTP 403\); accept the model's terms at/],
  ['config.json', 401, undefined, /is private or gated/],
  ['model.safetensors', 403, 'hf_own', /may not read someone\/small \(HTTP 403\)/],
  ['/api/', 500, undefined, /answered with HTTP 500; try again later/],
])('explains that %s answers %i to the token %s', async (place, status, token, message) => {
  const { endpoint } = await hub(usual, (path, _request, response) => {
    if (!path.includes(place)) return false;
    response.writeHead(status).end();
    return true;
  });
  const options = { data: await temporaryFolder(), endpoint, token: token ?? '' };
  await expect(downloadModel('someone/small', options)).rejects.toThrow(message);
  await expect(downloadModel('someone/small', options)).rejects.toThrow(DownloadError);
});

it('knows a name from a path', async () => {
  expect(['openai-community/gpt2', 'google/bert_uncased_L-2_H-128_A-2'].every(isHubName)).toBe(true);
  expect(['gpt2', './runs/model', '/tmp/model', 'a/b/c', 'a/../b', '../model', 'a\\b/c d'].some(isHubName)).toBe(false);
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'own'));
  expect(await locateModel(join(folder, 'own'))).toBe(join(folder, 'own'));
});
