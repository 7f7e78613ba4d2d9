import { beforeAll, describe, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { between, expectAgreement, expectGradient, integers, nextUniform, numbers, prepareEngines } from './engines.ts';

beforeAll(prepareEngines);

describe('gradients of comparisons and extremes', () => {
  it('let masks be computed from tensors on the tape', () => {
    const x = numbers([4, 3], 0.2, 1);
    const y = numbers([4, 3], -1, -0.2);
    for (const compare of [tf.greater, tf.greaterEqual, tf.less, tf.lessEqual, tf.equal, tf.notEqual]) {
      expectGradient((a, b) => tf.where(compare(a, b), tf.mul(a, a), tf.mul(b, a)), [x, y], { label: compare.name });
      expectGradient((a, b) => tf.mul(tf.cast(compare(a, b), 'float32'), a), [x, y]);
    }
    expectGradient(
      (a) => tf.where(tf.logicalNot(tf.logicalAnd(tf.greater(a, 0), tf.less(a, 5))), a, tf.square(a)),
      [x],
    );
    expectGradient((a) => tf.mul(a, tf.cast(tf.any(tf.greater(a, 0.1), 0), 'float32')), [x]);
  });

  it('fold broadcasts of maximum, minimum and squaredDifference', () => {
    for (const [left, right] of [
      [[3, 4], [4]],
      [
        [2, 1, 3],
        [4, 1],
      ],
      [[], [2, 2]],
      [
        [3, 1],
        [3, 1],
      ],
    ] as [number[], number[]][]) {
      // Far enough apart that no step of the difference quotient crosses a tie.
      const a = numbers(left, -1, 1);
      const b = (): tf.Tensor =>
        tf.add(
          tf.fill(right, 0.0),
          tf
            .linspace(-3, 3, Math.max(2, tf.util.sizeFromShape(right)))
            .slice(0, tf.util.sizeFromShape(right))
            .reshape(right),
        );
      for (const op of [tf.maximum, tf.minimum])
        expectGradient(op, [a, b], { step: 1e-3, label: op.name, tolerance: 2e-2 });
      expectGradient(tf.squaredDifference, [a, b], { tolerance: 1e-2 });
    }
  });
});

describe('gradients of products', () => {
  it('matMul with any batch broadcast and transposes', () => {
    const shapes: [number[], number[]][] = [
      [[2], []],
      [[], [3]],
      [[2, 1], [3]],
      [
        [2, 3],
        [2, 1],
      ],
      [[2], [1]],
      [[2], [2]],
    ];
    for (const [left, right] of shapes) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const a = numbers([...left, ...(transposeA ? [3, 2] : [2, 3])]);
          const b = numbers([...right, ...(transposeB ? [4, 3] : [3, 4])]);
          const label = `[${left}] × [${right}] ${transposeA} ${transposeB}`;
          expectGradient((x, y) => tf.matMul(x, y, transposeA, transposeB), [a, b], { label });
        }
      }
    }
  });

  it('einsum', () => {
    const sizes: Record<string, number> = { b: 2, i: 3, j: 4, k: 2, h: 2 };
    for (const equation of [
      'ij,jk->ik',
      'bij,bjk->bik',
      'bhij,bhkj->bhik',
      'ij->ji',
      'ij->i',
      'ij,j->i',
      'ij,k->ik',
      'ij->ij',
      'i,ij,j->',
      'ij,jk,kh->ih',
      'i,i->',
      'bi,j->bj',
    ]) {
      const terms = equation.split('->')[0]!.split(',');
      const inputs = terms.map((term) => numbers([...term].map((letter) => sizes[letter]!)));
      expectAgreement(() => tf.einsum(equation, ...inputs.map((make) => make())), 1e-6, equation);
      expectGradient((...tensors) => tf.einsum(equation, ...tensors), inputs, { label: equation });
    }
  });
});

describe('gradients of indexing', () => {
  it('stridedSlice', () => {
    for (let trial = 0; trial < 12; trial++) {
      const shape = [between(2, 5), between(1, 4), between(2, 5)];
      const step = shape.map(() => (nextUniform() < 0.5 ? between(1, 3) : -between(1, 3)));
      const begin = shape.map((extent, axis) => (step[axis]! > 0 ? between(0, extent - 1) : extent - 1));
      const end = shape.map((extent, axis) => (step[axis]! > 0 ? extent : -extent - 1));
      const label = `[${shape}] from ${begin} step ${step}`;
      expectGradient((x) => tf.stridedSlice(x, begin, end, step), [numbers(shape)], { label });
    }
    const x = numbers([3, 4, 5]);
    expectGradient((t) => tf.stridedSlice(t, [1, 0, 1], [2, 4, 4], [1, 1, 1], 0, 0, 0, 0, 1), [x]);
    expectGradient((t) => tf.stridedSlice(t, [0, 1], [0, 3], [1, 1], 0, 0, 1), [x]);
    expectGradient((t) => tf.stridedSlice(t, [0, 0, 1], [0, 3, 4], [1, 1, 2], 0, 0, 0, 1), [x]);
  });

  it('topk values', () => {
    const spread = (): tf.Tensor => tf.tensor2d([5, 1, 3, -2, 0, 4, 2, 9, -7, 6, 8, 7], [2, 6]);
    for (const k of [1, 3, 6]) expectGradient((x) => tf.topk(x, k).values, [spread]);
    expectGradient((x) => tf.topk(x, 2).values, [(): tf.Tensor => tf.tensor1d([3, 1, 2])]);
  });

  it('gatherND and scatterND, with repeated indices', () => {
    const indices = integers([3, 2, 2], 0, 2);
    expectGradient((x) => tf.gatherND(x, indices()), [numbers([3, 3])]);
    expectGradient((x) => tf.gatherND(x, indices()), [numbers([3, 3, 2])]);
    const rows = integers([4, 1], 0, 2);
    expectGradient((x) => tf.scatterND(rows(), x, [3, 2]), [numbers([4, 2])]);
  });

  it('tile and broadcastTo of high rank', () => {
    expectGradient((x) => tf.tile(x, [2, 1, 3, 1, 2, 1]), [numbers([1, 2, 1, 2, 2, 1])]);
    expectGradient((x) => tf.tile(x, [3]), [numbers([4])]);
    expectGradient((x) => tf.broadcastTo(x, [2, 3, 4]), [numbers([3, 1])]);
  });

  it('depthToSpace', () => {
    expectGradient((x) => tf.depthToSpace(x as tf.Tensor4D, 2), [numbers([2, 2, 3, 8])]);
    expectGradient((x) => tf.depthToSpace(x as tf.Tensor4D, 3), [numbers([1, 2, 1, 9])]);
  });

  it('mirrorPad', () => {
    for (const mode of ['reflect', 'symmetric'] as const) {
      const paddings: [number, number][] = [
        [2, 1],
        [0, 2],
        [1, 1],
      ];
      expectGradient((x) => tf.mirrorPad(x, paddings, mode), [numbers([3, 4, 2])], { label: mode });
    }
  });
});

