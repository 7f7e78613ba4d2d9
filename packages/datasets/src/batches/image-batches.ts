import { Random } from '@milestones/core';
import { createPool } from '#create-pool';
import { createAugmenter } from '../images/augment.ts';
import { type AugmentationStep, isDeterministic, prepareSteps } from '../images/augmentation.ts';
import type { AugmentationPool } from '../images/augmentation-pool.ts';
import { type ImageDataset, checkImageDataset } from '../images/image-dataset.ts';
import { ShuffledBatches } from './shuffled-batches.ts';
import { checkStep } from './step.ts';

/** Images as a step takes them. */
export interface ImageBatch {
  /** Flat, of shape `shape`. */
  images: Float32Array<ArrayBuffer>;
  /**
   * [views · B, H, W, C]; row v · B + b is view v of the batch's image b, so that views follow one another as blocks. Most
   * batches have one view, and B rows.
   */
  shape: [number, number, number, number];
  /** The label of every row. */
  labels: Int32Array<ArrayBuffer>;
  /** The place in the data set of each of the B images. */
  indices: Uint32Array<ArrayBuffer>;
}

/** What {@link ImageBatches} needs. */
export interface ImageBatchesOptions {
  dataset: ImageDataset;
  /** Images per batch, B. */
  batchSize: number;
  seed: number;
  /** What is done to every image. Default: nothing but the change from bytes to numbers from 0 to 1. */
  augmentation?: readonly AugmentationStep[];
  /** A new random order every epoch. Default true; otherwise every epoch has the order of the data set. */
  shuffle?: boolean;
  /** Leaves out an epoch's last batch where it would be smaller than the others. Default true. */
  dropLast?: boolean;
  /** How often each image is in its batch, augmented anew each time. Default 1. */
  views?: number;
  /** Threads besides this one that augment, in Node; 0 augments in this one. Default 1. Changes no number. */
  workers?: number;
  /** How many batches are made ahead of {@link ImageBatches.next}. Default 2 per worker. Changes no number. */
  prefetch?: number;
  /** Tells batches of one seed apart. Default `images`. */
  stream?: string;
}

/** Where an {@link ImageBatches} stands, as plain JSON for a checkpoint. */
export interface ImageBatchesState {
  kind: 'image-batches';
  dataset: string;
  count: number;
  batchSize: number;
  seed: number;
  shuffle: boolean;
  dropLast: boolean;
  views: number;
  stream: string;
  cursor: number;
}

/**
 * The images of a data set in batches, epoch after epoch, augmented on the host while the step before runs. In Node a
 * worker thread augments; in a browser `next` does it itself.
 *
 * The order of an epoch is a function of (seed, stream, epoch), and what is drawn for an image one of (seed, stream, epoch,
 * image, view). So neither workers nor prefetching change a number, and a resumed run sees what it would have seen.
 */
export class ImageBatches {
  readonly dataset: ImageDataset;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly views: number;
  readonly stream: string;
  /** Batches in one epoch: N / batch size, rounded down with `dropLast` and up without. */
  readonly batchesPerEpoch: number;
  /** Height, width and channels of the images in a batch. */
  readonly imageShape: readonly [number, number, number];
  readonly #orders: ShuffledBatches;
  readonly #random: Random;
  readonly #draws: number;
  readonly #pool: AugmentationPool;
  readonly #ahead: number;
  readonly #made = new Map<number, Promise<ImageBatch>>();
  #cursor = 0;
  #epochKey: { epoch: number; key: [number, number] } | undefined;
  #disposed = false;

