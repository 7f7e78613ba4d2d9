/** A network of all layers for images as one compiled training step on onnx, against the same step on cpu. */
import { describe, expect, it } from 'vitest';
import { compile, tf, type EngineName } from '@milestones/backend';
import {
  averagePool2d,
  BatchNorm,
  Convolution2D,
  crossEntropyLoss,
  Dense,
  globalAveragePool2d,
  localResponseNormalization,
  maxPool2d,
  Module,
  Random,
  relu,
  SGD,
  TransposedConvolution2D,
  valueAndGradients,
  WeightAverage,
} from '../../src/index.ts';
import { expectClose, withEngine } from '../../src/testing.ts';

/** With 16 and 32 channels, which the fast layout of onnx takes, or with 4 and 6, which it does not. */
class Network extends Module {
  readonly first: Convolution2D;
  readonly norm: BatchNorm;
  readonly grouped: Convolution2D;
  readonly dilated: Convolution2D;
  readonly enlarged: TransposedConvolution2D;
  readonly head: Dense;

  constructor(width: number, wide: number) {
    super();
    this.first = new Convolution2D({ inputChannels: 3, outputChannels: width, size: 3, padding: 1, bias: false });
    this.norm = new BatchNorm({ features: width });
    this.grouped = new Convolution2D({ inputChannels: width, outputChannels: wide, size: 5, padding: 2, groups: 2 });
    this.dilated = new Convolution2D({ inputChannels: wide, outputChannels: width, size: 3, padding: 2, dilation: 2 });
    this.enlarged = new TransposedConvolution2D({ inputChannels: width, outputChannels: width, size: 2, stride: 2 });
    this.head = new Dense(width, 4);
  }

  forward(images: tf.Tensor4D): tf.Tensor {
    let x = relu(this.norm.forward(this.first.forward(images))) as tf.Tensor4D;
    x = maxPool2d(localResponseNormalization(x, { alpha: 0.1 }), { size: 3, stride: 2, ceil: true });
    x = relu(this.grouped.forward(x)) as tf.Tensor4D;
    x = averagePool2d(localResponseNormalization(x, { size: 3, alpha: 0.1 }), { size: 3, stride: 2, ceil: true });
    x = this.enlarged.forward(relu(this.dilated.forward(x)) as tf.Tensor4D);
    x = averagePool2d(x, { size: 3, stride: 2, padding: 1 });
    return this.head.forward(globalAveragePool2d(x));
  }
}

async function train(engine: EngineName, widths: [number, number]): Promise<Record<string, number[]>> {
  return withEngine(engine, async () => {
    const model = new Network(...widths).initialize(1);
    const parameters = model.trainableParameters();
    const optimizer = new SGD({ momentum: 0.9 }).initialize(parameters);
    const average = new WeightAverage({ decay: 0.5 }).initialize(model.namedParameters());
    const x = tf.tensor(new Random(2).normalArray(6 * 11 * 10 * 3), [6, 11, 10, 3]) as tf.Tensor4D;
    const labels = tf.tensor([0, 1, 2, 3, 1, 0], [6], 'int32');
    const rate = tf.scalar(0.02);
    const step = compile((images: tf.Tensor4D, targets: tf.Tensor, learningRate: tf.Scalar) => {
      const loss = (): tf.Scalar =>
        crossEntropyLoss(model.forward(images), targets, { labelSmoothing: 0.1 }) as tf.Scalar;
      const { value, gradients } = valueAndGradients(loss, parameters);
      optimizer.update(parameters, gradients, learningRate);
      average.update(model.namedParameters());
      return { loss: value, ...gradients };
    });
    const found: Record<string, number[]> = { losses: [] };
    for (let index = 0; index < 4; index++) {
      const results = await step(x, labels, rate);
      for (const [name, tensor] of Object.entries(results)) {
        const values = Array.from(tensor!.dataSync());
        if (name === 'loss') found['losses']!.push(...values);
        else if (index === 0) found[`gradient of ${name}`] = values;
      }
      tf.dispose(results);
    }
    for (const [name, tensor] of Object.entries({ ...model.stateDict(), ...average.stateDict() })) {
      found[name] = Array.from(tensor.dataSync());
    }
    // Evaluation, with the averages in the model.
    average.swapIn(model.namedParameters());
    model.eval();
    const evaluate = compile((images: tf.Tensor4D) => model.forward(images));
    const logits = await evaluate(x);
    found['logits of the averages'] = Array.from(logits.dataSync());
    average.swapOut();
    await Promise.all([step.dispose(), evaluate.dispose()]);
    for (const each of [model, optimizer, average]) each.dispose();
    tf.dispose([x, labels, rate, logits]);
    return found;
  });
}

describe('a compiled step of image layers', () => {
  it.each([
    [16, 32],
    [4, 6],
  ] as [number, number][])('agrees with cpu: %d and %d channels', async (...widths) => {
    const expected = await train('cpu', widths);
    const found = await train('onnx', widths);
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    expect(expected['losses']!.at(-1)).toBeLessThan(expected['losses']![0]!);
    for (const [what, values] of Object.entries(expected)) expectClose(found[what]!, values, 2e-5, what);
  });
});
