import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DownloadOptions, type DownloadRequest, DownloadError, downloadFile } from '../../src/node.ts';
import { closedUrl, content, requestFor, serve, serveCut, serveFile, sha256, temporaryFolder } from './local-server.ts';

const quick: DownloadOptions = { retryMilliseconds: 1, stallMilliseconds: 5_000 };

async function failure(request: DownloadRequest, options: DownloadOptions = quick): Promise<DownloadError> {
  const error: unknown = await downloadFile(request, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DownloadError);
  return error as DownloadError;
}

describe('a download that goes well', () => {
  it('arrives whole, reports progress and leaves nothing else behind', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const folder = await temporaryFolder();
    const path = join(folder, 'deep', 'folder', 'file.bin');
    const seen: number[] = [];
    const result = await downloadFile(requestFor(path, server.url), {
      ...quick,
      onProgress: ({ bytes, total }) => {
        expect(total).toBe(content.length);
        seen.push(bytes);
      },
    });
    expect(result).toBe(path);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(await readdir(join(folder, 'deep', 'folder'))).toEqual(['file.bin']);
    expect(seen.at(-1)).toBe(content.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(server.requests[0]!['accept-encoding']).toBe('identity');
  });

  it('asks for nothing when the file is there', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(path, content);
    await downloadFile(requestFor(path, server.url), quick);
    expect(server.requests).toHaveLength(0);
  });

  it('takes an answer whose length is not announced', async () => {
    const server = await serve((_request, response) => {
      response.write(content.subarray(0, 1000));
      response.end(content.subarray(1000));
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });
});

describe('resuming', () => {
  it('continues after a cut with a range and the version tag', async () => {
    const server = await serve((request, response, visit) =>
      visit === 0 ? serveCut(response, 100_000) : serveFile(request, response),
    );
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]!.range).toBe('bytes=100000-');
    expect(server.requests[1]!['if-range']).toBe(`"${sha256(content).slice(0, 16)}"`);
  });

  it('continues what an earlier process left', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, content.subarray(0, 250_000));
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests.map((headers) => headers.range)).toEqual(['bytes=250000-']);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it('needs no request when the part is already whole', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, content);
    await downloadFile(requestFor(path, server.url), quick);
    expect(server.requests).toHaveLength(0);
    expect(existsSync(path)).toBe(true);
  });

  it('starts over when the server answers 200 to a range', async () => {
    const server = await serve((_request, response) => response.end(content));
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, content.subarray(0, 5_000));
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(1);
  });

  it('starts over when the server answers 416', async () => {
    const server = await serve((request, response) => {
      if (request.headers.range === undefined) serveFile(request, response);
      else response.writeHead(416).end();
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, content.subarray(0, 5_000));
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('starts over when the range in the answer is another one', async () => {
    const server = await serve((request, response) => {
      if (request.headers.range === undefined) serveFile(request, response);
      else response.writeHead(206, { 'content-range': `bytes 0-${content.length - 1}/${content.length}` }).end(content);
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, content.subarray(0, 5_000));
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('starts over when the part was of another file', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await writeFile(`${path}.part`, Buffer.alloc(5_000, 7));
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests.map((headers) => headers.range)).toEqual(['bytes=5000-', undefined]);
  });

  it('gets there over a line that keeps breaking, without counting attempts that move forward', async () => {
    const server = await serve((request, response, visit) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      if (visit === 4) return serveFile(request, response);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': content.length - start,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      });
      response.write(content.subarray(start, start + 70_000), () => setTimeout(() => response.destroy(), 30));
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), { ...quick, retries: 1 });
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(5);
  });
});

describe('servers that fail', () => {
  it('tries again after HTTP 500', async () => {
    const server = await serve((request, response, visit) => {
      if (visit < 2) response.writeHead(500).end('no');
      else serveFile(request, response);
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), quick);
    expect(server.requests).toHaveLength(3);
  });

  it('gives up after the allowed retries', async () => {
    const server = await serve((_request, response) => response.writeHead(503).end());
    const path = join(await temporaryFolder(), 'file.bin');
    const error = await failure(requestFor(path, server.url), { ...quick, retries: 2 });
    expect(server.requests).toHaveLength(3);
    expect(error.failure).toBe('answer');
    expect(error.message).toContain('HTTP 503');
  });

  it('does not try again after HTTP 404, but takes the next URL', async () => {
    const gone = await serve((_request, response) => response.writeHead(404).end());
    const mirror = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, gone.url, mirror.url), quick);
    expect(gone.requests).toHaveLength(1);
    expect(mirror.requests).toHaveLength(1);
  });

  it('gives a silent connection up and continues on a new one', async () => {
    const server = await serve((request, response, visit) => {
      if (visit > 0) return serveFile(request, response);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), { ...quick, stallMilliseconds: 150 });
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests[1]!.range).toBe('bytes=50000-');
  });

  it('says so when a server never answers', async () => {
    const server = await serve(() => {});
    const path = join(await temporaryFolder(), 'file.bin');
    const error = await failure(requestFor(path, server.url), { ...quick, stallMilliseconds: 50, retries: 0 });
    expect(error.failure).toBe('network');
    expect(error.message).toContain('sent nothing for 0.05 s');
  });

  it('keeps what arrived when the connection stays broken', async () => {
    const server = await serve((_request, response, visit) =>
      visit === 0 ? serveCut(response, 40_000) : void response.destroy(),
    );
    const path = join(await temporaryFolder(), 'file.bin');
    const error = await failure(requestFor(path, server.url), { ...quick, retries: 1 });
    expect(error.message).toContain(`40000 of 300000 bytes are kept in ${path}.part`);
    expect(content.subarray(0, 40_000).equals(await readFile(`${path}.part`))).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});

