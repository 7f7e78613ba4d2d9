import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ImageDataset } from '../images/image-dataset.ts';
import { type LoadImageOptions, loadImage } from './image.ts';

/** How {@link loadImageFolder} makes a data set of a folder. */
export interface ImageFolderOptions extends LoadImageOptions {
  /** The one size of all images, as a number for squares or [height, width]. */
  size: number | readonly [number, number];
  /** Called after each image. */
  onProgress?: ((progress: { done: number; total: number; path: string }) => void) | undefined;
}

const readable = /\.(png|jpe?g)$/i;
const otherImage = /\.(gif|webp|bmp|tiff?|avif|heic|svg|jp2|ppm|ico)$/i;

/**
 * A user's own images, laid out `<class>/<image>.png` or `.jpg`: every folder in `path` is a class, in the order of their
 * names, and the images of a class come in the order of theirs. Hidden files and files that are no images are passed over.
 *
 * Images of another size are resized as `fit` says (default `cover`); transparent ones are refused unless `background`
 * gives the colour that shows through.
 *
 * @throws when there is no class, a class without images, an image in a format that is not read, or a damaged image
 */
export async function loadImageFolder(path: string, options: ImageFolderOptions): Promise<ImageDataset> {
  const { size, channels = 3, onProgress } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (![height, width].every((length) => Number.isSafeInteger(length) && length >= 1 && length <= 8192)) {
    throw new Error(`loadImageFolder: the size ${height}×${width} arrived; give whole numbers from 1 to 8192.`);
  }
  const classNames: string[] = [];
  const files: { path: string; label: number }[] = [];
  for (const name of await entriesOf(path)) {
    if (!(await stat(join(path, name))).isDirectory()) {
      if (!readable.test(name)) continue;
      throw new Error(
        `loadImageFolder: ${join(path, name)} is in no class; put every image into the folder of its class, ` +
          'for example cats/1.png.',
      );
    }
    const label = classNames.push(name) - 1;
    const before = files.length;
    for (const file of await entriesOf(join(path, name))) {
      const full = join(path, name, file);
      if (otherImage.test(file)) {
        throw new Error(`loadImageFolder: ${full} is neither a PNG nor a JPEG; convert it to one of these.`);
      }
      if (!readable.test(file)) continue;
      if (!(await stat(full)).isFile()) {
        throw new Error(`loadImageFolder: ${full} is named like an image but is no file; rename or remove it.`);
      }
      files.push({ path: full, label });
    }
    if (files.length === before) {
      throw new Error(
        `loadImageFolder: the class folder ${join(path, name)} has no .png or .jpg file; add some, or remove the folder.`,
      );
    }
  }
  if (files.length === 0) {
    throw new Error(
      `loadImageFolder: ${path} has no class folders; lay images out as <class>/<image>.png, for example cats/1.png.`,
    );
  }
  const bytes = height * width * channels;
  const images = new Uint8Array(files.length * bytes);
  const labels = new Int32Array(files.length);
  for (const [index, file] of files.entries()) {
    const image = await loadImage(file.path, options);
    images.set(image.data, index * bytes);
    labels[index] = file.label;
    onProgress?.({ done: index + 1, total: files.length, path: file.path });
  }
  return { name: basename(path), images, labels, count: files.length, height, width, channels, classNames };
}

/** The names in a folder that are not hidden, in an order that does not depend on the machine. */
async function entriesOf(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown) => {
    throw new Error(`loadImageFolder: ${path} cannot be read (${(error as Error).message}); check the path.`, {
      cause: error,
    });
  });
  return names.filter((name) => !name.startsWith('.')).sort();
}
