/**
 * The loops of augmentation: bytes in, floats out. Everything is inside one function that refers to nothing outside it,
 * because a worker thread is started from its text.
 */

/** Height, width and channels of an image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A checked step with nothing left out; see `AugmentationStep`. */
export type PreparedStep =
  | { readonly kind: 'padAndCrop'; readonly pixels: number; readonly fill: number }
  | { readonly kind: 'randomCrop' | 'centerCrop'; readonly size: readonly [number, number] }
  | { readonly kind: 'flip' | 'grayscale'; readonly probability: number }
  | { readonly kind: 'resize'; readonly size: readonly [number, number] }
  | {
      readonly kind: 'randomResizedCrop';
      readonly size: readonly [number, number];
      readonly scale: readonly [number, number];
      readonly ratio: readonly [number, number];
      readonly interpolation: 'bilinear' | 'bicubic';
    }
  | { readonly kind: 'colorPca'; readonly scales: readonly number[]; readonly vectors: readonly (readonly number[])[] }
  | {
      readonly kind: 'colorJitter';
      readonly brightness: number;
      readonly contrast: number;
      readonly saturation: number;
      readonly hue: number;
      readonly probability: number;
    }
  | {
      readonly kind: 'blur';
      readonly sigma: readonly [number, number];
      readonly probability: number;
      readonly size: number;
    }
  | { readonly kind: 'normalize'; readonly mean: Float64Array; readonly deviation: Float64Array };

/** What {@link createAugmenter} makes. */
export interface Augmenter {
  /** The shape of every image that comes out. */
  readonly shape: ImageShape;
  /** How many random numbers every image needs. */
  readonly draws: number;
  /**
   * Augments `count` images.
   *
   * @param bytes shape [count, H, W, C] of the images that come in
   * @param random shape [count, draws], uniform in [0, 1)
   * @returns shape [count, H′, W′, C′]
   */
  run(bytes: Uint8Array, count: number, random: Float32Array): Float32Array<ArrayBuffer>;
}

