/**
 * ONNX Runtime's blocked-layout operations are internal: their block size depends on the processor, and nothing says that
 * they exist or keep their meaning. So they are compared with the plain ones before they are used, in a process of its
 * own, because a wrong block size may as well end in a segmentation fault.
 */
import { execFile } from 'node:child_process';
import { Graph } from '../graph/graph.ts';
import { plainCpu, type Target } from '../graph/target.ts';
import type { Value } from '../graph/value.ts';
import { emitModel } from '../emit/emit.ts';
import { bindingModule, findOnnxruntime, inspectOnnxruntime } from './onnxruntime-package.node.ts';

/** Block sizes that processors have, the likelier first: 16 with AVX-512, 8 with AVX2. */
const BLOCKS = [16, 8] as const;

/** Largest difference of a sum of 288 products of numbers below 1 between two orders of summation, with room. */
const TOLERANCE = 1e-3;

/** The process only loads a library and computes a few thousand products: a minute means that it hangs. */
const TIME_LIMIT_MILLISECONDS = 60_000;

let probed: Promise<Target> | undefined;

/**
 * What this machine's processor is built for: `cpu-blocked` with its block size where the blocked operations agree with
 * the plain ones, otherwise `cpu`. Takes a few tenths of a second; asked again, it answers what it found.
 */
export function probeBlockedLayout(): Promise<Target> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<Target> {
  const folder = findOnnxruntime();
  if (!inspectOnnxruntime(folder).usable) return plainCpu;
  for (const block of BLOCKS) {
    // One after the other: on most machines the first one is right.
    // eslint-disable-next-line no-await-in-loop
    if (await blocksAgree(block, bindingModule(folder!))) return { name: 'cpu-blocked', block };
  }
  return plainCpu;
}

/** Whether the operations with this block size compute what the plain ones do. */
export async function blocksAgree(block: number, binding: string): Promise<boolean> {
  const { model, inputs, pairs } = probeModel(block);
  const task = JSON.stringify({ binding, model: Buffer.from(model).toString('base64'), inputs, pairs });
  const output = await runChild(`(${compare.toString()})(${task}, require)`);
  const differences = parseDifferences(output);
  return differences?.length === pairs.length && differences.every((difference) => difference < TOLERANCE);
}

function parseDifferences(output: string): number[] | undefined {
  try {
    const parsed: unknown = JSON.parse(output);
    return Array.isArray(parsed) ? (parsed as number[]) : undefined;
  } catch {
    return undefined;
  }
}

