/** Augmentation as data: what is done to an image, step after step, and the check that it can be done. */
import type { ImageShape, PreparedStep } from './augment.ts';
import type { ImageDataset } from './image-dataset.ts';
import { type ColorComponents, colorComponents } from './statistics.ts';

/**
 * One step. Steps run in the order of their list, on values from 0 (black) to 1, until a step `normalize` changes that
 * scale. What is drawn at random is drawn for every image and every view anew.
 */
export type AugmentationStep =
  /**
   * Adds `pixels` at every side, filled with `fill` (default 0: black, or after `normalize` the mean), and cuts a piece of
   * the old size at a random place. He et al. 2015, section 4.2, with 4 pixels.
   */
  | { readonly kind: 'padAndCrop'; readonly pixels: number; readonly fill?: number }
  /** Cuts a piece of `size` (a number, or [height, width]) at a random place. Krizhevsky et al. 2012, section 4.1: 224 from 256. */
  | { readonly kind: 'randomCrop'; readonly size: number | readonly [number, number] }
  /** Cuts a piece of `size` from the middle. */
  | { readonly kind: 'centerCrop'; readonly size: number | readonly [number, number] }
  /** Exchanges left and right, with `probability` (default 0.5). */
  | { readonly kind: 'flip'; readonly probability?: number }
  /**
   * Resizes the shorter side to `size` pixels, or the image to [height, width]. Bilinear; where it shrinks, every pixel
   * is a weighted mean of all that it covers.
   */
  | { readonly kind: 'resize'; readonly size: number | readonly [number, number] }
  /**
   * Cuts a piece of a random share of the area (`scale`, default 0.08 to 1) and a random ratio of width to height
   * (`ratio`, default 3/4 to 4/3), and resizes it to `size` (default: the image's own). `bilinear` (the default) or
   * `bicubic`, which takes values from 0 to 1 and keeps them there; where the piece shrinks, both weigh all that a new pixel
   * covers. Szegedy et al. 2014; Chen et al. 2020, appendix A, with `bicubic`.
   */
  | {
      readonly kind: 'randomResizedCrop';
      readonly size?: number | readonly [number, number];
      readonly scale?: readonly [number, number];
      readonly ratio?: readonly [number, number];
      readonly interpolation?: 'bilinear' | 'bicubic';
    }
  /**
   * Adds Σ_k α_k · m_k · p_k to every pixel, with p_k and λ_k the eigenvectors and eigenvalues of the training colours'
   * covariance and α_k ~ N(0, sigma²) drawn once per image. Krizhevsky et al. 2012, section 4.1, with sigma 0.1. The
   * paper multiplies by the eigenvalue, m_k = λ_k, here on the scale from 0 to 1; with `magnitude: 'deviation'`
   * m_k = √λ_k, which does not depend on the scale of the pixels. `components` default to those of the batches' data set.
   */
  | {
      readonly kind: 'colorPca';
      readonly sigma?: number;
      readonly magnitude?: 'variance' | 'deviation';
      readonly components?: ColorComponents;
    }
  /**
   * With `probability` (default 1) changes brightness, contrast, saturation and hue, in a random order. The first three
   * multiply by a factor from 1 − x to 1 + x; `hue` (0 to 0.5) turns the colour circle by up to that part of it. Values
   * stay within 0 to 1. What is left out stays as it is. Chen et al. 2020, appendix A.
   */
  | {
      readonly kind: 'colorJitter';
      readonly brightness?: number;
      readonly contrast?: number;
      readonly saturation?: number;
      readonly hue?: number;
      readonly probability?: number;
    }
  /** With `probability` makes all channels 0.299·red + 0.587·green + 0.114·blue. */
  | { readonly kind: 'grayscale'; readonly probability?: number }
  /**
   * With `probability` (default 0.5) blurs by a Gaussian of a random deviation (`sigma`, default 0.1 to 2 pixels) and a
   * window of `size` pixels (odd; default: a tenth of the height). Edges are mirrored. Chen et al. 2020, appendix A.
   */
  | {
      readonly kind: 'blur';
      readonly sigma?: readonly [number, number];
      readonly size?: number;
      readonly probability?: number;
    }
  /**
   * (value − mean) / deviation, with a number per channel, or a whole image [H, W, C] as the mean. `deviation` defaults
   * to 1.
   */
  | {
      readonly kind: 'normalize';
      readonly mean: ArrayLike<number>;
      readonly deviation?: ArrayLike<number>;
    };

/** The kinds of steps that draw nothing. */
const fixedKinds: readonly AugmentationStep['kind'][] = ['centerCrop', 'resize', 'normalize'];

/** Whether the same image always comes out the same: no step draws anything. */
export function isDeterministic(steps: readonly AugmentationStep[]): boolean {
  return steps.every(({ kind }) => fixedKinds.includes(kind));
}

/**
 * Checks `steps` one by one against the shape that the images have by then, and fills in what they leave out.
 *
 * @param where begins the message
 * @throws when a step cannot be done; the message names it by its number
 */
