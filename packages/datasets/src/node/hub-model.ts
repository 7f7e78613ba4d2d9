/**
 * Downloads a model's files from the Hugging Face hub into the cache, at `models/<owner>/<model>/<commit>/`. The hub says
 * which files a revision has and what they are: large ones by SHA-256, small ones by the name that git gives their content.
 *
 * The hub's own client (`@huggingface/hub` 2.17) is not used: its download begins anew where it broke off and compares no
 * checksum, and what would be left to it is the one request for the list of files. It reads what we write in our tests.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { modelFiles } from '@milestones/core';
import { saveFile } from '@milestones/core/node';
import { hubEndpoint, isHubName, type LocateModelOptions } from '../models/hub.ts';
import { tokenizerFileNames } from '../tokenizers/tokenizer-files.ts';
import { cacheFolder, isOfflineEnvironment } from './cache.ts';
import { DownloadError } from './download-error.ts';
import { downloadFile } from './download.ts';

interface HubFile {
  rfilename: string;
  size?: number;
  blobId?: string;
  lfs?: { sha256?: string; size?: number };
}

/** Where a model is asked for, and as whom. */
interface Hub {
  endpoint: string;
  name: string;
  /** With the token, if there is one. */
  headers: Record<string, string>;
  /** The model's place in the cache. */
  root: string;
}

const largestSmallFile = 1 << 27;

/**
 * Makes sure that the configuration, weights and tokenizer of a model of the hub are in the cache, and returns their folder.
 * Files that are there are checked once and not downloaded again; a broken download is continued.
 *
 * @param name `owner/model`, for example `openai-community/gpt2`
 * @throws {@link DownloadError} in plain words: no network, no such model, a model that wants a token, no weights as safetensors,
 * a wrong checksum
 */
export async function downloadModel(name: string, options: LocateModelOptions = {}): Promise<string> {
  if (!isHubName(name)) {
    throw new Error(
      `downloadModel: '${name}' arrived; a model of the hub is named owner/model, for example openai-community/gpt2.`,
    );
  }
  const { revision = 'main', onProgress } = options;
  const endpoint = (options.endpoint ?? (process.env['HF_ENDPOINT'] || hubEndpoint)).replace(/\/$/, '');
  const root = join(resolve(options.data || cacheFolder()), 'models', ...name.split('/'));
  const reference = join(root, 'revisions', encodeURIComponent(revision));
  const known = await readFile(reference, 'utf8').catch(() => undefined);
  const offline = options.offline ?? isOfflineEnvironment(process.env['MILESTONES_OFFLINE']);
  if (offline || (known !== undefined && known === revision)) {
    // A commit never changes; a branch may, but without a network what is here has to do.
    if (known !== undefined) return join(root, known);
    throw new DownloadError(
      `downloadModel: ${name} (${revision}) is not in the cache, and working offline was asked for. Run once with a network, or ` +
        `download ${endpoint}/${name} by hand and give the path of its folder in place of the name.`,
      { failure: 'offline', path: root },
    );
  }
  const token = options.token ?? process.env['HF_TOKEN'];
  const hub: Hub = { endpoint, name, headers: token ? { authorization: `Bearer ${token}` } : {}, root };
  let listing: { sha: string; files: HubFile[] };
  try {
    listing = await askForFiles(hub, revision);
  } catch (error) {
    // The cache is as good as the network was when it was filled.
    if (known !== undefined && error instanceof DownloadError && error.failure === 'network') return join(root, known);
    throw error;
  }
  const folder = join(root, listing.sha);
  for (const file of wantedFiles(name, listing.files, root)) {
    const url = `${endpoint}/${name}/resolve/${listing.sha}/${file.rfilename}`;
    const path = join(folder, file.rfilename);
    if (file.lfs?.sha256 !== undefined) {
      const bytes = file.lfs.size ?? file.size ?? 0;
      await downloadFile(
        { urls: [url], path, sha256: file.lfs.sha256, bytes },
        { onProgress, headers: hub.headers },
      ).catch((error: Error) => {
        const status = /HTTP (401|403)/.exec(error.message)?.[1];
        throw status === undefined ? error : refusal(hub, Number(status), error);
      });
    } else {
      await downloadSmallFile(hub, url, path, file);
    }
  }
  await mkdir(dirname(reference), { recursive: true });
  await saveFile(reference, listing.sha);
  return folder;
}

