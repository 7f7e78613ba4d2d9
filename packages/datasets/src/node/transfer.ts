/** One request for a file, or for the part of it that is still missing. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { DownloadFailure } from './download-error.ts';
import type { PartFile } from './part-file.ts';

/** One attempt failed; `next` says what it is worth to do about it. */
export class AttemptError extends Error {
  readonly failure: DownloadFailure;
  readonly next: 'retry' | 'retry-once' | 'give-up';
  /** How long the server asked to wait. */
  readonly pauseMilliseconds: number | undefined;

  constructor(
    message: string,
    failure: DownloadFailure,
    next: 'retry' | 'retry-once' | 'give-up',
    details: { cause?: unknown; pauseMilliseconds?: number | undefined } = {},
  ) {
    super(message, { cause: details.cause });
    this.failure = failure;
    this.next = next;
    this.pauseMilliseconds = details.pauseMilliseconds;
  }
}

/** The file could not be written: no other URL will help. */
export class DiskError extends Error {}

/** What {@link transfer} needs besides the URL and the file. */
export interface TransferOptions {
  /** Size of the whole file. */
  bytes: number;
  stallMilliseconds: number;
  headers: Readonly<Record<string, string>> | undefined;
  signal: AbortSignal | undefined;
  onChunk: () => void;
}

// Failures that a few more seconds rarely cure: no network, a wrong name, nobody listening, a bad certificate.
const unreachable = /^(ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|ERR_TLS_.*|CERT_.*|.*_CERT.*)$/;

/**
 * Appends to `part` what it still lacks. Returns when the file has its full size, whatever its content.
 *
 * @returns whether bytes of an earlier answer were continued
 * @throws {@link AttemptError} when the answer is not the file or ends early, {@link DiskError} when writing fails
 */
export async function transfer(url: string, part: PartFile, options: TransferOptions): Promise<{ resumed: boolean }> {
  const stall = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  const timer = new StallTimer(stall, options.stallMilliseconds);
  try {
    timer.start();
    // Without `identity` fetch asks for gzip and unpacks it: ranges and lengths would then count compressed bytes.
    const headers: Record<string, string> = { ...options.headers, 'accept-encoding': 'identity' };
    if (part.size > 0) {
      headers['range'] = `bytes=${part.size}-`;
      const validator = await loadValidator(part, url);
      if (validator !== undefined) headers['if-range'] = validator;
    }
    const response = await fetch(url, { headers, signal });
    const resumed = await begin(url, response, part, options.bytes);
    await receive(url, response, part, options, timer);
    return { resumed };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AttemptError || error instanceof DiskError) throw error;
    if (stall.signal.aborted) {
      throw new AttemptError(`${url} sent nothing for ${options.stallMilliseconds / 1000} s`, 'network', 'retry');
    }
    const { code, text } = describe(error);
    const next = code !== undefined && unreachable.test(code) ? 'retry-once' : 'retry';
    throw new AttemptError(`${url} could not be read (${text})`, 'network', next, { cause: error });
  } finally {
    timer.stop();
    // Closes the connection when the answer was not read to its end.
    stall.abort();
  }
}

/** Judges status and headers, and makes `part` ready for the body. */
async function begin(url: string, response: Response, part: PartFile, bytes: number): Promise<boolean> {
  if (response.status === 206) {
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    if (Number(first) === part.size && (total === '*' || Number(total) === bytes) && !isEncoded(response)) {
      return part.size > 0;
    }
    await onDisk(part.restart());
    throw new AttemptError(
      `${url} answered with another range than was asked for (${response.headers.get('content-range')})`,
      'answer',
      'retry',
    );
  }
  if (response.status === 200) {
    // To a request for a range this means: the server knows no ranges, or the file has changed there.
    await onDisk(part.restart());
    await onDisk(saveValidator(part, url, response));
    return false;
  }
  if (response.status === 416 && part.size > 0) {
    await onDisk(part.restart());
    throw new AttemptError(`${url} has no bytes after those that are here (HTTP 416)`, 'answer', 'retry');
  }
  const passing = response.status >= 500 || [408, 425, 429].includes(response.status);
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new AttemptError(
    `${url} answered with HTTP ${response.status} ${response.statusText}`.trimEnd(),
    'answer',
    passing ? 'retry' : 'give-up',
    { pauseMilliseconds: passing && seconds > 0 ? seconds * 1000 : undefined },
  );
}

async function receive(
  url: string,
  response: Response,
  part: PartFile,
  { bytes, onChunk }: TransferOptions,
  timer: StallTimer,
): Promise<void> {
  const start = part.size;
  const announced = isEncoded(response) ? undefined : (response.headers.get('content-length') ?? undefined);
  const type = response.headers.get('content-type') ?? 'no content type';
  onChunk();
  if (response.body !== null) {
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        // A slow disk is no fault of the server's.
        timer.stop();
        if (part.size + value.length > bytes) {
          await onDisk(part.restart());
          throw new AttemptError(`${url} sent more than ${bytes} bytes (${type})`, 'checksum', 'give-up');
        }
        await onDisk(part.append(value));
        onChunk();
        timer.start();
      }
    } catch (error) {
      // A server that announced too much and then hangs up may still have sent the whole file: the checksum decides.
      if (error instanceof AttemptError || error instanceof DiskError || part.size !== bytes) throw error;
    }
  }
  if (part.size === bytes) return;
  const received = part.size - start;
  if (announced !== undefined && Number(announced) === received && start === 0) {
    await onDisk(part.restart());
    throw new AttemptError(`${url} sent ${received} bytes instead of ${bytes} (${type})`, 'checksum', 'give-up');
  }
  throw new AttemptError(`${url} ended after ${part.size} of ${bytes} bytes`, 'network', 'retry');
}

function isEncoded(response: Response): boolean {
  return (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
}

async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new DiskError('the file could not be written', { cause: error });
  }
}

function describe(error: unknown): { code: string | undefined; text: string } {
  // fetch hides what happened in the causes of a "fetch failed".
  let last: unknown = error;
  while (last instanceof Error && last.cause instanceof Error) last = last.cause;
  if (last instanceof AggregateError && last.errors.length > 0) last = last.errors[0];
  const code = (last as NodeJS.ErrnoException).code;
  return { code, text: last instanceof Error ? last.message || code || last.name : String(last) };
}

// Beside the part lies what the server called this version of the file, so that a later request continues only the same.
async function loadValidator(part: PartFile, url: string): Promise<string | undefined> {
  try {
    const saved = JSON.parse(await readFile(part.validatorPath, 'utf8')) as { url?: unknown; validator?: unknown };
    return saved.url === url && typeof saved.validator === 'string' ? saved.validator : undefined;
  } catch {
    return undefined;
  }
}

async function saveValidator(part: PartFile, url: string, response: Response): Promise<void> {
  const tag = response.headers.get('etag');
  // A weak tag (W/"…") does not promise equal bytes, and servers must ignore it in If-Range.
  const validator = tag !== null && !tag.startsWith('W/') ? tag : response.headers.get('last-modified');
  if (validator === null) await rm(part.validatorPath, { force: true });
  else await writeFile(part.validatorPath, JSON.stringify({ url, validator }));
}

class StallTimer {
  readonly #controller: AbortController;
  readonly #milliseconds: number;
  #timeout: NodeJS.Timeout | undefined;

  constructor(controller: AbortController, milliseconds: number) {
    this.#controller = controller;
    this.#milliseconds = milliseconds;
  }

  start(): void {
    this.stop();
    this.#timeout = setTimeout(() => this.#controller.abort(), this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timeout);
  }
}