export function prepareSteps(
  steps: readonly AugmentationStep[],
  shape: ImageShape,
  where: string,
  dataset?: ImageDataset,
): PreparedStep[] {
  const prepared: PreparedStep[] = [];
  let [height, width] = [shape.height, shape.width];
  for (const [index, step] of steps.entries()) {
    const fail = (what: string): never => {
      throw new Error(`${where}: step ${index} (${step.kind}) ${what}`);
    };
    const whole = (what: string, value: number, low: number, high: number): void => {
      if (!Number.isSafeInteger(value) || value < low || value > high) {
        fail(`has ${what} ${value}; images are ${height}×${width} there: give a whole number from ${low} to ${high}.`);
      }
    };
    const between = (what: string, value: number, low: number, high: number): void => {
      if (!(value >= low && value <= high)) fail(`has ${what} ${value}; give a number from ${low} to ${high}.`);
    };
    const range = (what: string, [low, high]: readonly [number, number], least: number, most: number): void => {
      if (!(low >= least && high >= low && high <= most)) {
        fail(`has ${what} ${low} to ${high}; give two numbers from ${least} to ${most}, the smaller first.`);
      }
    };
    const color = (): void => {
      if (shape.channels !== 3)
        fail(`needs red, green and blue, but images have ${shape.channels} channel; leave it out.`);
    };
    switch (step.kind) {
      case 'padAndCrop':
        whole('pixels', step.pixels, 0, 1024);
        prepared.push({ ...step, fill: step.fill ?? 0 });
        break;
      case 'randomCrop':
      case 'centerCrop': {
        const size = typeof step.size === 'number' ? ([step.size, step.size] as const) : step.size;
        whole('a height of', size[0], 1, height);
        whole('a width of', size[1], 1, width);
        prepared.push({ kind: step.kind, size });
        [height, width] = size;
        break;
      }
      case 'flip':
        between('probability', step.probability ?? 0.5, 0, 1);
        prepared.push({ ...step, probability: step.probability ?? 0.5 });
        break;
      case 'resize':
      case 'randomResizedCrop': {
        const size = targetSize(step, height, width);
        whole('a height of', size[0], 1, 8192);
        whole('a width of', size[1], 1, 8192);
        if (step.kind === 'resize') prepared.push({ kind: 'resize', size });
        else {
          const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'bilinear' } = step;
          range('scale', scale, 1e-6, 1);
          range('ratio', ratio, 1e-3, 1e3);
          if (interpolation !== 'bilinear' && interpolation !== 'bicubic') {
            fail(`has the interpolation "${String(interpolation)}"; choose bilinear or bicubic.`);
          }
          if (interpolation === 'bicubic' && prepared.some(({ kind }) => kind === 'normalize')) {
            fail('with bicubic works on values from 0 to 1; put it before normalize.');
          }
          prepared.push({ kind: 'randomResizedCrop', size, scale, ratio, interpolation });
        }
        [height, width] = size;
        break;
      }
      case 'colorPca': {
        color();
        const { sigma = 0.1, magnitude = 'variance' } = step;
        between('sigma', sigma, 0, 1e6);
        const { values, vectors } =
          step.components ??
          (dataset
            ? colorComponents(dataset)
            : fail('has no components; give those of colorComponents(training set).'));
        const scales = values.map((value) => sigma * (magnitude === 'deviation' ? Math.sqrt(value) : value));
        prepared.push({ kind: 'colorPca', scales, vectors });
        break;
      }
      case 'colorJitter': {
        const { brightness = 0, contrast = 0, saturation = 0, hue = 0, probability = 1 } = step;
        if (saturation !== 0 || hue !== 0) color();
        if (prepared.some(({ kind }) => kind === 'normalize')) {
          fail('works on values from 0 to 1; put it before normalize.');
        }
        between('brightness', brightness, 0, 1e3);
        between('contrast', contrast, 0, 1e3);
        between('saturation', saturation, 0, 1e3);
        between('hue', hue, 0, 0.5);
        between('probability', probability, 0, 1);
        prepared.push({ kind: 'colorJitter', brightness, contrast, saturation, hue, probability });
        break;
      }
      case 'grayscale':
        color();
        between('probability', step.probability ?? 1, 0, 1);
        prepared.push({ kind: 'grayscale', probability: step.probability ?? 1 });
        break;
      case 'blur': {
        const { sigma = [0.1, 2], probability = 0.5 } = step;
        const size = step.size ?? 2 * Math.floor(height / 20) + 1;
        range('sigma', sigma, 1e-3, 1e3);
        between('probability', probability, 0, 1);
        whole('size', size, 1, 2 * Math.min(height, width) - 1);
        if (size % 2 === 0) fail(`has the window ${size}; give an odd number of pixels, for example ${size + 1}.`);
        prepared.push({ kind: 'blur', sigma, probability, size });
        break;
      }
      case 'normalize': {
        const { channels } = shape;
        const mean = Float64Array.from(step.mean);
        const deviation = Float64Array.from(step.deviation ?? Array.from({ length: channels }, () => 1));
        const image = height * width * channels;
        if (mean.length !== channels && mean.length !== image) {
          fail(`has ${mean.length} means; give ${channels}, one per channel, or ${image}, the mean image.`);
        }
        if (deviation.length !== channels || !deviation.every((value) => value > 0 && value < Infinity)) {
          fail(`has the deviations ${[...deviation].join(', ')}; give ${channels} numbers above 0, one per channel.`);
        }
        if (!mean.every(Number.isFinite)) fail('has a mean that is not a finite number.');
        prepared.push({ kind: 'normalize', mean, deviation });
        break;
      }
      default:
        throw new Error(
          `${where}: step ${index} has the unknown kind "${String((step as { kind: unknown }).kind)}"; choose one of: ` +
            'padAndCrop, randomCrop, centerCrop, flip, resize, randomResizedCrop, colorPca, colorJitter, grayscale, blur, normalize.',
        );
    }
  }
  return prepared;
}

function targetSize(
  step: { kind: string; size?: number | readonly [number, number] },
  height: number,
  width: number,
): readonly [number, number] {
  const { size } = step;
  if (size === undefined) return [height, width];
  if (typeof size !== 'number') return size;
  if (step.kind === 'randomResizedCrop') return [size, size];
  const factor = size / Math.min(height, width);
  return height <= width
    ? [size, Math.max(size, Math.round(width * factor))]
    : [Math.max(size, Math.round(height * factor)), size];
}