  constructor(options: ImageBatchesOptions) {
    const { dataset, batchSize, seed, augmentation = [], shuffle = true, dropLast = true } = options;
    const { views = 1, workers = 1, stream = 'images' } = options;
    checkImageDataset(dataset, 'ImageBatches');
    checkCount('views', views, 1, 16);
    checkCount('workers', workers, 0, 64);
    const { height, width, channels, count } = dataset;
    const input = { height, width, channels };
    const steps = prepareSteps(augmentation, input, 'ImageBatches', dataset);
    const { shape, draws } = createAugmenter(input, steps);
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.seed = seed;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.views = views;
    this.stream = stream;
    this.#orders = new ShuffledBatches({ examples: count, batchSize, seed, dropLast, stream: `${stream}/order` });
    this.batchesPerEpoch = this.#orders.batchesPerEpoch;
    this.imageShape = [shape.height, shape.width, shape.channels];
    this.#draws = draws;
    this.#random = new Random(seed, `${stream}/augmentation`);
    this.#pool = createPool({ input, steps }, workers);
    this.#ahead = options.prefetch ?? 2 * this.#pool.workers;
    checkCount('prefetch', this.#ahead, 0, 1024);
  }

  /**
   * Continues where `state` was taken, on the same data set.
   *
   * @param options what a state does not hold: the data set, the augmentation and how many workers there are
   * @throws when `state` is not of this kind, or was taken with another data set
   */
  static fromState(
    state: ImageBatchesState,
    options: Pick<ImageBatchesOptions, 'dataset' | 'augmentation' | 'workers' | 'prefetch'>,
  ): ImageBatches {
    if (state?.kind !== 'image-batches') {
      throw new Error(
        `ImageBatches.fromState: a state of kind ${JSON.stringify(state?.kind)} arrived; give what state() returned.`,
      );
    }
    if (state.count !== options.dataset.count || state.dataset !== options.dataset.name) {
      throw new Error(
        `ImageBatches.fromState: the state was taken with ${state.count} images of ${state.dataset}, but ` +
          `${options.dataset.count} of ${options.dataset.name} arrived; resume with the same data, or start a new run.`,
      );
    }
    const { batchSize, seed, shuffle, dropLast, views, stream } = state;
    const batches = new ImageBatches({ ...options, batchSize, seed, shuffle, dropLast, views, stream });
    batches.seek(state.cursor);
    return batches;
  }

  /** The step of the batch that {@link next} gives next, counted over all epochs. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Makes `step` the next one. */
  seek(step: number): void {
    this.#cursor = checkStep('ImageBatches.seek', step);
    this.#made.clear();
  }

  /** The epoch that `step` belongs to, counted from 0. */
  epochOf(step: number): number {
    return this.#orders.epochOf(step);
  }

  /** The batch at the cursor; moves the cursor to the next, and has the following ones made meanwhile. */
  async next(): Promise<ImageBatch> {
    const step = this.#cursor++;
    const batch = this.#made.get(step) ?? this.at(step);
    this.#made.delete(step);
    for (let later = step + 1; later <= step + this.#ahead; later++) {
      if (this.#made.has(later)) continue;
      const made = this.at(later);
      // A failure is told when the batch is asked for.
      made.catch(() => {});
      this.#made.set(later, made);
    }
    return batch;
  }

  /** The batch of `step`, counted from 0 over all epochs. Does not move the cursor. */
  async at(step: number): Promise<ImageBatch> {
    if (this.#disposed) throw new Error('ImageBatches.at: the batches were disposed; create new ones from state().');
    const { dataset, views } = this;
    const epoch = this.epochOf(step);
    const indices = this.#indicesOf(step, epoch);
    const rows = indices.length * views;
    const size = dataset.height * dataset.width * dataset.channels;
    const bytes = new Uint8Array(rows * size);
    const labels = new Int32Array(rows);
    const random = new Float32Array(rows * this.#draws);
    for (let row = 0; row < rows; row++) {
      const index = indices[row % indices.length]!;
      bytes.set(dataset.images.subarray(index * size, (index + 1) * size), row * size);
      labels[row] = dataset.labels[index]!;
      if (this.#draws > 0) {
        const view = Math.floor(row / indices.length);
        random.set(this.#drawsOf(epoch, index * views + view), row * this.#draws);
      }
    }
    const images = await this.#pool.run({ bytes, count: rows, random });
    return { images, shape: [rows, ...this.imageShape], labels, indices };
  }

  /** All but data set and augmentation that {@link fromState} needs to continue. */
  state(): ImageBatchesState {
    const { dataset, batchSize, seed, shuffle, dropLast, views, stream, cursor } = this;
    const { name, count } = dataset;
    return {
      kind: 'image-batches',
      dataset: name,
      count,
      batchSize,
      seed,
      shuffle,
      dropLast,
      views,
      stream,
      cursor,
    };
  }

  /** Ends the worker threads. Batches that are still asked for fail. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#made.clear();
    await this.#pool.dispose();
  }

  #indicesOf(step: number, epoch: number): Uint32Array<ArrayBuffer> {
    if (this.shuffle) return new Uint32Array(this.#orders.at(step));
    const start = (step - epoch * this.batchesPerEpoch) * this.batchSize;
    const length = Math.min(this.batchSize, this.dataset.count - start);
    return Uint32Array.from({ length }, (_, index) => start + index);
  }

  /** The random numbers of one view of one image in one epoch: its own counter under the epoch's key. */
  #drawsOf(epoch: number, counter: number): Float32Array {
    if (this.#epochKey?.epoch !== epoch) {
      this.#epochKey = { epoch, key: this.#random.fork(String(epoch)).state().key };
    }
    return Random.fromState({ key: this.#epochKey.key, counter }).uniformArray(this.#draws);
  }
}

/**
 * A data set once, in its order, in batches; the last one may be smaller. For measuring accuracy.
 *
 * @param steps only such as draw nothing: `centerCrop`, `resize`, `normalize`
 */
export function* evaluationBatches(
  dataset: ImageDataset,
  batchSize: number,
  steps: readonly AugmentationStep[] = [],
): Generator<ImageBatch> {
  checkImageDataset(dataset, 'evaluationBatches');
  checkCount('a batch size of', batchSize, 1, Number.MAX_SAFE_INTEGER, 'evaluationBatches');
  if (!isDeterministic(steps)) {
    const kinds = steps.map(({ kind }) => kind).join(', ');
    throw new Error(
      `evaluationBatches: the steps ${kinds} arrived; only centerCrop, resize and normalize draw nothing. Leave out the others.`,
    );
  }
  const { height, width, channels, count, images, labels } = dataset;
  const input = { height, width, channels };
  const augmenter = createAugmenter(input, prepareSteps(steps, input, 'evaluationBatches', dataset));
  const { shape } = augmenter;
  const size = height * width * channels;
  const none = new Float32Array(0);
  for (let start = 0; start < count; start += batchSize) {
    const rows = Math.min(batchSize, count - start);
    yield {
      images: augmenter.run(images.subarray(start * size, (start + rows) * size), rows, none),
      shape: [rows, shape.height, shape.width, shape.channels],
      labels: Int32Array.from(labels.subarray(start, start + rows)),
      indices: Uint32Array.from({ length: rows }, (_, row) => start + row),
    };
  }
}

function checkCount(what: string, value: number, low: number, high: number, where = 'ImageBatches'): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new Error(`${where}: ${what} ${value} arrived; give a whole number from ${low} to ${high}.`);
  }
}