describe('content that is not the file', () => {
  it('refuses a wrong checksum, removes what arrived and says what to do', async () => {
    const wrong = Buffer.from(content);
    wrong[1234]! ^= 1;
    const server = await serve((request, response) => serveFile(request, response, wrong));
    const folder = await temporaryFolder();
    const path = join(folder, 'file.bin');
    const error = await failure(requestFor(path, server.url));
    expect(error.failure).toBe('checksum');
    expect(error.message).toContain(`SHA-256 ${sha256(wrong)} instead of ${sha256(content)}`);
    expect(error.message).toContain(server.url);
    expect(error.message).toContain(`${content.length} bytes`);
    expect(error.message).toContain(`save it as file.bin in the folder ${folder}`);
    expect(await readdir(folder)).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it('takes the next URL after a wrong checksum', async () => {
    const bad = await serve((_request, response) => response.end(Buffer.alloc(content.length)));
    const good = await serve((request, response) => serveFile(request, response));
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, bad.url, good.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('refuses a shorter file, such as a login page', async () => {
    const server = await serve((_request, response) => {
      const page = '<html>Please log in</html>';
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': page.length }).end(page);
    });
    const folder = await temporaryFolder();
    const error = await failure(requestFor(join(folder, 'file.bin'), server.url));
    expect(error.failure).toBe('checksum');
    expect(error.message).toContain('sent 26 bytes instead of 300000 (text/html)');
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a shorter file of unannounced length, and does not ask for ever', async () => {
    const server = await serve((_request, response) => {
      response.write(content.subarray(0, 200_000));
      response.end();
    });
    const error = await failure(requestFor(join(await temporaryFolder(), 'file.bin'), server.url), {
      ...quick,
      retries: 2,
    });
    expect(error.message).toContain('ended after 200000 of 300000 bytes');
    expect(server.requests.length).toBeLessThan(8);
  });

  it('stops reading a file that is too long', async () => {
    const server = await serve((_request, response) => {
      response.on('error', () => {});
      response.write(content);
      response.write(content);
    });
    const folder = await temporaryFolder();
    const error = await failure(requestFor(join(folder, 'file.bin'), server.url));
    expect(error.message).toContain('sent more than 300000 bytes');
    expect(await readdir(folder)).toEqual([]);
  });

  it('trusts the checksum, not the announced length', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length + 10 });
      response.write(content, () => setTimeout(() => response.destroy(), 30));
    });
    const path = join(await temporaryFolder(), 'file.bin');
    await downloadFile(requestFor(path, server.url), quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });
});