async function askForFiles(hub: Hub, revision: string): Promise<{ sha: string; files: HubFile[] }> {
  const { endpoint, name, root } = hub;
  const url = `${endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await request(hub, url, root);
  if (response.status === 404) {
    throw new DownloadError(
      `downloadModel: the hub has no model ${name} with a revision ${revision} that may be seen (HTTP 404); check the name, ` +
        'owner/model, and the revision, or give the path of a folder.',
      { failure: 'answer', path: root },
    );
  }
  requireAnswer(hub, url, response, root);
  const answer = (await response.json().catch(() => ({}))) as { sha?: unknown; siblings?: unknown };
  if (typeof answer.sha !== 'string' || !/^[0-9a-f]{7,64}$/.test(answer.sha) || !Array.isArray(answer.siblings)) {
    throw new DownloadError(
      `downloadModel: ${url} did not answer with a list of files; a proxy or login page may have answered instead.`,
      { failure: 'answer', path: root },
    );
  }
  return { sha: answer.sha, files: answer.siblings as HubFile[] };
}

/** Configuration, tokenizer and weights; of weights the single file, or else the index and its files. */
function wantedFiles(name: string, files: HubFile[], root: string): HubFile[] {
  const names = new Set(files.map((file) => file.rfilename));
  if (!names.has(modelFiles.weights) && !names.has(modelFiles.index)) {
    throw new DownloadError(
      `downloadModel: ${name} has no weights in the safetensors format; choose another revision, or convert its weights and ` +
        'give the path of the folder.',
      { failure: 'answer', path: root },
    );
  }
  const isWeight = names.has(modelFiles.weights)
    ? (file: string): boolean => file === modelFiles.weights
    : (file: string): boolean => file === modelFiles.index || /^model-\d+-of-\d+\.safetensors$/.test(file);
  const others: readonly string[] = [modelFiles.config, ...tokenizerFileNames];
  return files.filter(({ rfilename }) => others.includes(rfilename) || isWeight(rfilename));
}

async function downloadSmallFile(hub: Hub, url: string, path: string, file: HubFile): Promise<void> {
  const there = (await stat(path).catch(() => undefined))?.size;
  if (there !== undefined && there === file.size && isBlob(await readFile(path), file.blobId)) return;
  if ((file.size ?? 0) > largestSmallFile) {
    throw new DownloadError(
      `downloadModel: ${file.rfilename} has ${file.size} bytes and no SHA-256 on the hub; it is not downloaded.`,
      {
        failure: 'answer',
        path,
      },
    );
  }
  const response = await request(hub, url, path);
  requireAnswer(hub, url, response, path);
  const content = new Uint8Array(await response.arrayBuffer());
  if (!isBlob(content, file.blobId)) {
    throw new DownloadError(
      `downloadModel: what ${url} sent (${content.length} bytes) is not the file that the hub lists; nothing was kept. ` +
        'A proxy may have replaced it: try again from another network.',
      { failure: 'checksum', path },
    );
  }
  await saveFile(path, content);
}

function requireAnswer(hub: Hub, url: string, { ok, status }: Response, path: string): void {
  if (ok) return;
  if (status === 401 || status === 403) throw refusal(hub, status);
  throw new DownloadError(`downloadModel: ${url} answered with HTTP ${status}; try again later.`, {
    failure: 'answer',
    path,
  });
}

/** The hub answers 401 for models that do not exist, too, so that nobody learns the names of private ones. */
function refusal({ endpoint, name, headers, root }: Hub, status: number, cause?: Error): DownloadError {
  const hasToken = headers['authorization'] !== undefined;
  const what = hasToken
    ? status === 401
      ? `the hub does not accept the access token (HTTP 401); make a new one at ${endpoint}/settings/tokens and set HF_TOKEN to it, ` +
        'or leave HF_TOKEN empty for a public model'
      : `the access token may not read ${name} (HTTP 403); accept the model's terms at ${endpoint}/${name}, or take a token that may read it`
    : `the hub gives ${name} not to everyone (HTTP ${status}): there is no such model, or it is private or gated. Check the name, ` +
      `owner/model; for a private one set HF_TOKEN to an access token (${endpoint}/settings/tokens)`;
  return new DownloadError(`downloadModel: ${what}.`, { failure: 'answer', path: root, cause });
}

/** Whether git would give `content` this name: the SHA-1 of "blob", its size, a zero byte, and the content. */
function isBlob(content: Uint8Array, blobId: string | undefined): boolean {
  if (blobId === undefined) return true;
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex') === blobId;
}

async function request({ headers }: Hub, url: string, path: string): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(60_000) });
  } catch (error) {
    let reason: unknown = error;
    while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
    throw new DownloadError(
      `downloadModel: ${url} could not be reached (${(reason as Error).message || String(reason)}); check the network, or give ` +
        'the path of a folder with the model’s files.',
      { failure: 'network', path, cause: error },
    );
  }
}
