/**
 * What a translation looked at: the weights of every head, as drawn at the end of Vaswani et al. 2017.
 *
 * Dimensions: B batch (1 here), S source time, T target time, C features, N heads.
 */
import { tf } from '@milestones/backend';
import { attentionPicture, type AttentionPanel, type MultiHeadAttention } from '@milestones/core';
import { specialTokens } from '@milestones/datasets';
import type { Transformer } from './model.ts';
import { sourceTokens } from './translate.ts';

/** The weights of one head: a row for each position that looks, with a weight for each that is looked at. */
export type AttentionMap = Float32Array[];

/** All heads of a translation. */
export interface AttentionMaps {
  /** Source words in order, the end token last. */
  readonly source: string[];
  /** Target words in order, the end token last. */
  readonly target: string[];
  /** By layer and head: source on source. */
  readonly encoder: AttentionMap[][];
  /** By layer and head: target on source. Row t is where the model looked when it wrote word t. */
  readonly cross: AttentionMap[][];
}

/**
 * The weights of all heads while a model reads `sentence` and writes `translation`; not compiled, for one sentence.
 *
 * @param translation text, such as `translate` returned; any other shows where the model would look
 * @throws when the model has no tokenizers, or a sentence is empty
 */
export async function attentionMaps(model: Transformer, sentence: string, translation: string): Promise<AttentionMaps> {
  const { tokenizers } = model;
  if (tokenizers === undefined) {
    throw new Error('attentionMaps: this model has no tokenizers; set model.tokenizers, or use fromPretrained.');
  }
  const source = sourceTokens(tokenizers.source.encode(sentence));
  const target = Array.from(tokenizers.target.encode(translation));
  if (source.length === 1) throw new Error('attentionMaps: the sentence is empty; give some text.');
  const wasTraining = model.training;
  model.eval();
  const { encoder, cross } = tf.tidy(() => record(model, source, Int32Array.from([specialTokens.start, ...target])));
  if (wasTraining) model.train();
  const word = (side: 'source' | 'target', id: number): string => tokenizers[side].decode([id]) || '⏎';
  try {
    return {
      source: Array.from(source, (id) => word('source', id)),
      target: [...target.map((id) => word('target', id)), '⏎'],
      encoder: await Promise.all(encoder.map(headsOf)),
      cross: await Promise.all(cross.map(headsOf)),
    };
  } finally {
    tf.dispose([...encoder, ...cross]);
  }
}

/**
 * Three heads side by side: the mean over the heads of the last decoder layer, its sharpest head, and the sharpest head of
 * the last encoder layer.
 *
 * @returns an SVG document
 */
export function translationPicture({ source, target, encoder, cross }: AttentionMaps): string {
  const [decoderHeads, encoderHeads] = [cross.at(-1)!, encoder.at(-1)!];
  const [decoderHead, encoderHead] = [sharpest(decoderHeads), sharpest(encoderHeads)];
  const panels: AttentionPanel[] = [
    {
      title: `decoder layer ${cross.length}, mean of ${decoderHeads.length} heads`,
      source,
      target,
      weights: meanOf(decoderHeads),
    },
    {
      title: `decoder layer ${cross.length}, head ${decoderHead + 1}`,
      source,
      target,
      weights: decoderHeads[decoderHead]!,
    },
    {
      title: `encoder layer ${encoder.length}, head ${encoderHead + 1}`,
      source,
      target: source,
      weights: encoderHeads[encoderHead]!,
    },
  ];
  return attentionPicture(panels);
}

/** The model's own forward pass, with the weights of each attention beside it, [1, N, S or T, S] of each layer. */
function record(model: Transformer, source: Int32Array, target: Int32Array): Record<'encoder' | 'cross', tf.Tensor[]> {
  const encoder: tf.Tensor[] = [];
  const cross: tf.Tensor[] = [];
  const keep = (to: tf.Tensor[], attention: MultiHeadAttention, x: tf.Tensor, memory: tf.Tensor): void => {
    to.push(attention.weights(x, attention.keysAndValues(memory).keys));
  };
  let x = model.sourceEmbedding.forward(tf.tensor2d(source, [1, source.length], 'int32'));
  for (const layer of model.encoder) {
    layer.attentionResidual.forward(x, (h) => {
      keep(encoder, layer.attention, h, h);
      return h;
    });
    x = layer.forward(x);
  }
  const memory = model.encoderNorm === undefined ? x : model.encoderNorm.forward(x); // [1, S, C]
  let y = model.targetEmbedding.forward(tf.tensor2d(target, [1, target.length], 'int32'));
  for (const layer of model.decoder) {
    y = layer.compose(
      y,
      (h) => layer.attention.forward(h),
      (h) => {
        keep(cross, layer.crossAttention, h, memory);
        return layer.crossAttention.forward(h, { memory });
      },
    );
  }
  return { encoder, cross };
}

/** [1, N, T, S] as rows of each head. */
async function headsOf(weights: tf.Tensor): Promise<AttentionMap[]> {
  const [, N, T, S] = weights.shape as [number, number, number, number];
  const values = (await weights.data()) as Float32Array;
  return Array.from({ length: N }, (_, head) =>
    Array.from({ length: T }, (__, row) => values.slice((head * T + row) * S, (head * T + row + 1) * S)),
  );
}

function meanOf(heads: readonly AttentionMap[]): AttentionMap {
  return heads[0]!.map((row, index) =>
    row.map((_, column) => heads.reduce((sum, head) => sum + head[index]![column]!, 0) / heads.length),
  );
}

/** The head whose rows put most on one word, on average. */
function sharpest(heads: readonly AttentionMap[]): number {
  const sharpness = heads.map((rows) => rows.reduce((sum, row) => sum + Math.max(...row), 0));
  return sharpness.indexOf(Math.max(...sharpness));
}
