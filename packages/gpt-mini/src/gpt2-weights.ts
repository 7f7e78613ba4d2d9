/**
 * GPT-2 as the Hugging Face hub has it: `config.json` with GPT-2's own names, and weights such as
 * `transformer.h.0.attn.c_attn.weight`. Its "Conv1D" weights are [in, out] as ours are, so nothing is transposed; query, key
 * and value are one matrix.
 */
import {
  exportTensors,
  importTensors,
  type TensorData,
  type TensorPlace,
  completeConfig,
  describeIssues,
  fraction,
  positiveInteger,
  wholeNumber,
} from '@milestones/core';
import * as v from 'valibot';
import { gptConfigSchema, type GptConfig } from './config.ts';

const activations = { gelu_new: 'geluTanh', gelu_pytorch_tanh: 'geluTanh', gelu: 'gelu', relu: 'relu' } as const;

// What changes the numbers and is not listed here must have GPT-2's value; what is not known at all is passed over.
const gpt2Schema = v.object({
  model_type: v.literal('gpt2'),
  vocab_size: v.optional(positiveInteger, 50257),
  n_positions: v.optional(positiveInteger, 1024),
  n_embd: v.optional(positiveInteger, 768),
  n_layer: v.optional(positiveInteger, 12),
  n_head: v.optional(positiveInteger, 12),
  n_inner: v.nullish(wholeNumber),
  activation_function: v.optional(v.picklist(['gelu_new', 'gelu_pytorch_tanh', 'gelu', 'relu']), 'gelu_new'),
  layer_norm_epsilon: v.optional(v.literal(1e-5), 1e-5),
  resid_pdrop: v.optional(fraction, 0.1),
  scale_attn_weights: v.optional(v.literal(true), true),
  scale_attn_by_inverse_layer_idx: v.optional(v.literal(false), false),
  add_cross_attention: v.optional(v.literal(false), false),
  tie_word_embeddings: v.optional(v.boolean(), true),
});

/** Whether a `config.json` is of a GPT-2 model. */
export function isGpt2(config: Readonly<Record<string, unknown>>): boolean {
  return config['model_type'] === 'gpt2';
}

/**
 * The architecture that a `config.json` of the hub describes.
 *
 * @throws when it is of another kind of model, or has something that GPT-2 had not
 */
export function configFromGpt2(source: string, config: unknown): GptConfig {
  const parsed = v.safeParse(gpt2Schema, config);
  if (!parsed.success) {
    throw new Error(
      `Gpt.fromPretrained: config.json of '${source}' is not one that can be read here (${describeIssues(parsed.issues)}); ` +
        'give the folder of a GPT-2 model.',
    );
  }
  const { n_embd: features, n_inner: inner, ...saved } = parsed.output;
  if (typeof inner === 'number' && inner !== 4 * features) {
    throw new Error(
      `Gpt.fromPretrained: config.json of '${source}' has feed-forward layers of ${inner}; only 4 · ${features} are supported.`,
    );
  }
  return completeConfig(`Gpt.fromPretrained: config.json of '${source}'`, gptConfigSchema, {
    vocabularySize: saved.vocab_size,
    contextLength: saved.n_positions,
    features,
    layers: saved.n_layer,
    heads: saved.n_head,
    activation: activations[saved.activation_function],
    tieWeights: saved.tie_word_embeddings,
    dropout: saved.resid_pdrop,
  });
}

/**
 * The `config.json` of a model as other frameworks read it.
 *
 * @throws when the model is none that GPT-2's configuration can describe
 */
export function configToGpt2(config: GptConfig): Record<string, unknown> {
  const own = (['bias', 'attentionBias'] as const).filter((name) => !config[name]);
  if (own.length > 0 || config.headBias || config.attentionScale !== 'headSize') {
    throw new Error(
      'savePretrained: GPT-2’s layout has biases everywhere but in the output layer, and scores divided by the root of the head ' +
        "size; this model differs. Save it with layout: 'milestones'.",
    );
  }
  const written = { geluTanh: 'gelu_new', gelu: 'gelu', relu: 'relu' } as const;
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: config.vocabularySize,
    n_positions: config.contextLength,
    n_ctx: config.contextLength,
    n_embd: config.features,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: null,
    activation_function: written[config.activation],
    layer_norm_epsilon: 1e-5,
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: config.dropout,
    initializer_range: 0.02,
    tie_word_embeddings: config.tieWeights,
  };
}

/** A file's tensors as the parameters of {@link configFromGpt2}'s model. @throws naming what does not fit */
export function importGpt2(
  source: string,
  tensors: Readonly<Record<string, TensorData>>,
  config: GptConfig,
): Record<string, TensorData> {
  const plain: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const short = name.replace(/^transformer\./, '');
    // Masks, which are no weights; and the output layer, which old files repeat though it is the token embedding.
    if (/^h\.\d+\.attn\.(bias|masked_bias)$/.test(short) || (config.tieWeights && short === 'lm_head.weight')) continue;
    plain[short] = tensor;
  }
  return importTensors(`Gpt.fromPretrained: '${source}'`, plain, gpt2Places(config));
}

/** A model's parameters as the tensors of a file. */
export function exportGpt2(state: Readonly<Record<string, TensorData>>, config: GptConfig): Record<string, TensorData> {
  const tensors = exportTensors(state, gpt2Places(config));
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name === 'lm_head.weight' ? name : `transformer.${name}`, tensor]),
  );
}

/** Where each parameter is, by path; names without the prefix `transformer.`. */
function gpt2Places({
  vocabularySize,
  contextLength,
  features: C,
  layers,
  tieWeights,
}: GptConfig): Map<string, TensorPlace> {
  const places = new Map<string, TensorPlace>([
    ['tokenEmbedding.weight', { name: 'wte.weight', shape: [vocabularySize, C] }],
    ['positionEmbedding.weight', { name: 'wpe.weight', shape: [contextLength, C] }],
  ]);
  const dense = (path: string, name: string, from: number, to: number, part?: TensorPlace['part']): void => {
    places.set(`${path}.weight`, { name: `${name}.weight`, shape: [from, to], ...(part && { part }) });
    places.set(`${path}.bias`, { name: `${name}.bias`, shape: [to], ...(part && { part }) });
  };
  const norm = (path: string, name: string): void => {
    for (const kind of ['weight', 'bias']) places.set(`${path}.${kind}`, { name: `${name}.${kind}`, shape: [C] });
  };
  for (let layer = 0; layer < layers; layer++) {
    const [path, name] = [`blocks.${layer}`, `h.${layer}`];
    norm(`${path}.attentionNorm`, `${name}.ln_1`);
    ['query', 'key', 'value'].forEach((kind, index) => {
      dense(`${path}.attention.${kind}`, `${name}.attn.c_attn`, C, C, { index, of: 3 });
    });
    dense(`${path}.attention.output`, `${name}.attn.c_proj`, C, C);
    norm(`${path}.feedForwardNorm`, `${name}.ln_2`);
    dense(`${path}.feedForward.expand`, `${name}.mlp.c_fc`, C, 4 * C);
    dense(`${path}.feedForward.contract`, `${name}.mlp.c_proj`, 4 * C, C);
  }
  norm('finalNorm', 'ln_f');
  if (!tieWeights) {
    places.set('head.weight', { name: 'lm_head.weight', shape: [C, vocabularySize], transposed: true });
  }
  return places;
}
