/**
 * Generating text: feed the tokens so far, draw the next one, repeat.
 */
import { Random } from '@milestones/core';
import { GptDecoder } from './decoder.ts';
import type { Gpt } from './model.ts';

/** Score (32 bits) and token fit into the 53 bits of a whole number. */
const LARGEST_VOCABULARY = 2 ** 21;

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
  /**
   * A decoder of the same model, kept between calls so that only the first has to compile; the caller disposes of it.
   * Default: one for this call alone.
   */
  decoder?: GptDecoder;
}

/**
 * Generates tokens one at a time.
 *
 * Keys and values of earlier positions are kept, so that a token costs one position, until the context is full: see
 * {@link GptDecoder}.
 *
 * @param prompt the tokens to continue, at least one
 */
export async function* generateTokens(
  model: Gpt,
  prompt: ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<number, void, undefined> {
  const { tokens: count = 200, seed = 1, decoder = new GptDecoder(model), ...sampling } = options;
  checkSampling(sampling);
  if (!Number.isInteger(count) || count < 0) {
    throw new Error(`generate: ${count} tokens were asked for; give a whole number of at least 0.`);
  }
  if (prompt.length === 0) {
    throw new Error('generate: the prompt is empty; give at least one token, for example a line break.');
  }
  const random = new Random(seed, 'generate');
  const wasTraining = model.training;
  let next: number | undefined;
  model.eval();
  try {
    for (let made = 0; made < count; made++) {
      const logits = next === undefined ? await decoder.start(prompt) : await decoder.step(next);
      next = sampleToken(logits, random, sampling);
      yield next;
    }
  } finally {
    if (options.decoder === undefined) await decoder.dispose();
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
  const candidates = bestTokens(logits, topK);
  const best = candidates[0];
  if (best === undefined || !Number.isFinite(logits[best]!)) {
    throw unusable(best === undefined ? undefined : logits[best], logits.length);
  }
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

/** The `count` best tokens, the best first; of equal scores the smaller token first, so that the order never depends on the sort. */
function bestTokens(logits: ArrayLike<number>, count: number): number[] {
  const size = logits.length;
  const scores = new Float32Array(size);
  for (let token = 0; token < size; token++) scores[token] = logits[token]! + 0; // −0 becomes 0
  // Score and token as one number, since sorting numbers takes a quarter of the time of sorting by a comparison of ours. The
  // bits of positive floats are in the order of their values, those of negative ones in the reverse order.
  const bits = new Uint32Array(scores.buffer);
  const keys = new Float64Array(size);
  for (let token = 0; token < size; token++) {
    const ascending = bits[token]! < 0x80000000 ? bits[token]! + 0x80000000 : 0xffffffff - bits[token]!;
    keys[token] = (0xffffffff - ascending) * LARGEST_VOCABULARY + token;
  }
  keys.sort();
  return Array.from({ length: Math.min(count, size) }, (_, place) => keys[place]! % LARGEST_VOCABULARY);
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
