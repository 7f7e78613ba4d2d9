/** Normalisation with statistics of the batch or from elsewhere. */
import { batchNorm, batchNormGradient, scaleChannels } from '../build/batch-norm.ts';
import { elementwise } from '../build/elementwise.ts';
import { kindFor } from '../build/layout.ts';
import { full } from '../build/shape.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

/** tfjs's `batchNorm`: (x − mean) · scale / √(variance + ε) + offset, with statistics that are given. */
const FusedBatchNorm: Kernel = (graph, { x, mean, variance, scale, offset }, { varianceEpsilon }) => {
  const epsilon = graph.scalar(varianceEpsilon ?? 0.001);
  const deviation = elementwise(graph, 'Sqrt', [elementwise(graph, 'Add', [variance!, epsilon])]);
  const inverse = elementwise(graph, 'Reciprocal', [deviation]);
  const factor = scale === undefined ? inverse : elementwise(graph, 'Mul', [scale, inverse]);
  const channels = x!.shape.at(-1)!;
  const isVector = [mean, variance, scale, offset].every((each) => each === undefined || each.size === channels);
  if (x!.shape.length === 4 && isVector && x!.size > 0 && kindFor(graph, channels) === 'blocked') {
    const level = elementwise(graph, 'Neg', [elementwise(graph, 'Mul', [mean!, factor])]);
    const summand = offset === undefined ? level : elementwise(graph, 'Add', [level, offset]);
    return scaleChannels(graph, x!, factor, summand);
  }
  const scaled = elementwise(graph, 'Mul', [elementwise(graph, 'Sub', [x!, mean!]), factor]);
  return offset === undefined ? scaled : elementwise(graph, 'Add', [scaled, offset]);
};

/**
 * x [..., C], weight [C], bias [C], attribute `epsilon` → y, and of the batch mean [C], variance [C] (biased) and
 * 1 / √(variance + ε) [C].
 */
const MilestonesBatchNorm: Kernel = (graph, { x, weight, bias }, { epsilon }) => {
  const channels = [x!.shape.at(-1)!];
  if (x!.size === 0)
    return [full(graph, x!.shape, 0, 'float32'), ...[0, 1, 2].map(() => full(graph, channels, NaN, 'float32'))];
  const { y, mean, variance, inverse } = batchNorm(graph, { x: x!, weight: weight!, bias: bias! }, epsilon);
  return [y, mean, variance, inverse];
};

/** dy, x, `inverse` of the forward kernel, weight → dx, dweight, dbias. */
const MilestonesBatchNormGradient: Kernel = (graph, { dy, x, inverse, weight }) => {
  if (x!.size === 0) return [x!, weight!, weight!].map(({ shape }) => full(graph, shape, 0, 'float32'));
  const { dx, dweight, dbias } = batchNormGradient(graph, { dy: dy!, x: x!, inverse: inverse!, weight: weight! });
  return [dx, dweight, dbias];
};

export const normalizationKernels: KernelFamily = { FusedBatchNorm, MilestonesBatchNorm, MilestonesBatchNormGradient };
