/** A headless Chromium and a small server for it: what the checks that need a browser share. */
import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The program of an installed Chromium, or nothing. MILESTONES_CHROMIUM names one elsewhere. */
export function findChromium() {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [
    process.env['MILESTONES_CHROMIUM'],
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ];
  return candidates.find((file) => file !== undefined && isProgram(file));
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * Serves folders and single contents on 127.0.0.1, on a port that is free.
 *
 * @param {Record<string, string>} folders an address that begins and ends in `/` → the folder that is served there
 * @param {Record<string, string | Uint8Array>} contents an address → what is served there
 */
export async function startServer(folders, contents = {}) {
  const server = createServer(async (request, response) => {
    const address = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const prefix = Object.keys(folders).find((candidate) => address.startsWith(candidate));
    try {
      const body =
        contents[address] ??
        (prefix === undefined
          ? undefined
          : await readFile(join(folders[prefix], normalize(address.slice(prefix.length)))));
      if (body === undefined) throw new Error('not served');
      response.writeHead(200, { 'content-type': types[extname(address)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/**
 * Starts the browser with a profile of its own, which goes with it.
 *
 * @param {string} program
 * @param {boolean} [withWebgpu] whether pages get WebGPU, from a software GPU
 */
export async function startChromium(program, withWebgpu = false) {
  const profile = mkdtempSync(join(tmpdir(), 'milestones-chromium-'));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: program,
      headless: true,
      args: [
        ...(withWebgpu
          ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']
          : ['--disable-gpu']),
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // A superuser, as in a container, has no sandbox. What the pages load comes from this machine.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    });
    const close = async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    };
    return { context, version: context.browser()?.version() ?? '', close };
  } catch (error) {
    rmSync(profile, { recursive: true, force: true });
    throw error;
  }
}
