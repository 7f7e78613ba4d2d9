/**
 * What an engine may compute in one piece, against the composed form: a whole training step, compiled on the engine onnx
 * and run eagerly on cpu, which has no such kernels.
 */
import { describe, expect, it } from 'vitest';
import { compile, hasKernel, tf } from '@milestones/backend';
import {
  Adam,
  AdamW,
  batchNorm,
  crossEntropyLoss,
  decayMatrices,
  Dense,
  gelu,
  LayerNorm,
  Module,
  ones,
  Parameter,
  Random,
  valueAndGradients,
  zeros,
  type Optimizer,
} from '../src/index.ts';
import { expectClose, withEngine } from '../src/testing.ts';

class Network extends Module {
  readonly norm: LayerNorm;
  readonly hidden = new Dense(6, 10);
  readonly head = new Dense(10, 5);
  readonly weight = new Parameter([10], ones());
  readonly bias = new Parameter([10], zeros());
  readonly runningMean = new Parameter([10], zeros(), { trainable: false });
  readonly runningVariance = new Parameter([10], ones(), { trainable: false });

  constructor(bias: boolean) {
    super();
    this.norm = new LayerNorm(6, { bias });
  }

  forward(x: tf.Tensor): tf.Tensor {
    const hidden = gelu(this.hidden.forward(this.norm.forward(x)));
    const normalised = batchNorm(hidden, this.weight.value, this.bias.value, {
      observe: ({ mean, variance }) => {
        this.runningMean.value.assign(tf.add(tf.mul(this.runningMean.value, 0.9), tf.mul(mean, 0.1)));
        this.runningVariance.value.assign(tf.add(tf.mul(this.runningVariance.value, 0.9), tf.mul(variance, 0.1)));
      },
    });
    return this.head.forward(normalised);
  }
}

interface Case {
  bias?: boolean;
  ignoreIndex?: number;
  labels?: number[];
  optimizer: () => Optimizer;
}

// With the usual 1e-8, Adam turns the rounding of a gradient that is nearly 0 into a whole step.
const epsilon = 1e-3;

const CASES: Record<string, Case> = {
  Adam: { optimizer: () => new Adam({ epsilon }) },
  'Adam with decay': { optimizer: () => new Adam({ epsilon, weightDecay: 0.1, biasCorrection: false }) },
  'AdamW on matrices': { optimizer: () => new AdamW({ epsilon, weightDecay: 0.1, decay: decayMatrices }), bias: false },
  'ignored labels': { optimizer: () => new AdamW({ epsilon }), ignoreIndex: -100, labels: [4, -100, 0, 2] },
};

/** Losses, gradients of the first step, and parameters at the end. */
async function train({ bias = true, ignoreIndex, labels, optimizer }: Case): Promise<Record<string, number[]>> {
  const model = new Network(bias).initialize(1);
  const parameters = model.trainableParameters();
  const adam = optimizer().initialize(parameters);
  const random = new Random(2);
  const x = tf.tensor(random.normalArray(4 * 6), [4, 6]);
  const y = tf.tensor(labels ?? [3, 1, 0, 4], [4], 'int32');
  const rate = tf.scalar(0.05);
  const step = compile((input: tf.Tensor, target: tf.Tensor, learningRate: tf.Tensor) => {
    const { value, gradients } = valueAndGradients(
      () => crossEntropyLoss(model.forward(input), target, ignoreIndex === undefined ? {} : { ignoreIndex }),
      parameters,
    );
    adam.update(parameters, gradients, learningRate as tf.Scalar);
    return { loss: value, ...gradients };
  });
  const found: Record<string, number[]> = { losses: [] };
  for (let index = 0; index < 10; index++) {
    const results = await step(x, y, rate);
    for (const [name, tensor] of Object.entries(results)) {
      const values = Array.from(tensor!.dataSync());
      if (name === 'loss') found['losses']!.push(...values);
      else if (index === 0) found[`gradient of ${name}`] = values;
    }
    tf.dispose(results);
  }
  for (const [name, tensor] of Object.entries({ ...model.stateDict(), ...adam.stateDict() })) {
    found[name] = Array.from(tensor.dataSync());
  }
  await step.dispose();
  adam.dispose();
  model.dispose();
  tf.dispose([x, y, rate]);
  return found;
}

describe('a compiled step with fused operations', () => {
  it('meets both forms', async () => {
    expect(await withEngine('onnx', () => hasKernel('MilestonesLayerNorm'))).toBe(true);
    expect(await withEngine('cpu', () => hasKernel('MilestonesLayerNorm'))).toBe(false);
  });

  it.each(Object.keys(CASES))('agrees with the composed step: %s', async (name) => {
    const composed = await withEngine('cpu', () => train(CASES[name]!));
    const fused = await withEngine('onnx', () => train(CASES[name]!));
    expect(Object.keys(fused)).toEqual(Object.keys(composed));
    expect(composed['losses']!.at(-1)).toBeLessThan(composed['losses']![0]!);
    for (const [what, values] of Object.entries(composed)) {
      expectClose(fused[what]!, values, what.startsWith('gradient') ? 2e-6 : 2e-5, what);
    }
    expectClose(fused['losses']!.slice(0, 2), composed['losses']!.slice(0, 2), 2e-6, 'the first losses');
  });
});
