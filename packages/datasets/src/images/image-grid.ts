import type { PixelImage } from './pixel-image.ts';

/** Options of {@link imageGrid}. */
export interface ImageGridOptions {
  /** Images in a row of the grid. Default: as many as make it square. */
  columns?: number;
  /** Pixels between images. Default 2. */
  gap?: number;
  /** Strength of the ground, 0 to 255. Default 96. */
  ground?: number;
}

/**
 * Images of one size side by side, row after row, as one image.
 *
 * @param values [N, H, W, C], flat: numbers from 0 (black) to 1; what lies outside is cut off
 * @param size height, width and channels of one image
 * @throws when the values are not a whole number of images, or are not numbers
 */
export function imageGrid(
  values: ArrayLike<number>,
  size: { height: number; width: number; channels: 1 | 3 },
  options: ImageGridOptions = {},
): PixelImage {
  const { height, width, channels } = size;
  const pixels = height * width * channels;
  const count = values.length / pixels;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(
      `imageGrid: ${values.length} values arrived for images of ${height}×${width}×${channels}; give a whole number of ` +
        `images, ${pixels} values each.`,
    );
  }
  const { columns = Math.ceil(Math.sqrt(count)), gap = 2, ground = 96 } = options;
  if (!Number.isSafeInteger(columns) || columns < 1 || !Number.isSafeInteger(gap) || gap < 0) {
    throw new Error(
      `imageGrid: ${columns} columns and a gap of ${gap} pixels arrived; give whole numbers, at least 1 and 0.`,
    );
  }
  const rows = Math.ceil(count / columns);
  const whole = { height: rows * (height + gap) + gap, width: columns * (width + gap) + gap };
  const data = new Uint8Array(whole.height * whole.width * channels).fill(ground);
  const line = width * channels;
  for (let image = 0; image < count; image++) {
    const top = Math.floor(image / columns) * (height + gap) + gap;
    const left = (image % columns) * (width + gap) + gap;
    for (let row = 0; row < height; row++) {
      const to = ((top + row) * whole.width + left) * channels;
      for (let index = 0; index < line; index++) {
        const value = values[image * pixels + row * line + index]!;
        if (Number.isNaN(value)) {
          throw new Error(
            `imageGrid: image ${image} holds NaN; look for the step at which the model stopped being finite.`,
          );
        }
        data[to + index] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
  return { data, ...whole, channels };
}
