import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DownloadRequest } from '../../src/node/download.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse, visit: number) => void;

export interface LocalServer {
  url: string;
  /** The headers of every request so far. */
  requests: IncomingMessage['headers'][];
}

/** A server on this machine for one test; `handle` gets the number of the request, from 0. */
export async function serve(handle: Handler): Promise<LocalServer> {
  const requests: IncomingMessage['headers'][] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request.headers);
    handle(request, response, requests.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`, requests };
}

/** An address on this machine where nobody listens. */
export async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${port}/file.bin`;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'milestones-datasets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const content = randomBytes(300_000);

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function requestFor(path: string, ...urls: string[]): DownloadRequest {
  return { urls, path, sha256: sha256(content), bytes: content.length };
}

/** Serves `body` as a well-behaved server does: ranges, strong tag, If-Range. */
export function serveFile(request: IncomingMessage, response: ServerResponse, body: Buffer = content): void {
  const tag = `"${sha256(body).slice(0, 16)}"`;
  const wanted = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const same = (request.headers['if-range'] ?? tag) === tag;
  if (wanted && same) {
    const start = Number(wanted[1]);
    if (start >= body.length) {
      response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      return;
    }
    response.writeHead(206, {
      'content-length': body.length - start,
      'content-range': `bytes ${start}-${body.length - 1}/${body.length}`,
      etag: tag,
    });
    response.end(body.subarray(start));
    return;
  }
  response.writeHead(200, { 'content-length': body.length, etag: tag });
  response.end(body);
}

/** Sends the head and the first `count` bytes of `body`, then cuts the connection. */
export function serveCut(response: ServerResponse, count: number, body: Buffer = content): void {
  response.writeHead(200, { 'content-length': body.length, etag: `"${sha256(body).slice(0, 16)}"` });
  response.write(body.subarray(0, count), () => setTimeout(() => response.destroy(), 30));
}
