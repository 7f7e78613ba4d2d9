import { type MessagePort, Worker } from 'node:worker_threads';
import { createAugmenter } from '../images/augment.ts';
import {
  type AugmentationJob,
  type AugmentationPlan,
  type AugmentationPool,
  inlinePool,
} from '../images/augmentation-pool.ts';

type Reply = { id: number; images: Float32Array<ArrayBuffer> } | { id: number; error: string };

interface Expected {
  resolve: (images: Float32Array<ArrayBuffer>) => void;
  reject: (error: Error) => void;
}

/** A pool of worker threads, or of this thread where `workers` is 0. */
export function createPool(plan: AugmentationPlan, workers: number): AugmentationPool {
  if (workers === 0) return inlinePool(plan);
  const threads = Array.from({ length: workers }, () => new AugmentationThread(plan));
  return {
    workers,
    run(job) {
      // The one with the least to do.
      const thread = threads.reduce((best, other) => (other.pending < best.pending ? other : best));
      return thread.run(job);
    },
    dispose: async () => {
      await Promise.all(threads.map((thread) => thread.dispose()));
    },
  };
}

class AugmentationThread {
  readonly #worker: Worker;
  readonly #expected = new Map<number, Expected>();
  #jobs = 0;
  #failure: Error | undefined;

  constructor(plan: AugmentationPlan) {
    // From its text: there is then no file to find, whether this runs from sources, from dist or from a bundle.
    this.#worker = new Worker(workerSource(), {
      eval: true,
      name: 'milestones-augmentation',
      workerData: plan,
      execArgv: [],
    });
    // A program that has nothing else to do may end.
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => {
      const expected = this.#expected.get(reply.id);
      // A reply that nobody waits for any more must not unref the worker: `dispose` waits for its end, and the process would
      // end before.
      if (expected === undefined) return;
      this.#forget(reply.id);
      if ('error' in reply) expected.reject(new Error(`augmentation: ${reply.error}`));
      else expected.resolve(reply.images);
    });
    this.#worker.on('error', (error) => this.#lose(error.message));
    this.#worker.on('exit', (code) => this.#lose(`it ended with code ${code}`));
  }

  get pending(): number {
    return this.#expected.size;
  }

  run({ bytes, count, random }: AugmentationJob): Promise<Float32Array<ArrayBuffer>> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const id = this.#jobs++;
      if (this.#expected.size === 0) this.#worker.ref();
      this.#expected.set(id, { resolve, reject });
      this.#worker.postMessage({ id, bytes, count, random }, [bytes.buffer, random.buffer]);
    });
  }

  async dispose(): Promise<void> {
    this.#lose('it was disposed');
    await this.#worker.terminate();
  }

  #forget(id: number): void {
    this.#expected.delete(id);
    if (this.#expected.size === 0) this.#worker.unref();
  }

  #lose(why: string): void {
    this.#failure ??= new Error(
      `augmentation: the worker thread is gone: ${why}. Create the batches anew from their last state().`,
    );
    for (const [id, { reject }] of this.#expected) {
      this.#forget(id);
      reject(this.#failure);
    }
  }
}

/** Runs in the worker thread; refers to nothing outside itself. */
function serve(port: MessagePort, plan: AugmentationPlan, create: typeof createAugmenter): void {
  const augmenter = create(plan.input, plan.steps);
  port.on('message', ({ id, bytes, count, random }: AugmentationJob & { id: number }) => {
    try {
      const images = augmenter.run(bytes, count, random);
      port.postMessage({ id, images } satisfies Reply, [images.buffer]);
    } catch (error) {
      port.postMessage({ id, error: String(error) } satisfies Reply, []);
    }
  });
}

function workerSource(): string {
  // Some compilers wrap functions in calls of a helper of this name, which the text then refers to.
  return `'use strict';
var __name = (target) => target;
const { parentPort, workerData } = require('node:worker_threads');
(${serve.toString()})(parentPort, workerData, ${createAugmenter.toString()});`;
}
