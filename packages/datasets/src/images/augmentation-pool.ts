import { type Augmenter, type ImageShape, type PreparedStep, createAugmenter } from './augment.ts';

/** Images that are to be augmented. */
export interface AugmentationJob {
  /** Shape [count, H, W, C], given away: the pool may detach it. */
  bytes: Uint8Array<ArrayBuffer>;
  count: number;
  /** Shape [count, draws], given away too. */
  random: Float32Array<ArrayBuffer>;
}

/** Does jobs, in this thread or in others; the results are the same. */
export interface AugmentationPool {
  /** How many jobs it can do at once besides what this thread does. */
  readonly workers: number;
  run(job: AugmentationJob): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** What a pool does to every image. */
export interface AugmentationPlan {
  input: ImageShape;
  steps: readonly PreparedStep[];
}

/** A pool of this thread alone. */
export function inlinePool({ input, steps }: AugmentationPlan): AugmentationPool {
  const augmenter: Augmenter = createAugmenter(input, steps);
  return {
    workers: 0,
    run: async ({ bytes, count, random }) => augmenter.run(bytes, count, random),
    dispose: async () => {},
  };
}
