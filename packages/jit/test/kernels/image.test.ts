import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator } from './against-cpu.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

describe('images', () => {
  it('are resized as on cpu', async () => {
    const random = new Generator(51);
    const comparison = new Comparison();
    for (let round = 0; round < 30; round++) {
      const [batch, channels] = random.shape(2, round % 5 === 0) as [number, number];
      const [height, width] = random.shape(2, false) as [number, number];
      const images = random.operand([batch, height, width, channels]);
      const size = [random.integer(1, 7), random.integer(1, 7)] as const;
      const alignCorners = round % 3 === 0;
      const attributes = { size, alignCorners, halfPixelCenters: round % 3 === 1 };
      comparison.add('ResizeBilinear', { images }, attributes);
      comparison.add('ResizeNearestNeighbor', { images }, attributes);
      comparison.add('FlipLeftRight', { image: images });
      // cpu's gradients know no half pixels; one returns width and height in the wrong order, so that the image must be
      // square, and one never ends for a single aligned pixel.
      const side = random.integer(2, 5);
      const square = random.operand([1, side, side, 2]);
      const dy = random.operand([1, ...size, 2]);
      comparison.add('ResizeBilinearGrad', { images: square, dy }, { alignCorners, size }, { relative: 1e-5 });
      comparison.add('ResizeNearestNeighborGrad', { images: square, dy }, { alignCorners, size }, { relative: 1e-5 });
    }
    await expectSameAsCpu(comparison);
  });

  it('are normalized over neighbouring channels as on cpu', async () => {
    const random = new Generator(52);
    const comparison = new Comparison();
    for (let round = 0; round < 12; round++) {
      const shape = [random.integer(1, 2), random.integer(1, 3), random.integer(1, 3), random.integer(1, 9)];
      const x = random.operand(shape);
      const y = random.operand(shape);
      const attributes = {
        depthRadius: random.integer(0, 5),
        bias: 2,
        alpha: 0.3,
        beta: random.choose([0.5, 0.75, 1]),
      };
      comparison.add('LRN', { x }, attributes, { relative: 1e-5 });
      comparison.add('LRNGrad', { x, y, dy: random.operand(shape) }, attributes, { absolute: 1e-5, relative: 1e-5 });
    }
    await expectSameAsCpu(comparison);
  });
});
