/**
 * Generating text: feed the tokens so far, draw the next one, repeat.
 */
import { tf } from '@milestones/backend';
import { Random } from '@milestones/core';
import { disposeCache, type Gpt } from './model.ts';

/** How the next token is drawn from the scores. */
export interface SamplingOptions {
  /** Divides the scores: below 1 safer, above 1 wilder; 0 takes the most likely token always. Default 1. */
  temperature?: number;
  /** Draw among the k most likely tokens only. Default all. Fan et al. 2018. */
  topK?: number;
  /** Draw among the fewest tokens whose probabilities sum to at least p. Default 1. Holtzman et al. 2020 (nucleus). */
  topP?: number;
}

/** Options of {@link generateTokens} and {@link generateText}. */
export interface GenerateOptions extends SamplingOptions {
  /** How many tokens to generate. Default 200. */
  tokens?: number;
  /** The same seed gives the same text. Default 1. */
  seed?: number;
}

/**
 * Generates tokens one at a time.
 *
 * Keys and values of earlier positions are cached, so that a token costs one position. Once the context is full, the
 * oldest token falls out at each step; positions are learned and absolute, so every key changes then and the whole window
 * is computed anew.
 *
 * @param prompt the tokens to continue, at least one
 */
export async function* generateTokens(
  model: Gpt,
  prompt: ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<number, void, undefined> {
  const { tokens: count = 200, seed = 1, ...sampling } = options;
  checkSampling(sampling);
  if (!Number.isInteger(count) || count < 0) {
    throw new Error(`generate: ${count} tokens were asked for; give a whole number of at least 0.`);
  }
  if (prompt.length === 0) {
    throw new Error('generate: the prompt is empty; give at least one token, for example a line break.');
  }
  const { contextLength } = model.config;
  const random = new Random(seed, 'generate');
  const sequence = Array.from(prompt);
  const wasTraining = model.training;
  const cache = model.createCache();
  model.eval();
  try {
    for (let made = 0; made < count; made++) {
      const full = sequence.length > contextLength;
      if (full) disposeCache(cache);
      const seen = full ? 0 : (cache[0]?.keys?.shape[2] ?? 0);
      const fed = full ? sequence.slice(-contextLength) : sequence.slice(seen);
      const scores = tf.tidy(() => {
        const logits = model.forward(tf.tensor2d([fed], [1, fed.length], 'int32'), full ? {} : { cache }); // [1, T, V]
        return tf.reshape(tf.slice(logits, [0, fed.length - 1, 0], [1, 1, -1]), [-1]); // [V]
      });
      const logits = await scores.data<'float32'>();
      scores.dispose();
      const next = sampleToken(logits, random, sampling);
      sequence.push(next);
      yield next;
    }
  } finally {
    disposeCache(cache);
    if (wasTraining) model.train();
  }
}

/**
 * Continues a text. The model must know its tokenizer (`Gpt.fromPretrained` sets it).
 *
 * @returns the prompt and what follows it
 */
export async function generateText(model: Gpt, prompt: string, options: GenerateOptions = {}): Promise<string> {
  const { tokenizer } = model;
  if (tokenizer === undefined) {
    throw new Error('generateText: this model has no tokenizer; set model.tokenizer, or use generateTokens.');
  }
  const made: number[] = [];
  for await (const token of generateTokens(model, tokenizer.encode(prompt), options)) made.push(token);
  return prompt + tokenizer.decode(Int32Array.from(made));
}

/**
 * Draws a token: softmax(logits / temperature), cut to the top k and to the nucleus p, in that order.
 *
 * @param logits scores of the whole vocabulary
 */
export function sampleToken(logits: ArrayLike<number>, random: Random, options: SamplingOptions = {}): number {
  checkSampling(options);
  const { temperature = 1, topK = logits.length, topP = 1 } = options;
  if (temperature === 0) return likeliest(logits);
  const byScore = Array.from({ length: logits.length }, (_, token) => token);
  // Ties go to the smaller token, so that the order never depends on the sort.
  byScore.sort((left, right) => logits[right]! - logits[left]! || left - right);
  const best = byScore[0];
  if (best === undefined || !Number.isFinite(logits[best]!)) {
    throw unusable(best === undefined ? undefined : logits[best], logits.length);
  }
  const candidates = byScore.slice(0, topK);
  // The largest score is subtracted first: exp() of a large score would overflow.
  const weights = candidates.map((token) => Math.exp((logits[token]! - logits[best]!) / temperature));
  if (topP < 1) {
    const enough = topP * weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    const cut = weights.findIndex((weight) => (sum += weight) >= enough);
    if (cut >= 0) weights.length = cut + 1;
  }
  return candidates[random.categorical(weights)]!;
}

/** The token of the highest score, the smallest of equals. Sorting 50,257 scores for it would cost more than a small model. */
function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[best]!) best = token;
  if (!Number.isFinite(logits[best])) throw unusable(logits[best], logits.length);
  return best;
}

function unusable(highest: number | undefined, count: number): Error {
  return new Error(
    `sampleToken: the highest of ${count} scores is ${highest ?? 'missing'}; check the model's weights.`,
  );
}

function checkSampling({ temperature = 1, topK = 1, topP = 1 }: SamplingOptions): void {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new Error(`generate: the temperature ${temperature} arrived; give a number of at least 0.`);
  }
  if (!Number.isInteger(topK) || topK < 1) {
    throw new Error(`generate: topK ${topK} arrived; give a whole number of at least 1, or leave it out.`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new Error(`generate: topP ${topP} arrived; give a number above 0 and at most 1.`);
  }
}
