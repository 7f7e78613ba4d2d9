/**
 * The forward pass of a small Q-network in plain typed arrays. A state at a time is the engine's worst case: the way into
 * a compiled graph and back takes longer than the arithmetic. States of games are mostly zeros, and so are the outputs of
 * ReLUs; both are passed over.
 */
import type { QNetwork } from './model.ts';

interface HostConvolution {
  weight: Float32Array;
  bias: Float32Array;
  size: readonly [number, number];
  stride: readonly [number, number];
  input: readonly [height: number, width: number, channels: number];
  output: Float64Array;
  outputWidth: number;
}

interface HostDense {
  weight: Float32Array;
  bias: Float32Array;
  output: Float64Array;
}

/** More multiplications than this for one state, and the compiled graph is the faster way. */
const worthwhile = 1_000_000;

/** See the file's head. Holds a copy of the weights; {@link refresh} renews it. */
export class HostNetwork {
  readonly #network: QNetwork;
  readonly #convolutions: HostConvolution[] = [];
  readonly #dense: HostDense[] = [];
  readonly #input: Float64Array;
  readonly #positions: Int32Array;
  readonly #values: Float32Array;

  /** @param network whose weights are used; it must not be disposed before this */
  constructor(network: QNetwork) {
    this.#network = network;
    this.#input = new Float64Array(network.stateShape.reduce((product, size) => product * size, 1));
    let [height = 1, width = 1, channels = 1] = network.stateShape;
    let largest = this.#input.length;
    for (const { size, stride, outputChannels } of network.convolutions) {
      const input = [height, width, channels] as const;
      height = Math.floor((height - size[0]) / stride[0]) + 1;
      width = Math.floor((width - size[1]) / stride[1]) + 1;
      channels = outputChannels;
      const output = new Float64Array(height * width * channels);
      largest = Math.max(largest, output.length);
      this.#convolutions.push({ ...empty(), size, stride, input, output, outputWidth: width });
    }
    for (const { outFeatures } of [...network.hidden, network.output]) {
      largest = Math.max(largest, outFeatures);
      this.#dense.push({ ...empty(), output: new Float64Array(outFeatures) });
    }
    this.#positions = new Int32Array(largest);
    this.#values = new Float32Array(network.actions);
  }

  /** Reads the network's weights from the engine. */
  async refresh(): Promise<void> {
    const { convolutions, hidden, output } = this.#network;
    const own = [...this.#convolutions, ...this.#dense];
    const layers = [...convolutions, ...hidden, output];
    await Promise.all(
      layers.map(async ({ weight, bias }, index) => {
        own[index]!.weight = (await weight.value.data()) as Float32Array;
        own[index]!.bias = (await bias!.value.data()) as Float32Array;
      }),
    );
  }

  /** The value of each action, [A]; overwritten by the next call. */
  values(state: ArrayLike<number>): Float32Array {
    const { scale } = this.#network;
    for (let index = 0; index < this.#input.length; index++) this.#input[index] = state[index]! * scale;
    let x = this.#input;
    for (const layer of this.#convolutions) x = convolve(layer, x);
    this.#dense.forEach((layer, index) => {
      x = this.#multiply(layer, x);
      if (index < this.#dense.length - 1) rectify(x);
    });
    this.#values.set(x);
    return this.#values;
  }

  /** y = b + x W, row by row of W, four rows at a time so that y is read and written a quarter as often. */
  #multiply({ weight, bias, output }: HostDense, x: Float64Array): Float64Array {
    const features = output.length;
    const positions = this.#positions;
    let count = 0;
    for (let index = 0; index < x.length; index++) if (x[index] !== 0) positions[count++] = index;
    for (let to = 0; to < features; to++) output[to] = bias[to]!;
    let at = 0;
    for (; at + 4 <= count; at += 4) {
      const [p0, p1, p2, p3] = [positions[at]!, positions[at + 1]!, positions[at + 2]!, positions[at + 3]!];
      const [x0, x1, x2, x3] = [x[p0]!, x[p1]!, x[p2]!, x[p3]!];
      const [w0, w1, w2, w3] = [p0 * features, p1 * features, p2 * features, p3 * features];
      for (let to = 0; to < features; to++) {
        output[to]! += x0 * weight[w0 + to]! + x1 * weight[w1 + to]! + x2 * weight[w2 + to]! + x3 * weight[w3 + to]!;
      }
    }
    for (; at < count; at++) {
      const value = x[positions[at]!]!;
      const row = positions[at]! * features;
      for (let to = 0; to < features; to++) output[to]! += value * weight[row + to]!;
    }
    return output;
  }
}

/** Whether {@link HostNetwork} is the faster way for this network. */
export function suitsHost(network: QNetwork): boolean {
  let [height = 1, width = 1] = network.stateShape;
  let multiplications = 0;
  for (const { size, stride, inputChannels, outputChannels } of network.convolutions) {
    height = Math.floor((height - size[0]) / stride[0]) + 1;
    width = Math.floor((width - size[1]) / stride[1]) + 1;
    multiplications += height * width * size[0] * size[1] * inputChannels * outputChannels;
  }
  for (const { weight } of [...network.hidden, network.output]) multiplications += weight.size;
  return multiplications < worthwhile;
}

/** The index of the largest value, the first of equals. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index;
  return best;
}

function empty(): { weight: Float32Array; bias: Float32Array } {
  return { weight: new Float32Array(0), bias: new Float32Array(0) };
}

/** A convolution and its ReLU. Within a row of the filter, inputs and weights lie one after the other. */
function convolve(layer: HostConvolution, x: Float64Array): Float64Array {
  const { weight, bias, size, stride, input, output, outputWidth } = layer;
  const [, width, channels] = input;
  const filters = bias.length;
  const run = size[1] * channels;
  for (let to = 0, pixel = 0; to < output.length; to += filters, pixel++) {
    const top = Math.floor(pixel / outputWidth) * stride[0];
    const left = (pixel % outputWidth) * stride[1];
    for (let filter = 0; filter < filters; filter++) output[to + filter] = bias[filter]!;
    for (let row = 0; row < size[0]; row++) {
      const from = ((top + row) * width + left) * channels;
      for (let tap = 0; tap < run; tap++) {
        const value = x[from + tap]!;
        if (value === 0) continue;
        const weights = (row * run + tap) * filters;
        for (let filter = 0; filter < filters; filter++) output[to + filter]! += value * weight[weights + filter]!;
      }
    }
  }
  rectify(output);
  return output;
}

function rectify(values: Float64Array): void {
  for (let index = 0; index < values.length; index++) if (values[index]! < 0) values[index] = 0;
}
