/** A sweep's documents, definition and checkpoints in Redis, for workers on many machines. */
import type { Redis } from 'ioredis';
import type { DocumentStore } from './documents.ts';
import type { SweepDefinition } from './definition.ts';
import { packRun, newestCheckpoint, unpackRun } from './run-files.ts';
import { SameNameError } from './sweep-folder.ts';
import type { Attempt } from './trial-record.ts';
import type { CheckpointExchange } from './work-on-trial.ts';

/** Compares and replaces in one step: Redis runs a script as a whole, with nothing between its commands. */
const replaceScript = `
local present = redis.call('GET', KEYS[1])
if (present or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`;

const sweepsKey = 'milestones:sweeps';

/** Checkpoints above this size stay on their worker's disk: Redis keeps everything in memory. */
const largestCheckpoint = 256 * 2 ** 20;

/** Days for which Redis keeps the records of a sweep that has ended. */
const daysKept = 30;

/** The beginning of all keys of a sweep. */
function keyOf(name: string, ...parts: (string | number)[]): string {
  return ['milestones:sweep', name, ...parts].join(':');
}

/** Documents as strings in Redis, replaced by a script. */
export class RedisDocuments implements DocumentStore {
  readonly #client: Redis;
  readonly #name: string;

  /** @param name the sweep's */
  constructor(client: Redis, name: string) {
    this.#client = client;
    this.#name = name;
  }

  load(names: readonly string[]): Promise<(string | null)[]> {
    return this.#client.mget(names.map((name) => keyOf(this.#name, 'document', name)));
  }

  async replace(name: string, expected: string | null, text: string): Promise<boolean> {
    const key = keyOf(this.#name, 'document', name);
    return (await this.#client.eval(replaceScript, 1, key, expected ?? '', text)) === 1;
  }
}

/** Announces a sweep. Throws where there is one of its name. */
export async function createSharedSweep(client: Redis, definition: SweepDefinition): Promise<void> {
  const { name } = definition;
  if ((await client.set(keyOf(name, 'definition'), JSON.stringify(definition), 'NX')) === null) {
    throw new SameNameError('the queue', name);
  }
  await client.sadd(sweepsKey, name);
}

/** The definition of a sweep, or undefined. */
export async function loadSharedSweep(client: Redis, name: string): Promise<SweepDefinition | undefined> {
  const text = await client.get(keyOf(name, 'definition'));
  return text === null ? undefined : (JSON.parse(text) as SweepDefinition);
}

/** Names of the sweeps that have not ended. */
export async function openSweeps(client: Redis): Promise<string[]> {
  return (await client.smembers(sweepsKey)).toSorted();
}

/** Takes an ended sweep off the list and frees its checkpoints; its records stay for a month. */
export async function closeSharedSweep(client: Redis, name: string): Promise<void> {
  await client.srem(sweepsKey, name);
  for (let cursor = '0'; ;) {
    const [next, keys] = await client.scan(cursor, 'MATCH', keyOf(escapePattern(name), '*'), 'COUNT', 500);
    for (const key of keys) {
      if (key.startsWith(keyOf(name, 'checkpoint', ''))) await client.del(key);
      else await client.expire(key, daysKept * 24 * 3600);
    }
    cursor = next;
    if (cursor === '0') return;
  }
}

function escapePattern(text: string): string {
  return text.replaceAll(/[[\]*?\\^]/g, '\\$&');
}

/** Checkpoints in Redis, a key for each attempt: a worker that was taken for dead can spoil its own only. */
export class RedisCheckpoints implements CheckpointExchange {
  readonly #client: Redis;
  readonly #name: string;
  readonly #note: (text: string) => void;
  readonly #published = new Map<string, string>();

  /** @param name the sweep's */
  constructor(client: Redis, name: string, note: (text: string) => void) {
    this.#client = client;
    this.#name = name;
    this.#note = note;
  }

  async publish(index: number, attempt: Attempt, run: string): Promise<void> {
    const newest = newestCheckpoint(run);
    if (newest === undefined || this.#published.get(attempt.token) === newest) return;
    const packed = packRun(run);
    if (packed === undefined) return;
    if (packed.length > largestCheckpoint) {
      if (!this.#published.has(attempt.token)) {
        this.#note(
          `Trial ${index}: its checkpoints of ${Math.round(packed.length / 2 ** 20)} MB are not sent through the queue; ` +
            'only workers that share this folder can continue it.',
        );
      }
    } else {
      await this.#client.set(this.#key(index, attempt), packed);
    }
    this.#published.set(attempt.token, newest);
  }

  async fetch(index: number, attempt: Attempt, to: string): Promise<boolean> {
    const packed = await this.#client.getBuffer(this.#key(index, attempt));
    if (packed === null) return false;
    unpackRun(packed, to);
    return true;
  }

  #key(index: number, attempt: Attempt): string {
    return keyOf(this.#name, 'checkpoint', index, attempt.number);
  }
}