describe('gradients of running sums and products', () => {
  it('cumsum along any axis', () => {
    for (const axis of [0, 1, 2]) {
      for (const [exclusive, reverse] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ]) {
        const label = `axis ${axis} ${exclusive} ${reverse}`;
        expectGradient((x) => tf.cumsum(x, axis, exclusive, reverse), [numbers([3, 3, 3])], { label });
      }
    }
    expectGradient((x) => tf.cumsum(x, 0), [numbers([2, 3])]);
  });

  it('prod over any axes', () => {
    for (const axis of [undefined, 0, -1, [0, 2], [-2], [1, -1]]) {
      expectGradient((x) => tf.prod(x, axis), [numbers([2, 3, 2], 0.5, 1.5)], { label: `axis ${axis}` });
      expectGradient((x) => tf.prod(x, axis, true), [numbers([2, 3, 2], 0.5, 1.5)], { label: `axis ${axis}` });
    }
  });
});

describe('gradients of image operations', () => {
  it('convolution with dilation', () => {
    for (const pad of ['same', 'valid'] as const) {
      for (const dilation of [2, [1, 2], [3, 1]] as (number | [number, number])[]) {
        const x = numbers([1, 7, 6, 2]);
        const filter = numbers([2, 3, 2, 2]);
        expectGradient(
          (image, weights) => tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 1, pad, 'NHWC', dilation),
          [x, filter],
          { label: `conv2d ${pad} ${dilation}` },
        );
        expectGradient(
          (image, weights) =>
            tf.depthwiseConv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 1, pad, 'NHWC', dilation),
          [x, filter],
          { label: `depthwiseConv2d ${pad} ${dilation}` },
        );
      }
    }
    expectGradient(
      (image, weights) => tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 2, 'same'),
      [numbers([2, 5, 4, 2]), numbers([3, 3, 2, 3])],
    );
  });

  it('average pooling where windows reach into the padding', () => {
    for (const [size, stride, pad] of [
      [3, 2, 'same'],
      [3, 1, 1],
      [2, 2, 'valid'],
    ] as [number, number, 'same' | 'valid' | number][]) {
      expectGradient((x) => tf.avgPool(x as tf.Tensor4D, size, stride, pad), [numbers([1, 5, 4, 2])]);
      expectGradient((x) => tf.avgPool3d(x as tf.Tensor5D, size, stride, pad), [numbers([1, 3, 4, 3, 1])]);
    }
  });

  it('pooling whose number of windows is rounded', () => {
    // Values far enough apart that no step of the difference quotient changes which one is the largest.
    const spread = (height: number, width: number) => (): tf.Tensor =>
      tf.tensor4d(
        Array.from({ length: height * width }, (_, index) => (index * 7) % 25),
        [1, height, width, 1],
      );
    for (const rounding of ['floor', 'round', 'ceil'] as const) {
      for (const pool of [tf.maxPool, tf.avgPool] as (typeof tf.maxPool)[]) {
        const label = `${pool.name} ${rounding}`;
        expectGradient((x) => pool(x as tf.Tensor4D, 2, 2, 0, rounding), [spread(3, 5)], { label });
        expectGradient((x) => pool(x as tf.Tensor4D, 3, 2, 1, rounding), [spread(4, 6)], { label });
      }
    }
  });

  it('resizeNearestNeighbor in all three modes, of several images', () => {
    for (const [alignCorners, halfPixelCenters] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      for (const size of [
        [5, 7],
        [2, 2],
        [1, 9],
      ] as [number, number][]) {
        expectGradient(
          (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, alignCorners, halfPixelCenters),
          [numbers([3, 3, 4, 2])],
          { label: `to ${size} ${alignCorners} ${halfPixelCenters}` },
        );
      }
    }
  });

  it('resizeBilinear in all three modes', () => {
    for (const [alignCorners, halfPixelCenters] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      for (const size of [
        [5, 7],
        [2, 2],
        [3, 9],
      ] as [number, number][]) {
        expectGradient(
          (x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, alignCorners, halfPixelCenters),
          [numbers([2, 3, 4, 2])],
          { label: `to ${size} ${alignCorners} ${halfPixelCenters}` },
        );
      }
    }
  });
});
