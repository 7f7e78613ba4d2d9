/** Using a trained model: the class of a text, and the words for a gap. */
import { tf } from '@milestones/backend';
import type { WordPieceTokenizer } from '@milestones/datasets';
import type { BertClassifier, BertForPretraining, BertInput } from './model.ts';

/** A class and how likely it is. */
export interface ClassGuess {
  name: string;
  probability: number;
}

/** A word for a gap and how likely it is. */
export interface WordGuess {
  word: string;
  probability: number;
}

/**
 * The classes of a text (or of a pair), the most likely first. Text beyond the model's longest sequence is cut at its end.
 *
 * @param second the other text of a pair, for models that were tuned on pairs
 */
export async function classify(model: BertClassifier, text: string, second?: string): Promise<ClassGuess[]> {
  const { ids, segments } = tokenizerOf('classify', model).frame(text, second, {
    maximumLength: model.config.contextLength,
  });
  const probabilities = tf.tidy(() => tf.softmax(evaluating(model, () => model.forward(rowOf(ids, segments)))));
  const values = await probabilities.data<'float32'>();
  probabilities.dispose();
  return model.classNames
    .map((name, index) => ({ name, probability: values[index]! }))
    .toSorted((a, b) => b.probability - a.probability);
}

/**
 * The likeliest words for each `[MASK]` of a text.
 *
 * @param count how many words for each gap. Default 5
 * @returns one list for each `[MASK]`, in order; words that begin with `##` continue the word before them
 * @throws when the text has no `[MASK]`, or it is cut off because the text is too long
 */
export async function fillMask(model: BertForPretraining, text: string, count = 5): Promise<WordGuess[][]> {
  const tokenizer = tokenizerOf('fillMask', model);
  const { ids, segments } = tokenizer.frame(text, undefined, {
    maximumLength: model.config.contextLength,
    specialTokens: 'token',
  });
  const places = [...ids.keys()].filter((place) => ids[place] === tokenizer.special.mask);
  if (places.length === 0) {
    throw new Error(
      `fillMask: there is no [MASK] among the first ${ids.length} tokens of the text; write one where a word is missing: ` +
        '"Paris is the [MASK] of France."',
    );
  }
  const probabilities = tf.tidy(() =>
    evaluating(model, () => {
      const encoded = model.bert.forward(rowOf(ids, segments)); // [1, T, C]
      return tf.softmax(model.wordLogits(encoded, tf.tensor1d(places, 'int32'))); // [M, V]
    }),
  );
  const [, vocabulary] = probabilities.shape as [number, number];
  const values = await probabilities.data<'float32'>();
  probabilities.dispose();
  return places.map((_place, gap) => {
    const row = values.subarray(gap * vocabulary, (gap + 1) * vocabulary);
    const order = [...row.keys()]
      .filter((id) => id < tokenizer.vocabularySize)
      .sort((a, b) => row[b]! - row[a]! || a - b);
    return order.slice(0, count).map((id) => ({ word: tokenizer.token(id), probability: row[id]! }));
  });
}

function rowOf(ids: Int32Array, segments: Int32Array): BertInput {
  return {
    tokens: tf.tensor2d(ids, [1, ids.length], 'int32'),
    segments: tf.tensor2d(segments, [1, ids.length], 'int32'),
  };
}

function evaluating<T>(model: BertClassifier | BertForPretraining, run: () => T): T {
  const wasTraining = model.training;
  model.eval();
  try {
    return run();
  } finally {
    if (wasTraining) model.train();
  }
}

function tokenizerOf(where: string, { tokenizer }: BertClassifier | BertForPretraining): WordPieceTokenizer {
  if (tokenizer !== undefined) return tokenizer;
  throw new Error(`${where}: this model has no tokenizer; set model.tokenizer, or put vocab.txt into its folder.`);
}
