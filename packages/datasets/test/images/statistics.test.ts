import { expect, it } from 'vitest';
import {
  type ImageDataset,
  channelStatistics,
  colorComponents,
  generateDigits,
  generateShapes,
  meanImage,
  selectImages,
} from '../../src/index.ts';

const shapes = generateShapes({ count: 30, size: 10 });

it('means and deviations are those of all pixels of a channel', () => {
  const { mean, deviation } = channelStatistics(shapes);
  for (let channel = 0; channel < 3; channel++) {
    const values = [...shapes.images].filter((_, index) => index % 3 === channel).map((byte) => byte / 255);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length;
    expect(mean[channel]).toBeCloseTo(average, 10);
    expect(deviation[channel]).toBeCloseTo(Math.sqrt(variance), 10);
  }
});

it('the mean image is the mean of every place', () => {
  const image = meanImage(shapes);
  expect(image).toHaveLength(300);
  let sum = 0;
  for (let index = 17; index < shapes.images.length; index += 300) sum += shapes.images[index]!;
  expect(image[17]).toBeCloseTo(sum / 30 / 255, 6);
});

it('colour components are the eigenvectors of the covariance', () => {
  const { values, vectors } = colorComponents(shapes);
  const { mean } = channelStatistics(shapes);
  const pixels = shapes.images.length / 3;
  const covariance = (i: number, j: number): number => {
    let sum = 0;
    for (let at = 0; at < shapes.images.length; at += 3) {
      sum += (shapes.images[at + i]! / 255 - mean[i]!) * (shapes.images[at + j]! / 255 - mean[j]!);
    }
    return sum / pixels;
  };
  expect([...values]).toEqual([...values].sort((a, b) => b - a));
  for (let component = 0; component < 3; component++) {
    const vector = vectors[component]!;
    expect(Math.hypot(...vector)).toBeCloseTo(1, 12);
    for (let i = 0; i < 3; i++) {
      const product = [0, 1, 2].reduce((sum, j) => sum + covariance(i, j) * vector[j]!, 0);
      expect(product).toBeCloseTo(values[component]! * vector[i]!, 10);
    }
  }
  expect(colorComponents(shapes)).toEqual({ values, vectors });
  expect(() => colorComponents(generateDigits({ count: 2 }))).toThrow('has 1 channels; components of colour need red');
});

it('grey images of one colour have one component', () => {
  const images = new Uint8Array(30).fill(100);
  images.fill(200, 0, 15);
  const plain: ImageDataset = {
    name: 'plain',
    images,
    labels: new Uint8Array(1),
    count: 1,
    height: 2,
    width: 5,
    channels: 3,
    classNames: ['a'],
  };
  const { values, vectors } = colorComponents(plain);
  expect(values[1]).toBeCloseTo(0, 12);
  for (const entry of vectors[0]!) expect(entry).toBeCloseTo(1 / Math.sqrt(3), 6);
});

it('selectImages copies what was chosen', () => {
  const chosen = selectImages(shapes, [3, 3, 29]);
  expect([...chosen.labels]).toEqual([3, 3, 9]);
  expect(chosen.count).toBe(3);
  expect(chosen.images.subarray(600)).toEqual(shapes.images.subarray(29 * 300));
  expect(() => selectImages(shapes, [30])).toThrow('the index 30 arrived; generated shapes train has images 0 to 29.');
});
