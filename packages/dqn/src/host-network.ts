/**
 * The forward pass of a small Q-network in plain typed arrays. A state at a time is the engine's worst case: the way into
 * a compiled graph and back takes longer than the arithmetic. States of games are mostly zeros, and so are the outputs of
 * ReLUs; both are passed over.
 */
import { copyValues } from '@milestones/backend';
import type { QNetwork } from './model.ts';

type Layer = Pick<QNetwork['output'], 'weight' | 'bias'>;

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
  readonly #nonZero: Float64Array;
  readonly #values: Float32Array;

  /** @param network whose weights are used; it must not be disposed before this */
  constructor(network: QNetwork) {
    this.#network = network;
    this.#input = new Float64Array(network.stateShape.reduce((product, size) => product * size, 1));
    let [height = 1, width = 1, channels = 1] = network.stateShape;
    let largest = this.#input.length;
    for (const convolution of network.convolutions) {
      const { size, stride, outputChannels } = convolution;
      const input = [height, width, channels] as const;
      height = Math.floor((height - size[0]) / stride[0]) + 1;
      width = Math.floor((width - size[1]) / stride[1]) + 1;
      channels = outputChannels;
      const output = new Float64Array(height * width * channels);
      largest = Math.max(largest, output.length);
      this.#convolutions.push({ ...arraysOf(convolution), size, stride, input, output, outputWidth: width });
    }
    for (const dense of [...network.hidden, network.output]) {
      largest = Math.max(largest, dense.outFeatures);
      this.#dense.push({ ...arraysOf(dense), output: new Float64Array(dense.outFeatures) });
    }
    this.#positions = new Int32Array(largest);
    this.#nonZero = new Float64Array(largest);
    this.#values = new Float32Array(network.actions);
  }

  /** Reads the network's weights from the engine. */
  async refresh(): Promise<void> {
    const { convolutions, hidden, output } = this.#network;
    const own = [...this.#convolutions, ...this.#dense];
    const layers = [...convolutions, ...hidden, output];
    await Promise.all(
      layers.map(async ({ weight, bias }, index) => {
        await copyValues(weight.value, own[index]!.weight);
        await copyValues(bias!.value, own[index]!.bias);
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
      x = multiply(layer, x, this.#positions, this.#nonZero);
      if (index < this.#dense.length - 1) rectify(x);
    });
    this.#values.set(x);
    return this.#values;
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

/** Room for the weights of a layer, filled by {@link HostNetwork.refresh}. */
function arraysOf({ weight, bias }: Layer): { weight: Float32Array; bias: Float32Array } {
  return { weight: new Float32Array(weight.size), bias: new Float32Array(bias!.size) };
}

/**
 * y = b + x W, for eight outputs at a time: their sums stay in registers, and the weights of a row lie one after the other.
 *
 * @param positions where the inputs that are not zero lie in W; filled here
 * @param nonZero these inputs; filled here
 */
function multiply(
  { weight, bias, output }: HostDense,
  x: Float64Array,
  positions: Int32Array,
  nonZero: Float64Array,
): Float64Array {
  const features = output.length;
  let count = 0;
  for (let index = 0; index < x.length; index++) {
    const value = x[index]!;
    if (value === 0) continue;
    positions[count] = index * features;
    nonZero[count++] = value;
  }
  let to = 0;
  for (; to + 8 <= features; to += 8) {
    let [y0, y1, y2, y3] = [bias[to]!, bias[to + 1]!, bias[to + 2]!, bias[to + 3]!];
    let [y4, y5, y6, y7] = [bias[to + 4]!, bias[to + 5]!, bias[to + 6]!, bias[to + 7]!];
    for (let index = 0; index < count; index++) {
      const value = nonZero[index]!;
      const at = positions[index]! + to;
      y0 += value * weight[at]!;
      y1 += value * weight[at + 1]!;
      y2 += value * weight[at + 2]!;
      y3 += value * weight[at + 3]!;
      y4 += value * weight[at + 4]!;
      y5 += value * weight[at + 5]!;
      y6 += value * weight[at + 6]!;
      y7 += value * weight[at + 7]!;
    }
    output[to] = y0;
    output[to + 1] = y1;
    output[to + 2] = y2;
    output[to + 3] = y3;
    output[to + 4] = y4;
    output[to + 5] = y5;
    output[to + 6] = y6;
    output[to + 7] = y7;
  }
  for (; to < features; to++) {
    let y = bias[to]!;
    for (let index = 0; index < count; index++) y += nonZero[index]! * weight[positions[index]! + to]!;
    output[to] = y;
  }
  return output;
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