/** Makes ready to do `steps` to images of `input`'s shape. */
export function createAugmenter(input: ImageShape, steps: readonly PreparedStep[]): Augmenter {
  type Pixels = Uint8Array | Float32Array;
  const { channels } = input;
  const drawsOf: Record<PreparedStep['kind'], number> = {
    padAndCrop: 2,
    randomCrop: 2,
    centerCrop: 0,
    flip: 1,
    resize: 0,
    randomResizedCrop: 22,
    colorPca: 6,
    colorJitter: 6,
    grayscale: 1,
    blur: 2,
    normalize: 0,
  };

  // Shapes and the largest image on the way.
  let { height, width } = input;
  let largest = height * width;
  let draws = 0;
  for (const step of steps) {
    draws += drawsOf[step.kind];
    if (step.kind === 'randomCrop' || step.kind === 'centerCrop') [height, width] = step.size;
    else if (step.kind === 'resize' || step.kind === 'randomResizedCrop') {
      // The first of its two passes has the new width and at most the old height.
      largest = Math.max(largest, height * step.size[1]);
      [height, width] = step.size;
    }
    largest = Math.max(largest, height * width);
  }
  const shape: ImageShape = { height, width, channels };
  const buffers = [new Float32Array(largest * channels), new Float32Array(largest * channels)];
  const byteBuffers = [new Uint8Array(largest * channels), new Uint8Array(largest * channels)];

  // Steps that only move pixels work on bytes: a quarter of the memory, and no arithmetic.
  const leading = steps.findIndex(
    (step) =>
      !['randomCrop', 'centerCrop', 'flip'].includes(step.kind) && !(step.kind === 'padAndCrop' && step.fill === 0),
  );
  const firstFloat = leading === -1 ? steps.length : leading;
  // From a byte straight to its value: where `normalize` by channel comes next, it is part of the table.
  const next = steps[firstFloat];
  const normalizes = next?.kind === 'normalize' && next.mean.length === channels ? next : undefined;
  const tables = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: 256 }, (__, byte) =>
      normalizes ? (byte / 255 - normalizes.mean[channel]!) / normalizes.deviation[channel]! : byte / 255,
    ),
  );

  /** Cuts h×w from (top, left) of an image of rows × columns; what lies outside it becomes `fill`. */
  function crop(
    from: Pixels,
    to: Pixels,
    rows: number,
    columns: number,
    top: number,
    left: number,
    h: number,
    w: number,
    fill: number,
  ): void {
    const first = Math.max(0, -left);
    const last = Math.min(w, columns - left);
    for (let y = 0; y < h; y++) {
      const target = y * w * channels;
      const row = y + top;
      if (row < 0 || row >= rows || first >= last) {
        to.fill(fill, target, target + w * channels);
        continue;
      }
      if (first > 0) to.fill(fill, target, target + first * channels);
      if (last < w) to.fill(fill, target + last * channels, target + w * channels);
      const source = (row * columns + left + first) * channels;
      const length = (last - first) * channels;
      const start = target + first * channels;
      for (let index = 0; index < length; index++) to[start + index] = from[source + index]!;
    }
  }

  /** Exchanges left and right in place. */
  function mirror(pixels: Pixels, h: number, w: number): void {
    for (let y = 0; y < h; y++) {
      let left = y * w * channels;
      let right = left + (w - 1) * channels;
      for (; left < right; left += channels, right -= channels) {
        for (let channel = 0; channel < channels; channel++) {
          const kept = pixels[left + channel]!;
          pixels[left + channel] = pixels[right + channel]!;
          pixels[right + channel] = kept;
        }
      }
    }
  }

  /** The cubic of Keys 1981 with a = −1/2, which reaches to 2. */
  function cubic(distance: number): number {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  }

  /** Weights of the old pixels start, start + 1, … for each new one, along one side. */
  function resampling(
    length: number,
    target: number,
    isCubic: boolean,
  ): { starts: Int32Array; weights: Float64Array; taps: number } {
    const scale = length / target;
    // A kernel as wide as a new pixel where there are fewer of them, else as wide as an old one.
    const unit = Math.max(scale, 1);
    const reach = isCubic ? 2 * unit : unit;
    const taps = Math.min(length, Math.ceil(2 * reach) + 1);
    const starts = new Int32Array(target);
    const weights = new Float64Array(target * taps);
    for (let index = 0; index < target; index++) {
      const center = (index + 0.5) * scale - 0.5;
      const start = Math.max(0, Math.min(length - taps, Math.ceil(center - reach)));
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) {
        const distance = (start + tap - center) / unit;
        const weight = isCubic ? cubic(distance) : Math.max(0, 1 - Math.abs(distance));
        weights[index * taps + tap] = weight;
        sum += weight;
      }
      for (let tap = 0; tap < taps; tap++) weights[index * taps + tap]! /= sum;
      starts[index] = start;
    }
    return { starts, weights, taps };
  }

  /** Resizes the piece h×w at (top, left), rows first; `middle` holds the image between the two passes. */
  function resample(
    from: Float32Array,
    middle: Float32Array,
    to: Float32Array,
    columns: number,
    [top, left, h, w]: readonly [number, number, number, number],
    [newH, newW]: readonly [number, number],
    isCubic: boolean,
  ): void {
    const across = resampling(w, newW, isCubic);
    for (let y = 0; y < h; y++) {
      const row = ((top + y) * columns + left) * channels;
      for (let x = 0; x < newW; x++) {
        const target = (y * newW + x) * channels;
        let source = row + across.starts[x]! * channels;
        const first = x * across.taps;
        const last = first + across.taps;
        if (channels === 3) {
          // Written out, it takes half the time.
          let [red, green, blue] = [0, 0, 0];
          for (let tap = first; tap < last; tap++, source += 3) {
            const weight = across.weights[tap]!;
            red += weight * from[source]!;
            green += weight * from[source + 1]!;
            blue += weight * from[source + 2]!;
          }
          middle[target] = red;
          middle[target + 1] = green;
          middle[target + 2] = blue;
          continue;
        }
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (let tap = first; tap < last; tap++) {
            sum += across.weights[tap]! * from[source + (tap - first) * channels + channel]!;
          }
          middle[target + channel] = sum;
        }
      }
    }
    const down = resampling(h, newH, isCubic);
    const line = newW * channels;
    for (let y = 0; y < newH; y++) {
      const first = y * down.taps;
      const last = first + down.taps;
      for (let index = 0; index < line; index++) {
        let sum = 0;
        let source = down.starts[y]! * line + index;
        for (let tap = first; tap < last; tap++, source += line) sum += down.weights[tap]! * middle[source]!;
        // A cubic overshoots at edges; pixels end at black and at full strength.
        to[y * line + index] = isCubic ? clamp(sum) : sum;
      }
    }
  }

  /** Where randomResizedCrop cuts: ten tries, then the largest piece in the middle whose ratio is allowed. */
  function choosePiece(
    h: number,
    w: number,
    step: PreparedStep & { kind: 'randomResizedCrop' },
    random: Float32Array,
    at: number,
  ): [number, number, number, number] {
    const [low, high] = [Math.log(step.ratio[0]), Math.log(step.ratio[1])];
    for (let attempt = 0; attempt < 10; attempt++) {
      const area = h * w * (step.scale[0] + (step.scale[1] - step.scale[0]) * random[at + 2 * attempt]!);
      const ratio = Math.exp(low + (high - low) * random[at + 2 * attempt + 1]!);
      const pieceW = Math.max(1, Math.round(Math.sqrt(area * ratio)));
      const pieceH = Math.max(1, Math.round(Math.sqrt(area / ratio)));
      if (pieceW > w || pieceH > h) continue;
      const top = Math.floor(random[at + 20]! * (h - pieceH + 1));
      return [top, Math.floor(random[at + 21]! * (w - pieceW + 1)), pieceH, pieceW];
    }
    const ratio = w / h;
    const pieceW = ratio > step.ratio[1] ? Math.max(1, Math.round(h * step.ratio[1])) : w;
    const pieceH = ratio < step.ratio[0] ? Math.max(1, Math.round(w / step.ratio[0])) : h;
    return [(h - pieceH) >> 1, (w - pieceW) >> 1, pieceH, pieceW];
  }

  /** A standard normal number from two uniform ones (Box and Muller 1958). */
  function normal(first: number, second: number): number {
    // 1 − u keeps the logarithm away from zero.
    return Math.sqrt(-2 * Math.log(1 - first)) * Math.cos(2 * Math.PI * second);
  }

  function clamp(value: number): number {
    return value < 0 ? 0 : value > 1 ? 1 : value;
  }

  function addColor(
    pixels: Float32Array,
    length: number,
    step: PreparedStep & { kind: 'colorPca' },
    random: Float32Array,
    at: number,
  ): void {
    let [red, green, blue] = [0, 0, 0];
    for (let component = 0; component < 3; component++) {
      const alpha = normal(random[at + 2 * component]!, random[at + 2 * component + 1]!) * step.scales[component]!;
      const vector = step.vectors[component]!;
      red += alpha * vector[0]!;
      green += alpha * vector[1]!;
      blue += alpha * vector[2]!;
    }
    for (let pixel = 0; pixel < length; pixel += 3) {
      pixels[pixel]! += red;
      pixels[pixel + 1]! += green;
      pixels[pixel + 2]! += blue;
    }
  }

  function luminance(pixels: Float32Array, pixel: number): number {
    if (channels !== 3) return pixels[pixel]!;
    return 0.299 * pixels[pixel]! + 0.587 * pixels[pixel + 1]! + 0.114 * pixels[pixel + 2]!;
  }

  function grey(pixels: Float32Array, length: number): void {
    for (let pixel = 0; pixel < length; pixel += 3) {
      const value = luminance(pixels, pixel);
      pixels[pixel] = pixels[pixel + 1] = pixels[pixel + 2] = value;
    }
  }

  /** Mixes every pixel with its own grey (saturation) or with the image's mean grey (contrast). */
  function mix(pixels: Float32Array, length: number, factor: number, withMean: boolean): void {
    let mean = 0;
    if (withMean) {
      for (let pixel = 0; pixel < length; pixel += channels) mean += luminance(pixels, pixel);
      mean /= length / channels;
    }
    for (let pixel = 0; pixel < length; pixel += channels) {
      const rest = (1 - factor) * (withMean ? mean : luminance(pixels, pixel));
      pixels[pixel] = clamp(factor * pixels[pixel]! + rest);
      if (channels === 1) continue;
      pixels[pixel + 1] = clamp(factor * pixels[pixel + 1]! + rest);
      pixels[pixel + 2] = clamp(factor * pixels[pixel + 2]! + rest);
    }
  }

  /** Turns the hue by `turn` of a circle: value and saturation (of the HSV cone) stay. */
  function turnHue(pixels: Float32Array, length: number, turn: number): void {
    const sixths = 6 * turn;
    for (let pixel = 0; pixel < length; pixel += 3) {
      const red = pixels[pixel]!;
      const green = pixels[pixel + 1]!;
      const blue = pixels[pixel + 2]!;
      const value = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
      const least = red < green ? (red < blue ? red : blue) : green < blue ? green : blue;
      const chroma = value - least;
      if (chroma === 0) continue;
      // The hue in sixths of the circle: 0 red, 2 green, 4 blue.
      let hue = sixths;
      if (value === red) hue += (green - blue) / chroma;
      else if (value === green) hue += 2 + (blue - red) / chroma;
      else hue += 4 + (red - green) / chroma;
      // Red, green and blue are the same curve of the hue, a third of the circle apart.
      pixels[pixel] = value - chroma * shortfall(hue + 5);
      pixels[pixel + 1] = value - chroma * shortfall(hue + 3);
      pixels[pixel + 2] = value - chroma * shortfall(hue + 1);
    }
  }

  /** How far a colour is below the largest, as a share of the chroma: 0, up, 1, down, 0 around the circle of six. */
  function shortfall(hue: number): number {
    let place = hue;
    if (place >= 6) place -= 6;
    if (place >= 6) place -= 6;
    if (place < 0) place += 6;
    const share = place < 2 ? place : 4 - place;
    return share < 0 ? 0 : share > 1 ? 1 : share;
  }

  function jitter(
    pixels: Float32Array,
    length: number,
    step: PreparedStep & { kind: 'colorJitter' },
    random: Float32Array,
    at: number,
  ): void {
    if (random[at]! >= step.probability) return;
    const factor = (strength: number, draw: number): number => {
      const low = Math.max(0, 1 - strength);
      return low + (1 + strength - low) * draw;
    };
    // One number below 24 is an order of four things: which of four comes first, which of the other three next, …
    let order = Math.floor(random[at + 1]! * 24);
    const left = [0, 1, 2, 3];
    for (let remaining = 4; remaining > 0; remaining--) {
      const [kind] = left.splice(order % remaining, 1);
      order = Math.floor(order / remaining);
      if (kind === 0 && step.brightness > 0) {
        const by = factor(step.brightness, random[at + 2]!);
        for (let index = 0; index < length; index++) pixels[index] = clamp(pixels[index]! * by);
      } else if (kind === 1 && step.contrast > 0) mix(pixels, length, factor(step.contrast, random[at + 3]!), true);
      else if (kind === 2 && step.saturation > 0) mix(pixels, length, factor(step.saturation, random[at + 4]!), false);
      else if (kind === 3 && step.hue > 0) turnHue(pixels, length, step.hue * (2 * random[at + 5]! - 1));
    }
  }

  /** Convolves with a Gaussian along rows, then along columns. */
  function blur(from: Float32Array, to: Float32Array, h: number, w: number, size: number, sigma: number): void {
    const radius = size >> 1;
    const kernel = Float64Array.from({ length: size }, (_, tap) => Math.exp(-((tap - radius) ** 2) / (2 * sigma ** 2)));
    const total = kernel.reduce((sum, weight) => sum + weight, 0);
    for (let tap = 0; tap < size; tap++) kernel[tap]! /= total;
    const pass = (
      source: Float32Array,
      target: Float32Array,
      lines: number,
      lineStep: number,
      length: number,
      step: number,
    ) => {
      for (let position = 0; position < length; position++) {
        for (let line = 0; line < lines; line++) {
          for (let channel = 0; channel < channels; channel++) {
            let sum = 0;
            for (let tap = 0; tap < size; tap++) {
              let near = Math.abs(position + tap - radius);
              if (near >= length) near = 2 * (length - 1) - near;
              sum += kernel[tap]! * source[line * lineStep + near * step + channel]!;
            }
            target[line * lineStep + position * step + channel] = sum;
          }
        }
      }
    };
    pass(from, to, h, w * channels, w, channels);
    pass(to, from, w, channels, h, w * channels);
  }

  /** Bytes to floats: `out` begins at `start`. */
  function convert(pixels: Uint8Array, length: number, out: Float32Array, start: number): void {
    if (channels === 3) {
      const [red, green, blue] = [tables[0]!, tables[1]!, tables[2]!];
      for (let pixel = 0; pixel < length; pixel += 3) {
        out[start + pixel] = red[pixels[pixel]!]!;
        out[start + pixel + 1] = green[pixels[pixel + 1]!]!;
        out[start + pixel + 2] = blue[pixels[pixel + 2]!]!;
      }
      return;
    }
    for (let channel = 0; channel < channels; channel++) {
      const table = tables[channel]!;
      for (let pixel = channel; pixel < length; pixel += channels) out[start + pixel] = table[pixels[pixel]!]!;
    }
  }

  function normalize(pixels: Float32Array, length: number, step: PreparedStep & { kind: 'normalize' }): void {
    const { mean, deviation } = step;
    const perImage = mean.length === length;
    for (let pixel = 0; pixel < length; pixel += channels) {
      for (let channel = 0; channel < channels; channel++) {
        const at = pixel + channel;
        pixels[at] = (pixels[at]! - mean[perImage ? at : channel]!) / deviation[channel]!;
      }
    }
  }

  /** Does one image and puts it at `start` of `out`. */
  function augmentImage(
    image: Uint8Array,
    random: Float32Array,
    firstDraw: number,
    out: Float32Array,
    start: number,
  ): void {
    let [h, w] = [input.height, input.width];
    let at = firstDraw;
    let floats = buffers[0]!;
    let spare = buffers[1]!;
    let bytes: Uint8Array = image;
    let spareBytes: Uint8Array = byteBuffers[1]!;
    let onBytes = true;
    if (firstFloat > 0) {
      // The caller's image stays as it is.
      bytes = byteBuffers[0]!;
      bytes.set(image);
    }

    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      if (index === firstFloat) {
        convert(bytes, h * w * channels, floats, 0);
        onBytes = false;
        if (normalizes) continue;
      }
      const length = h * w * channels;
      switch (step.kind) {
        case 'padAndCrop':
        case 'randomCrop':
        case 'centerCrop': {
          const margin = step.kind === 'padAndCrop' ? step.pixels : 0;
          const [newH, newW] = step.kind === 'padAndCrop' ? [h, w] : step.size;
          const fixed = step.kind === 'centerCrop';
          const top = fixed ? (h - newH) >> 1 : Math.floor(random[at]! * (h - newH + 2 * margin + 1)) - margin;
          const left = fixed ? (w - newW) >> 1 : Math.floor(random[at + 1]! * (w - newW + 2 * margin + 1)) - margin;
          const fill = step.kind === 'padAndCrop' ? step.fill : 0;
          if (onBytes) {
            crop(bytes, spareBytes, h, w, top, left, newH, newW, 0);
            [bytes, spareBytes] = [spareBytes, bytes];
          } else {
            crop(floats, spare, h, w, top, left, newH, newW, fill);
            [floats, spare] = [spare, floats];
          }
          [h, w] = [newH, newW];
          break;
        }
        case 'flip':
          if (random[at]! < step.probability) mirror(onBytes ? bytes : floats, h, w);
          break;
        case 'resize':
        case 'randomResizedCrop': {
          const piece: [number, number, number, number] =
            step.kind === 'resize' ? [0, 0, h, w] : choosePiece(h, w, step, random, at);
          // The result replaces the image, which the second pass no longer needs.
          const isCubic = step.kind === 'randomResizedCrop' && step.interpolation === 'bicubic';
          resample(floats, spare, floats, w, piece, step.size, isCubic);
          [h, w] = step.size;
          break;
        }
        case 'colorPca':
          addColor(floats, length, step, random, at);
          break;
        case 'colorJitter':
          jitter(floats, length, step, random, at);
          break;
        case 'grayscale':
          if (random[at]! < step.probability) grey(floats, length);
          break;
        case 'blur':
          if (random[at]! < step.probability) {
            const sigma = step.sigma[0] + (step.sigma[1] - step.sigma[0]) * random[at + 1]!;
            blur(floats, spare, h, w, step.size, sigma);
          }
          break;
        case 'normalize':
          normalize(floats, length, step);
          break;
      }
      at += drawsOf[step.kind];
    }
    const length = h * w * channels;
    if (onBytes) convert(bytes, length, out, start);
    else out.set(floats.subarray(0, length), start);
  }

  return {
    shape,
    draws,
    run(bytes, count, random) {
      const inputSize = input.height * input.width * channels;
      const outputSize = shape.height * shape.width * channels;
      const out = new Float32Array(count * outputSize);
      for (let index = 0; index < count; index++) {
        const image = bytes.subarray(index * inputSize, (index + 1) * inputSize);
        augmentImage(image, random, index * draws, out, index * outputSize);
      }
      return out;
    },
  };
}
