/** Models as ONNX files: run by onnxruntime-node as another program would, and compared with the model itself. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf } from '@milestones/backend';
import { Dense, Embedding, gelu, LayerNorm, Module, MultiHeadAttention, relu, softmax } from '../src/index.ts';
import { exportOnnx } from '../src/node.ts';
import { withEngine } from '../src/testing.ts';

interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

// The compiler's package, where it is optional: were it named here as well, it no longer would be.
const ort = createRequire(new URL('../../jit/package.json', import.meta.url))('onnxruntime-node') as {
  InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<Session> };
  Tensor: new (dtype: string, data: ArrayLike<number>, shape: readonly number[]) => Tensor;
};

const LENGTH = 6;
const FEATURES = 8;
const VOCABULARY = 11;

class Perceptron extends Module {
  readonly hidden = new Dense(5, 16);
  readonly output = new Dense(16, 3);

  forward(x: tf.Tensor): tf.Tensor {
    return softmax(this.output.forward(relu(this.hidden.forward(x))));
  }
}

class Block extends Module {
  readonly attentionNorm = new LayerNorm(FEATURES);
  readonly attention = new MultiHeadAttention({ features: FEATURES, heads: 2, causal: true });
  readonly feedForwardNorm = new LayerNorm(FEATURES);
  readonly inner = new Dense(FEATURES, 4 * FEATURES);
  readonly outer = new Dense(4 * FEATURES, FEATURES);

  forward(x: tf.Tensor): tf.Tensor {
    const attended = tf.add(x, this.attention.forward(this.attentionNorm.forward(x)));
    return tf.add(attended, this.outer.forward(gelu(this.inner.forward(this.feedForwardNorm.forward(attended)))));
  }
}

/** A decoder as GPT's: embeddings of tokens and positions, blocks, and the tokens' embedding as the head. */
class Decoder extends Module {
  readonly tokens = new Embedding(VOCABULARY, FEATURES);
  readonly positions = new Embedding(LENGTH, FEATURES);
  readonly blocks = [new Block(), new Block()];
  readonly norm = new LayerNorm(FEATURES);

  forward(ids: tf.Tensor): tf.Tensor {
    let x = tf.add(this.tokens.forward(ids), this.positions.weight.value);
    for (const block of this.blocks) x = block.forward(x);
    const rows = tf.reshape(this.norm.forward(x), [-1, FEATURES]) as tf.Tensor2D;
    const logits = tf.matMul(rows, this.tokens.weight.value as tf.Tensor as tf.Tensor2D, false, true);
    return tf.reshape(logits, [-1, LENGTH, VOCABULARY]);
  }
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'export-onnx-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function checkFile(
  file: string,
  model: { forward(x: tf.Tensor): tf.Tensor },
  makeInput: MakeInput,
): Promise<void> {
  const bytes = await readFile(file);
  expect(bytes.includes('com.microsoft')).toBe(false);
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  for (const batch of [1, 2, 3, 7]) {
    const input = makeInput(batch);
    const wanted = tf.tidy(() => model.forward(input));
    const tensor = new ort.Tensor(input.dtype, input.dataSync(), input.shape);
    const { output } = await session.run({ [session.inputNames[0]!]: tensor });
    expect(output!.dims).toEqual(wanted.shape);
    const values = wanted.dataSync();
    const worst = Math.max(...Array.from(output!.data, (number, at) => Math.abs(number - values[at]!)));
    expect(worst).toBeLessThan(1e-5);
    tf.dispose([input, wanted]);
  }
  await session.release();
}

type MakeInput = (batch: number) => tf.Tensor;

const idsOf: MakeInput = (batch) => {
  const ids = Int32Array.from({ length: batch * LENGTH }, (_, index) => (index * 7 + 3) % VOCABULARY);
  return tf.tensor(ids, [batch, LENGTH], 'int32');
};

describe('exportOnnx', () => {
  it.each(['cpu', 'onnx'] as const)('writes a perceptron and a decoder on the engine %s', async (engine) => {
    await withEngine(engine, async () => {
      const perceptron = new Perceptron().initialize(1).eval();
      const image = path.join(folder, engine, 'perceptron.onnx');
      await exportOnnx(perceptron, { x: { shape: ['batch', 5], dtype: 'float32' } }, image);
      await checkFile(image, perceptron, (batch) => tf.sin(tf.range(0, batch * 5)).reshape([batch, 5]));

      const decoder = new Decoder().initialize(2).eval();
      const text = path.join(folder, engine, 'decoder.onnx');
      const before = tf.memory().numTensors;
      await exportOnnx(decoder, { ids: { shape: ['batch', LENGTH], dtype: 'int32' } }, text, {
        metadata: { licence: 'MIT' },
      });
      expect(tf.memory().numTensors).toBe(before);
      await checkFile(text, decoder, idsOf);
      const bytes = await readFile(text);
      for (const name of ['blocks.1.attention.query.weight', 'tokens.weight', 'licence', 'ir_version']) {
        expect(bytes.includes(name)).toBe(true);
      }
      perceptron.dispose();
      decoder.dispose();
    });
  });

  it('writes a function of several inputs', async () => {
    await withEngine('cpu', async () => {
      const model = new Perceptron().initialize(1).eval();
      const file = path.join(folder, 'function.onnx');
      const run = ({ x, shift }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({
        classes: model.forward(tf.add(x!, shift!)),
      });
      const inputs = {
        x: { shape: ['batch', 5], dtype: 'float32' },
        shift: { shape: [5], dtype: 'float32' },
      } as const;
      await exportOnnx(run, inputs, file, { parameters: model });
      const session = await ort.InferenceSession.create(await readFile(file));
      expect([session.inputNames, session.outputNames]).toEqual([['x', 'shift'], ['classes']]);
      await session.release();
      model.dispose();
    });
  });

  it('leaves no file where a model cannot be exported', async () => {
    await withEngine('cpu', async () => {
      const model = new Perceptron().initialize(1);
      const place = path.join(folder, 'refused');
      const file = path.join(place, 'model.onnx');
      const inputs = { x: { shape: ['batch', 5], dtype: 'float32' } } as const;
      await expect(exportOnnx(model, inputs, file)).rejects.toThrow('in training mode; call model.eval()');
      const square = ({ x }: Record<string, tf.Tensor>): tf.Tensor => tf.matMul(x!, x!, false, true).flatten();
      await expect(exportOnnx(square, inputs, file)).rejects.toThrow("cannot have a dynamic 'batch'");
      await expect(readdir(place)).rejects.toThrow('ENOENT');
      model.dispose();
    });
  });
});
