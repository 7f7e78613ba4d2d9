/** The architecture as one schema: types, defaults (the paper's) and sizes. */
import { z } from 'zod';

const positive = z.int().min(1);
const rate = z.number().min(0).lt(1);

/** The architecture. Defaults are BERT-base, uncased (Devlin et al. 2018, section 3). */
export const bertConfigSchema = z
  .strictObject({
    vocabularySize: positive.default(30522).describe('V, number of tokens'),
    contextLength: positive.default(512).describe('T, longest sequence that the model sees'),
    segments: positive.default(2).describe('number of segments; the release says 16 in its code and 2 in its models'),
    features: positive.default(768).describe('C, width'),
    layers: positive.default(12).describe('number of blocks'),
    heads: positive.default(12).describe('N, attention heads per block; must divide features'),
    hidden: z.int().min(0).default(0).describe('width of the feed-forward layers; 0: 4 · features'),
    activation: z
      .enum(['gelu', 'geluTanh'])
      .default('geluTanh')
      .describe('geluTanh: as released; gelu: the exact form, which copies on the hub are read with'),
    dropout: rate.default(0.1).describe('probability to drop, in embeddings, attention and blocks'),
    normEpsilon: z.number().positive().default(1e-12).describe('added to the variance in layer norms'),
  })
  .refine((config) => config.features % config.heads === 0, {
    path: ['features'],
    error: ({ input }) => {
      const { features, heads } = input as { features: number; heads: number };
      return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${Math.ceil(features / heads) * heads}`;
    },
  });

/** The architecture of one model, complete. */
export type BertConfig = z.output<typeof bertConfigSchema>;
/** The architecture with everything optional that has a default. */
export type BertOptions = z.input<typeof bertConfigSchema>;

/** Named sizes (Devlin et al. 2018; Turc et al. 2019). Counts of encoder and pooler are exact, and a test counts them. */
export const sizes = {
  /** 4,385,920 weights. */
  tiny: { layers: 2, features: 128, heads: 2 },
  /** 11,170,560. */
  mini: { layers: 4, features: 256, heads: 4 },
  /** 28,763,648. */
  small: { layers: 4, features: 512, heads: 8 },
  /** 41,373,184. */
  medium: { layers: 8, features: 512, heads: 8 },
  /** 109,482,240. */
  base: {},
  /** 335,141,888. */
  large: { layers: 24, features: 1024, heads: 16 },
} as const satisfies Record<string, BertOptions>;

/** Name of one of the {@link sizes}. */
export type BertSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function bertConfig(options: BertOptions | BertSize): BertConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`Bert: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const result = bertConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`Bert: ${problems.join('; ')}.`);
  }
  return result.data;
}
