/**
 * A sweep over many machines: BullMQ hands out the numbers of trials and notices workers that fall silent; the ledger in
 * Redis decides what counts. A trial that BullMQ handed out twice is therefore worked on twice at worst, never recorded twice.
 */
import { Queue, WaitingError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { CommandError } from '@milestones/reproduce';
import type { SweepDefinition } from './definition.ts';
import type { Ledger } from './ledger.ts';
import { workOnTrial, type WorkerContext, workerName } from './work-on-trial.ts';

const keyPrefix = 'milestones:queue';

/** Connections to one Redis. */
export interface QueueConnection {
  /** For documents: a command that is not answered in time fails. */
  client: Redis;
  /** For BullMQ, whose commands wait for jobs. */
  waiting: Redis;
  /** Ends both. */
  close(): void;
}

/**
 * Connects to Redis.
 *
 * @param lease seconds without an answer after which a command fails
 * @throws CommandError where no Redis answers at the address
 */
export async function connectQueue(url: string, lease: number, note: (text: string) => void): Promise<QueueConnection> {
  if (!/^rediss?:\/\/[^/]/.test(url)) {
    throw new CommandError(`--queue ${url}: this is no address of Redis; write redis://host:6379.`);
  }
  let ready = false;
  let silent = false;
  const options = {
    lazyConnect: true,
    connectTimeout: 5000,
    keepAlive: 10_000,
    maxRetriesPerRequest: null,
    retryStrategy: (tries: number) => (ready ? Math.min(200 * tries, 2000) : null),
  };
  const client = new Redis(url, { ...options, commandTimeout: Math.max(500, (lease * 1000) / 2) });
  const waiting = new Redis(url, options);
  const close = (): void => {
    client.disconnect();
    waiting.disconnect();
  };
  let reason = 'no answer';
  for (const connection of [client, waiting]) connection.on('error', (error) => (reason = error.message || reason));
  client.on('close', () => {
    if (ready && !silent) note('The queue cannot be reached; trying again …');
    silent = true;
  });
  client.on('ready', () => {
    if (silent) note('The queue answers again.');
    silent = false;
  });
  try {
    await client.connect();
    await waiting.connect();
    await client.ping();
  } catch (error) {
    close();
    const { message } = error as Error;
    throw new CommandError(
      `--queue ${url.replace(/:[^:@/]*@/, ':…@')}: no Redis can be used there (${message === 'Connection is closed.' ? reason : message}); ` +
        'start one (redis-server --port 6379), or check host, port and password.',
    );
  }
  ready = true;
  return { client, waiting, close };
}

/** The queue of a sweep's trial numbers. */
export function openQueue({ waiting }: QueueConnection, name: string): Queue {
  const queue = new Queue(name, { connection: waiting, prefix: keyPrefix });
  queue.on('error', () => undefined); // the connection's own messages tell it
  return queue;
}

/**
 * Puts every trial without a result into the queue, once: one that is there already stays as it is. Also brings back what
 * the queue has lost, so that the result of each trial is reached whatever happens to jobs.
 */
export async function fillQueue(queue: Queue, ledger: Ledger): Promise<void> {
  const missing = (await ledger.trials()).filter(({ result }) => result === null);
  for (const { index } of missing) {
    const job = await queue.getJob(jobName(index));
    // A job may have ended without a result where its worker was fenced off at that very moment.
    if (job !== undefined && ((await job.isCompleted()) || (await job.isFailed()))) await job.remove();
  }
  await queue.addBulk(
    missing.map(({ index }) => ({
      name: 'trial',
      data: { index },
      // What counts as failed is the ledger's to say; BullMQ shall offer a trial again until it has a result.
      opts: { jobId: jobName(index), attempts: 1_000_000, backoff: { type: 'fixed', delay: 1000 } },
    })),
  );
}

function jobName(index: number): string {
  return `trial-${index}`;
}

/**
 * Works on the trials of a queue until all have results, or the worker is asked to leave.
 *
 * @param workers how many trials at a time
 * @throws CommandError when a run does not report the metric of the sweep
 */
export async function serveQueue(
  connection: QueueConnection,
  definition: SweepDefinition,
  context: WorkerContext,
  workers: number,
): Promise<void> {
  const lease = definition.lease * 1000;
  const worker = new Worker<{ index: number }>(
    definition.name,
    async (job, token) => {
      const end = await workOnTrial(context, job.data.index);
      if (end === 'done') return;
      if (end === 'left') {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      // Offered again in a second, where this worker still holds the job; otherwise BullMQ refuses, and rightly.
      throw new Error('another worker has taken over');
    },
    {
      connection: connection.waiting,
      prefix: keyPrefix,
      name: workerName,
      concurrency: workers,
      lockDuration: lease,
      stalledInterval: lease,
      maxStalledCount: 1_000_000,
      drainDelay: 1,
    },
  );
  worker.on('error', () => undefined);
  let fault: CommandError | undefined;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearInterval(timer);
      context.leaving.removeEventListener('abort', finish);
      resolve();
    };
    worker.on('failed', (_job, error) => {
      if (!(error instanceof CommandError)) return;
      fault = error;
      finish();
    });
    const timer = setInterval(() => {
      context.ledger.trials().then(
        (trials) => trials.every(({ result }) => result !== null) && finish(),
        () => undefined, // not reachable at the moment; it will be asked again
      );
    }, 1000);
    context.leaving.addEventListener('abort', finish);
    if (context.leaving.aborted) finish();
  });
  // Takes no new trials from here on, and waits for those under way, which end because the worker leaves.
  await worker.close();
  if (fault !== undefined) throw fault;
}
