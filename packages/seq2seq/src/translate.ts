/** Text in, text out. */
import { SentenceDecoder, type DecodeOptions } from './decode.ts';
import type { Translator } from './model.ts';
import type { TextPair } from './text-pair.ts';

/** One text, translated. */
export interface Translation {
  readonly text: string;
  /** ln p / lp(length), by which hypotheses are ranked. */
  readonly score: number;
  /** Tokens of the translation, without start and end token. */
  readonly tokens: readonly number[];
}

/** How the translation of one sentence looked at its source. */
export interface Alignment {
  /** Source words in reading order, the end token last. */
  readonly source: string[];
  /** Target words, the end token last. */
  readonly target: string[];
  /** α: a row for each target word, with a weight for each source word. */
  readonly weights: Float32Array[];
}

/**
 * Translates texts, each of one sentence. The model must know its vocabularies (`fromPretrained` sets them).
 *
 * @param decoder to use again, so that nothing is compiled twice; default: one for this call
 * @returns one translation a text, in their order
 * @throws when a text is empty, or longer than the model's maximum
 */
export async function translate(
  model: Translator,
  texts: readonly string[],
  options: DecodeOptions = {},
  decoder?: SentenceDecoder,
): Promise<Translation[]> {
  const pair = textOf(model);
  const sources = texts.map((text, index) => encodeChecked(model, pair, text, index));
  const used = decoder ?? new SentenceDecoder(model);
  try {
    const found = await used.decode(sources, options);
    return found.map(([best]) => ({
      text: pair.target.decode(best!.tokens),
      score: best!.score,
      tokens: best!.tokens,
    }));
  } finally {
    if (decoder === undefined) await used.dispose();
  }
}

/**
 * Which source words each word of a translation looked at.
 *
 * @param translation what {@link translate} returned for `text`
 * @throws when the model has no attention
 */
export async function align(
  model: Translator,
  text: string,
  translation: Pick<Translation, 'tokens'>,
  decoder?: SentenceDecoder,
): Promise<Alignment> {
  const pair = textOf(model);
  const source = encodeChecked(model, pair, text, 0);
  const used = decoder ?? new SentenceDecoder(model);
  try {
    const weights = await used.alignments(source, translation.tokens);
    const word = (decode: (ids: number[]) => string, id: number): string => decode([id]) || '⏎';
    return {
      source: Array.from(source, (id) => word((ids) => pair.source.decode(ids), id)),
      target: [...Array.from(translation.tokens, (id) => word((ids) => pair.target.decode(ids), id)), '⏎'],
      weights,
    };
  } finally {
    if (decoder === undefined) await used.dispose();
  }
}

function encodeChecked(model: Translator, pair: TextPair, text: string, index: number): Int32Array {
  const { reverseSource, maximumLength } = model.config;
  const tokens = pair.encodeSource(text, reverseSource);
  if (tokens.length === 1) {
    throw new Error(`translate: text ${index + 1} is empty; give a sentence.`);
  }
  if (tokens.length > maximumLength) {
    throw new Error(
      `translate: text ${index + 1} has ${tokens.length} tokens, its end token included, and the model takes at most ` +
        `${maximumLength}; translate it sentence by sentence.`,
    );
  }
  return tokens;
}

function textOf(model: Translator): TextPair {
  if (model.text === undefined) {
    throw new Error('translate: this model has no vocabularies; set model.text, or use a SentenceDecoder.');
  }
  return model.text;
}
