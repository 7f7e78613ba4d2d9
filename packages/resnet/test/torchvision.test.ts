import { readFileSync } from 'node:fs';
import { compile, tf, useBackend } from '@milestones/backend';
import { dataToTensors, transposeTensorData, type TensorData } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { importTorchvision, ResNet, resnetConfig, type ResNetSize } from '../src/index.ts';
import { formulaImage, formulaTensor } from '../../core/test/formula-weights.ts';

interface Reference {
  size: number;
  weights: number;
  sums: Record<string, number>;
  logits: number[];
}

const references = JSON.parse(readFileSync(new URL('./fixtures/torchvision.json', import.meta.url), 'utf8')) as Record<
  'resnet18' | 'resnet50',
  Reference
>;

/** torchvision's names and shapes for a network, with the formula's values. */
function torchvisionWeights(size: ResNetSize): Record<string, TensorData> {
  const model = new ResNet({ ...resnetConfig(size), bottleneckStride: 'middle' });
  const tensors: Record<string, TensorData> = {};
  const stages: { stage: number; index: number }[] = [];
  let stage = 0;
  let width = 0;
  for (const block of model.blocks) {
    const channels = block.layers.at(-1)!.convolution.outputChannels;
    if (channels !== width) stage++;
    stages.push({ stage, index: channels === width ? stages.at(-1)!.index + 1 : 0 });
    width = channels;
  }
  for (const [path, { shape }] of model.namedParameters()) {
    const end = path
      .replace(/norm\.scale$/, 'weight')
      .replace(/norm\.shift$/, 'bias')
      .replace(/norm\.runningMean$/, 'running_mean')
      .replace(/norm\.runningVariance$/, 'running_var')
      .replace(/convolution\.weight$/, 'weight');
    const kind = path.includes('norm') ? 'bn' : 'conv';
    const name = end
      .replace(/^stem\./, `${kind}1.`)
      .replace(/^head\./, 'fc.')
      .replace(/^blocks\.(\d+)\./, (_, block: string) => {
        const at = stages[Number(block)]!;
        return `layer${at.stage}.${at.index}.`;
      })
      .replace(/projection\./, `downsample.${kind === 'conv' ? 0 : 1}.`)
      .replace(/layers\.(\d)\./, (_, layer: string) => `${kind}${Number(layer) + 1}.`);
    const theirs = shape.length === 4 ? [3, 2, 0, 1].map((axis) => shape[axis]!) : [...shape].reverse();
    tensors[name] = formulaTensor(name, theirs, 6);
    if (name.endsWith('running_var')) {
      const counter = name.replace('running_var', 'num_batches_tracked');
      tensors[counter] = { dtype: 'int64', shape: [], data: BigInt64Array.of(5n) };
    }
  }
  return tensors;
}

describe.each([
  ['resnet18', 'imagenet-18'],
  ['resnet50', 'imagenet-50'],
] as const)('%s with weights under torchvision’s names', (name, size) => {
  const reference = references[name];
  let tensors: Record<string, TensorData>;

  beforeAll(async () => {
    await useBackend('onnx');
    tensors = torchvisionWeights(size);
  });

  it('starts from the very numbers that the reference had', () => {
    for (const [tensor, sum] of Object.entries(reference.sums)) {
      const total = (tensors[tensor]!.data as Float32Array).reduce((so, value) => so + value, 0);
      expect(total, tensor).toBeCloseTo(sum, 3);
    }
  });

  it('gives torchvision’s logits to 1e-4', async () => {
    const imported = importTorchvision(tensors);
    expect(imported.config).toEqual(resnetConfig({ ...resnetConfig(size), bottleneckStride: 'middle' }));
    const model = new ResNet(imported.config);
    expect(model.parameterCount()).toBe(reference.weights);
    const state = dataToTensors(imported.tensors);
    model.loadStateDict(state);
    tf.dispose(state);
    model.eval();
    const image = dataToTensors({ image: formulaImage(reference.size) })['image'] as tf.Tensor4D;
    const forward = compile((x: tf.Tensor4D) => model.forward(x));
    const logits = await forward(image);
    const values = await logits.data();
    expect(values.length).toBe(1000);
    const worst = reference.logits.reduce((most, value, index) => Math.max(most, Math.abs(value - values[index]!)), 0);
    expect(worst).toBeLessThan(1e-4);
    await forward.dispose();
    tf.dispose([image, logits]);
    model.dispose();
  });
});

describe('importTorchvision', () => {
  it('names what is no ResNet of the paper', () => {
    const tensors = torchvisionWeights('imagenet-18');
    const { 'fc.weight': _, ...headless } = tensors;
    expect(() => importTorchvision(headless)).toThrow('2-2-2-2 basic blocks arrived without fc.weight');
    expect(() => importTorchvision({ ...tensors, 'layer9.0.conv1.weight': tensors['fc.bias']! })).toThrow(
      "no place for the tensor 'layer9.0.conv1.weight'",
    );
  });
});

describe('transposeTensorData', () => {
  it('puts axes in another order, as tf.transpose does', () => {
    const data = Float32Array.from({ length: 24 }, (_, index) => index);
    const tensor = { dtype: 'float32', shape: [2, 3, 4], data } as const satisfies TensorData;
    const turned = transposeTensorData({ ...tensor, shape: [2, 3, 4] }, [2, 0, 1]);
    expect(turned.shape).toEqual([4, 2, 3]);
    expect(turned.data).toEqual(tf.transpose(tf.tensor(data, [2, 3, 4]), [2, 0, 1]).dataSync());
    expect(() => transposeTensorData({ ...tensor, shape: [2, 3, 4] }, [0, 0, 1])).toThrow(
      'give each of its 3 axes once',
    );
  });
});
