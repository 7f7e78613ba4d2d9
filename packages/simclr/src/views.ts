/**
 * The two views of an image. Chen et al. 2020, section 2.2 and appendix A; for small images B.9.
 */
import type { AugmentationStep, ImageDataset } from '@milestones/datasets';
import type { AugmentationConfig } from './config.ts';

/**
 * What is done to an image to make a view of it, anew for each: a random piece of 8 % to all of the area (ratio 3/4 to
 * 4/3), resized by cubic interpolation; left and right exchanged or not; with probability 0.8 brightness, contrast and
 * saturation changed by up to 0.8 s and hue by up to 0.2 s, in a random order; grey with probability 0.2; blurred if wanted.
 *
 * @throws when the images are smaller than a view, or grey images are to change their colours
 */
export function viewsOf(config: AugmentationConfig, images: ImageDataset): AugmentationStep[] {
  const { crop, color, strength: s } = config;
  const { height, width, channels, name } = images;
  const size = config.size === 0 ? Math.min(height, width) : config.size;
  if (size > Math.min(height, width)) {
    throw new Error(
      `viewsOf: ${name} has images of ${height}×${width} and a view is to be ${size}×${size}; choose augmentation.size of ` +
        `at most ${Math.min(height, width)}, or 0.`,
    );
  }
  if (color && channels !== 3) {
    throw new Error(
      `viewsOf: ${name} has images of ${channels} channel, without colours; set augmentation.color to false.`,
    );
  }
  return [
    ...(crop
      ? ([
          {
            kind: 'randomResizedCrop',
            size,
            scale: [config.scaleLow, config.scaleHigh],
            ratio: [3 / 4, 4 / 3],
            interpolation: 'bicubic',
          },
        ] as const)
      : size === height && size === width
        ? []
        : // The middle, in its own size: what a network learns of sizes then suits whole images too.
          ([{ kind: 'centerCrop', size }] as const)),
    { kind: 'flip', probability: config.flipProbability },
    ...(color
      ? ([
          {
            kind: 'colorJitter',
            brightness: 0.8 * s,
            contrast: 0.8 * s,
            saturation: 0.8 * s,
            hue: 0.2 * s,
            probability: config.jitterProbability,
          },
          { kind: 'grayscale', probability: config.greyProbability },
        ] as const)
      : []),
    ...(config.blurProbability > 0 ? ([{ kind: 'blur', probability: config.blurProbability }] as const) : []),
  ];
}