describe('without a network', () => {
  it('names the folder, the file, the URL and the checksum', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file.bin');
    const url = await closedUrl();
    const error = await failure(requestFor(path, url));
    expect(error.failure).toBe('network');
    expect(error.path).toBe(path);
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).toContain(
      `To put the file there by hand: get ${url} (300000 bytes, SHA-256 ${sha256(content)}), ` +
        `and save it as file.bin in the folder ${folder}.`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('asks nobody when working offline was asked for', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const folder = join(await temporaryFolder(), 'not-made');
    const path = join(folder, 'file.bin');
    const error = await failure(requestFor(path, server.url), { offline: true });
    expect(error.failure).toBe('offline');
    expect(error.message).toContain(`${path} is not there, and working offline was asked for`);
    expect(error.message).toContain(`save it as file.bin in the folder ${folder}`);
    expect(server.requests).toHaveLength(0);
    expect(existsSync(folder)).toBe(false);
  });

  it('stops on a signal and keeps what arrived', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    });
    const path = join(await temporaryFolder(), 'file.bin');
    const stop = new AbortController();
    const download = downloadFile(requestFor(path, server.url), {
      ...quick,
      signal: stop.signal,
      onProgress: ({ bytes }) => {
        if (bytes === 50_000) stop.abort(new Error('stopped by the user'));
      },
    });
    await expect(download).rejects.toThrow('stopped by the user');
    expect(await readFile(`${path}.part`)).toHaveLength(50_000);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});

describe('several downloads of one file', () => {
  it('download it once', async () => {
    const server = await serve((request, response) => void setTimeout(() => serveFile(request, response), 100));
    const folder = await temporaryFolder();
    const path = join(folder, 'file.bin');
    const notices: string[] = [];
    const options = { ...quick, onNotice: (notice: string) => notices.push(notice) };
    await Promise.all(Array.from({ length: 5 }, () => downloadFile(requestFor(path, server.url), options)));
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(notices).toHaveLength(4);
    expect(notices[0]).toContain('another process is downloading');
    expect(await readdir(folder)).toEqual(['file.bin']);
  });

  it('take over the lock of a process that is gone', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const folder = await temporaryFolder();
    const path = join(folder, 'file.bin');
    const gone = spawnSync(process.execPath, ['--eval', '']).pid;
    await writeFile(`${path}.lock`, JSON.stringify({ process: gone, host: hostname(), id: 'x' }));
    await writeFile(`${path}.part`, content.subarray(0, 10_000));
    await downloadFile(requestFor(path, server.url), quick);
    expect(await readdir(folder)).toEqual(['file.bin']);
    expect(server.requests[0]!.range).toBe('bytes=10000-');
  });

  it('take over a lock that was not renewed', async () => {
    const server = await serve((request, response) => serveFile(request, response));
    const folder = await temporaryFolder();
    const path = join(folder, 'file.bin');
    await writeFile(`${path}.lock`, JSON.stringify({ process: 1, host: 'another machine', id: 'x' }));
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    await downloadFile(requestFor(path, server.url), quick);
    expect(await readdir(folder)).toEqual(['file.bin']);
  });
});

describe('a folder that cannot be used', () => {
  it('is named when a file is in its place', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'data'), 'a file');
    const server = await serve((request, response) => serveFile(request, response));
    const error = await failure(requestFor(join(folder, 'data', 'file.bin'), server.url));
    expect(error.failure).toBe('disk');
    expect(error.message).toContain('cannot be written');
    expect(error.message).toContain('MILESTONES_DATA');
  });

  it('is named when a folder is in the place of the file', async () => {
    const path = join(await temporaryFolder(), 'file.bin');
    await mkdir(path);
    const error = await failure(requestFor(path, 'http://127.0.0.1:9/file.bin'));
    expect(error.message).toContain('is not a file');
  });
});
