import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator, type Dtype } from './against-cpu.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

const tolerance = { absolute: 1e-5, relative: 1e-5 };

describe('products of matrices', () => {
  it("are cpu's, transposed or not, in batches", async () => {
    const random = new Generator(31);
    const comparison = new Comparison();
    for (let round = 0; round < 80; round++) {
      const [rows, inner, columns] = random.shape(3) as [number, number, number];
      const batch = random.shape(random.integer(0, 2), round % 5 === 0);
      const transposeA = random.uniform() < 0.5;
      const transposeB = random.uniform() < 0.5;
      const dtype: Dtype = random.uniform() < 0.2 ? 'int32' : 'float32';
      // One matrix for all of the other side's is what the cpu engine broadcasts rightly.
      const single = batch.map(() => 1);
      const which = batch.includes(0) ? 3 : random.integer(0, 3);
      const a = [...(which === 0 ? single : batch), ...(transposeA ? [inner, rows] : [rows, inner])];
      const b = [...(which === 1 ? single : batch), ...(transposeB ? [columns, inner] : [inner, columns])];
      const operands = { a: random.operand(a, dtype), b: random.operand(b, dtype) };
      comparison.add('BatchMatMul', operands, { transposeA, transposeB }, tolerance);
    }
    await expectSameAsCpu(comparison);
  });

  it('take a bias and an activation', async () => {
    const random = new Generator(32);
    const comparison = new Comparison();
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu']) {
      const operands = {
        a: random.operand([2, 3, 5]),
        b: random.operand([2, 5, 4]),
        bias: random.operand([4]),
        ...(activation === 'prelu' ? { preluActivationWeights: random.operand([1, 4]) } : {}),
      };
      const attributes = { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.1 };
      comparison.add('_FusedMatMul', operands, attributes, tolerance);
    }
    await expectSameAsCpu(comparison);
  });

  it('follow an equation', async () => {
    const random = new Generator(33);
    const comparison = new Comparison();
    const add = (equation: string, ...shapes: number[][]): void => {
      const operands = Object.fromEntries(shapes.map((shape, index) => [index, random.operand(shape)]));
      comparison.add('Einsum', operands, { equation }, tolerance);
    };
    add('ij,jk->ik', [2, 3], [3, 4]);
    add('bij,bjk->bki', [2, 3, 4], [2, 4, 5]);
    add('ij->j', [3, 4]);
    add('i,j->ij', [3], [4]);
    add('btnd, bsnd -> bnts', [2, 3, 2, 4], [2, 5, 2, 4]);
    await expectSameAsCpu(comparison);
  });
});