/** What a program prints; nothing if it fails, crashes or cannot be started. */
function runChild(program: string): Promise<string> {
  return new Promise((resolve) => {
    // Electron's own binary is Node only if it is told so.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' };
    const options = { env, timeout: TIME_LIMIT_MILLISECONDS };
    const child = execFile(process.execPath, ['--input-type=commonjs', '-'], options, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(program);
  });
}

interface Comparison {
  readonly binding: string;
  readonly model: string;
  readonly inputs: readonly { name: string; shape: readonly number[] }[];
  readonly pairs: readonly string[];
}

/** Runs in the child, as text: it uses nothing from outside. Prints the largest difference of each pair of outputs. */
function compare({ binding, model, inputs, pairs }: Comparison, load: (file: string) => unknown): void {
  const { binding: native, initOrt } = load(binding) as {
    binding: {
      InferenceSession: new () => {
        loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
        run(feeds: object, fetches: object, options: object): Record<string, { data: Float32Array }>;
      };
    };
    initOrt(): void;
  };
  initOrt();
  const bytes = Uint8Array.from(Buffer.from(model, 'base64'));
  const session = new native.InferenceSession();
  session.loadModel(bytes.buffer, 0, bytes.length, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds: Record<string, object> = {};
  for (const { name, shape } of inputs) {
    const size = shape.reduce((product, length) => product * length, 1);
    // Any numbers will do that are not the same anywhere a wrong layout would look.
    const data = Float32Array.from({ length: size }, (_, index) => Math.sin(index * 12.9898 + size));
    feeds[name] = { type: 'float32', location: 'cpu', dims: shape, data };
  }
  const fetches: Record<string, null> = {};
  for (const pair of pairs) {
    fetches[`plain ${pair}`] = null;
    fetches[`blocked ${pair}`] = null;
  }
  const results = session.run(feeds, fetches, {});
  const differences = pairs.map((pair) => {
    const plain = results[`plain ${pair}`]!.data;
    const blocked = results[`blocked ${pair}`]!.data;
    let largest = plain.length === blocked.length ? 0 : 1e9;
    plain.forEach((value, index) => {
      const difference = Math.abs(value - blocked[index]!);
      // Written so that a difference that is not a number counts.
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? 1e9 : difference;
    });
    return largest;
  });
  process.stdout.write(JSON.stringify(differences));
}

const IMAGES = 2;
const HEIGHT = 6;
const WIDTH = 7;
/** Two blocks of 16, four of 8. */
const CHANNELS = 32;
const NARROW = 3;

/** A model that computes everything twice: with the plain operations and with the blocked ones. */
function probeModel(block: number) {
  const graph = new Graph({ name: 'cpu-blocked', block });
  const inputs: { name: string; shape: readonly number[] }[] = [];
  const input = (name: string, shape: readonly number[]): Value => {
    inputs.push({ name, shape });
    return graph.input(name, shape, 'float32');
  };
  const image = input('image', [IMAGES, HEIGHT, WIDTH, CHANNELS]);
  const narrow = input('narrow', [IMAGES, NARROW, HEIGHT, WIDTH]);
  const filter = input('filter', [CHANNELS, CHANNELS, 3, 3]);
  const narrowFilter = input('narrow filter', [CHANNELS, NARROW, 3, 3]);
  const depthFilter = input('depth filter', [CHANNELS, 1, 3, 3]);
  const bias = input('bias', [CHANNELS]);

  const op = (name: string, from: Value[], attributes: Record<string, number | number[]>, shape: readonly number[]) =>
    graph.op(name, from, attributes, shape, 'float32');
  const reshape = (value: Value, shape: number[]) =>
    graph.op('Reshape', [value, graph.integers(shape)], {}, shape, 'float32');
  const transpose = (value: Value, perm: number[]) =>
    op('Transpose', [value], { perm }, perm.map((axis) => value.shape[axis]!)); // prettier-ignore
  const blockFilter = (value: Value): Value => {
    const [outer, inner, height, width] = value.shape as [number, number, number, number];
    const split = reshape(value, [outer / block, block, inner / block, block, height, width]);
    return reshape(transpose(split, [0, 2, 4, 5, 3, 1]), [outer, inner, height, width]);
  };
  const blockOuter = (value: Value): Value => {
    const [outer, inner, height, width] = value.shape as [number, number, number, number];
    return reshape(transpose(reshape(value, [outer / block, block, inner, height, width]), [0, 2, 3, 4, 1]), [
      ...value.shape,
    ]);
  };

  const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };
  const strided = { ...same, strides: [2, 2] };
  const depthwise = { ...same, group: CHANNELS };
  const pooling = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] };
  const full = [IMAGES, CHANNELS, HEIGHT, WIDTH];
  const halved = [IMAGES, CHANNELS, HEIGHT / 2, (WIDTH + 1) / 2];
  const pooled = [IMAGES, CHANNELS, 1, 1];

  const plain = transpose(image, [0, 3, 1, 2]);
  const blocked = op('com.microsoft.nchwc:ReorderInput', [image], { channels_last: 1 }, full);
  const unblocked = (value: Value): Value => {
    const [images, channels, height, width] = value.shape as [number, number, number, number];
    const attributes = { channels, channels_last: 1 };
    const last = op('com.microsoft.nchwc:ReorderOutput', [value], attributes, [images, height, width, channels]);
    return transpose(last, [0, 3, 1, 2]);
  };
  const nchwc = (name: string, from: Value[], attributes: Record<string, number | number[]>, shape: number[]): Value =>
    unblocked(op(`com.microsoft.nchwc:${name}`, from, attributes, shape));

  const results: Record<string, readonly [plain: Value, blocked: Value]> = {
    convolution: [
      op('Conv', [plain, filter, bias], same, full),
      nchwc('Conv', [blocked, blockFilter(filter), bias], same, full),
    ],
    'strided convolution': [
      op('Conv', [plain, filter], strided, halved),
      nchwc('Conv', [blocked, blockFilter(filter)], strided, halved),
    ],
    'convolution of few channels': [
      op('Conv', [narrow, narrowFilter], same, full),
      nchwc('Conv', [narrow, blockOuter(narrowFilter)], same, full),
    ],
    'depthwise convolution': [
      op('Conv', [plain, depthFilter], depthwise, full),
      nchwc('Conv', [blocked, blockOuter(depthFilter)], depthwise, full),
    ],
    'maximum pooling': [op('MaxPool', [plain], pooling, halved), nchwc('MaxPool', [blocked], pooling, halved)],
    'average pooling': [
      op('GlobalAveragePool', [plain], {}, pooled),
      nchwc('GlobalAveragePool', [blocked], {}, pooled),
    ],
  };
  const pairs = Object.keys(results);
  const outputs = Object.entries(results).flatMap(([name, [expected, value]]) => [
    { name: `plain ${name}`, value: expected },
    { name: `blocked ${name}`, value },
  ]);
  return { model: emitModel(graph, outputs).bytes, inputs, pairs };
}
