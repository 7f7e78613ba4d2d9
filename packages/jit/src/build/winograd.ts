/**
 * Convolutions of 3 × 3 filters with a quarter of the multiplications (Winograd's minimal filtering, as Lavin and Gray 2015
 * have it for networks), and their gradients.
 *
 * The image is cut into tiles of 6 × 6 pixels, which overlap by 2 and give 4 × 4 pixels of the result. Tile d and filter g
 * become Bᵀ d B and G g Gᵀ; their product, element by element and summed over the channels, is Aᵀ (…) A away from the result.
 * The sums over channels are then 36 products of matrices, [tiles · N, I] with [I, O], in place of 9 · 16.
 *
 * With the pixels as the first axes, [H, W, N, C], the transforms of all tiles along one axis are one small matrix, with a
 * row for each value of each tile and a column for each pixel; it multiplies the whole batch at once, and what it gives lies
 * as the products want it. A filter lies right as tfjs has it, [3 · 3, I, O]. So everything is a product of matrices and
 * nothing is moved; the gradients are the same products backwards, with the transformed images of the way forward.
 *
 * With the points 0, ±1, 1/2, −2 and ∞ the rounding error is that of a plain sum: 1e-6 of the result, measured at 256
 * channels. (The usual 0, ±1, ±2, ∞ has four times that.) A pixel that is infinite or not a number spoils its whole image
 * and not its surroundings alone, since it is multiplied by zeros.
 */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { asLayout, physical, type ImageShape } from './layout.ts';
import { matMul } from './matmul.ts';
import { reduce } from './reduce.ts';
import { reshape } from './shape.ts';
import type { Sliding } from './window.ts';

const FILTER = 3;
const TILE = 4;
const LENGTH = TILE + FILTER - 1;

/** Where the polynomials are evaluated, besides infinity. */
const POINTS: readonly number[] = [0, 1, -1, 0.5, -2];

type Matrix = readonly (readonly number[])[];

/** Coefficients of Π (z − root), from the constant one on. */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (product, root) =>
      Array.from(
        { length: product.length + 1 },
        (_, power) => (product[power - 1] ?? 0) - root * (product[power] ?? 0),
      ),
    [1],
  );
}

const norm = (row: readonly number[]): number => Math.hypot(...row);

/** Aᵀ [TILE, LENGTH], Bᵀ [LENGTH, LENGTH] and G [LENGTH, FILTER] of one axis. */
function alongOneAxis(): { output: Matrix; input: Matrix; filter: Matrix } {
  const powers = (point: number, count: number): number[] =>
    Array.from({ length: count }, (_, power) => point ** power);
  const input: number[][] = [];
  const filter: number[][] = [];
  POINTS.forEach((point) => {
    const others = POINTS.filter((other) => other !== point);
    const scale = others.reduce((product, other) => product * (point - other), 1);
    filter.push(powers(point, FILTER).map((power) => power / scale));
    input.push([...polynomial(others), 0]);
  });
  filter.push(Array.from({ length: FILTER }, (_, power) => Number(power === FILTER - 1)));
  input.push(polynomial(POINTS));
  // A power of two from one side to the other changes no digit and keeps the numbers of both alike in size.
  const balance = input.map((row, index) => 2 ** Math.round(Math.log2(norm(filter[index]!) / norm(row)) / 2));
  return {
    output: Array.from({ length: TILE }, (_, place) => [
      ...POINTS.map((point) => point ** place),
      Number(place === TILE - 1),
    ]),
    input: input.map((row, index) => row.map((number) => number * balance[index]!)),
    filter: filter.map((row, index) => row.map((number) => number / balance[index]!)),
  };
}

const oneAxis = alongOneAxis();

/** As measured on two cores: multiplications a nanosecond, and numbers that are read or written. */
const SPEED = { convolution: 110, filterGradient: 72, products: 90, filters: 12, numbers: 3 };

/** From this many numbers on, transformed images take too much memory. */
const MOST_NUMBERS = 2 ** 26;

/**
 * Whether a convolution and its gradients are expected to be faster in this way: it saves multiplications and moves more
 * numbers, so that it takes many channels (128 for images of 8 × 8 to 16 × 16), and images enough to be worth the
 * transforms of the filters. The gradients must decide as the convolution does, because they share its transforms.
 */
export function isWinogradFaster(graph: Graph, sliding: Sliding): boolean {
  const { window, input, output } = sliding;
  const isPlain = [window.strides, window.dilations].every((pair) => pair[0] === 1 && pair[1] === 1);
  const { name, portable = false, without = [] } = graph.target;
  if (without.includes('fewer multiplications')) return false;
  if (name === 'webgpu' || portable || !isPlain || window.size.some((size) => size !== FILTER)) return false;
  if (sizeOf(input) === 0 || sizeOf(output) === 0) return false;
  const [images, , width, inner] = input;
  const [, outputHeight, outputWidth, outer] = output;
  const [rows, columns] = [0, 1].map((axis) => LENGTH * tilesAlong(sliding, axis as 0 | 1)) as [number, number];
  const values = images * rows * columns;
  if (values * Math.max(inner, outer) > MOST_NUMBERS) return false;
  const direct = images * outputHeight * outputWidth * FILTER ** 2 * inner * outer;
  const moved = values * (inner + outer);
  const halfway = images * rows * (width * inner + outputWidth * outer);
  const products = (values * inner * outer) / SPEED.products + moved / SPEED.numbers;
  const transforms = (2 * (moved + halfway)) / SPEED.numbers;
  const filters = (LENGTH ** 2 * FILTER ** 2 * inner * outer) / SPEED.filters;
  return 3 * products + 2 * transforms + 2 * filters < (2 * direct) / SPEED.convolution + direct / SPEED.filterGradient;
}

const tilesAlong = ({ output }: Sliding, axis: 0 | 1): number => Math.ceil(output[axis + 1]! / TILE);

/** The transforms of all tiles along one axis, each also transposed. */
interface AxisTransforms {
  readonly tiles: number;
  /** [6 · tiles, pixels of the image]. */
  readonly input: Value;
  readonly inputBack: Value;
  /** [6 · tiles, pixels of the result]: that of the adjoint; `outputBack` leads from tiles to pixels. */
  readonly output: Value;
  readonly outputBack: Value;
}

/** Large constants are not compared: whoever asks for the same transforms must get the same values. */
const made = new WeakMap<Graph, { axes: Map<string, AxisTransforms>; filter: Value; filterBack: Value }>();

function constantsOf(graph: Graph) {
  const known = made.get(graph);
  if (known !== undefined) return known;
  const constants = {
    axes: new Map<string, AxisTransforms>(),
    filter: matrixConstant(graph, filterTransform),
    filterBack: matrixConstant(graph, transposed(filterTransform)),
  };
  made.set(graph, constants);
  return constants;
}

function transformsAlong(graph: Graph, axis: 0 | 1, sliding: Sliding): AxisTransforms {
  const before = sliding.window.before[axis];
  const [inputs, outputs] = [sliding.input[axis + 1]!, sliding.output[axis + 1]!];
  const key = [before, inputs, outputs].join();
  const { axes } = constantsOf(graph);
  const known = axes.get(key);
  if (known !== undefined) return known;
  const tiles = tilesAlong(sliding, axis);
  const rows = (pixels: number, entry: (value: number, tile: number, pixel: number) => number | undefined): Matrix =>
    Array.from({ length: LENGTH * tiles }, (_, row) =>
      Array.from({ length: pixels }, (__, pixel) => entry(Math.floor(row / tiles), row % tiles, pixel) ?? 0),
    );
  const input = rows(inputs, (value, tile, pixel) => oneAxis.input[value]![pixel + before - tile * TILE]);
  const output = rows(outputs, (value, tile, pixel) => oneAxis.output[pixel - tile * TILE]?.[value]);
  const transforms = {
    tiles,
    input: matrixConstant(graph, input),
    inputBack: matrixConstant(graph, transposed(input)),
    output: matrixConstant(graph, output),
    outputBack: matrixConstant(graph, transposed(output)),
  };
  axes.set(key, transforms);
  return transforms;
}

const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));

const matrixConstant = (graph: Graph, matrix: Matrix): Value =>
  graph.constant(matrix.flat(), [matrix.length, matrix[0]!.length], 'float32');

/** The transforms of one convolution, along H and W. */
type Transforms = readonly [down: AxisTransforms, across: AxisTransforms];

const transformsOf = (graph: Graph, sliding: Sliding): Transforms => [
  transformsAlong(graph, 0, sliding),
  transformsAlong(graph, 1, sliding),
];

/** Images [N, H, W, C] as matrices for the products: [6, tiles down, 6, tiles across · N, C]. */
function toTiles(graph: Graph, image: Value, [down, across]: Transforms, side: 'input' | 'output'): Value {
  const [n, h, w, c] = image.shape as unknown as ImageShape;
  const columns = reshape(graph, physical(graph, image, 'pixels'), [h, w * n * c]);
  const halfway = reshape(graph, matMul(graph, down[side], columns), [LENGTH * down.tiles, w, n * c]);
  const values = matMul(graph, across[side], halfway);
  return reshape(graph, values, [LENGTH, down.tiles, LENGTH, across.tiles * n, c]);
}

/** The adjoint of {@link toTiles}. */
function fromTiles(
  graph: Graph,
  matrices: Value,
  [down, across]: Transforms,
  side: 'inputBack' | 'outputBack',
  [n, h, w, c]: ImageShape,
): Value {
  const values = reshape(graph, matrices, [LENGTH * down.tiles, LENGTH * across.tiles, n * c]);
  const halfway = reshape(graph, matMul(graph, across[side], values), [LENGTH * down.tiles, w * n * c]);
  const image = reshape(graph, matMul(graph, down[side], halfway), [h, w, n, c]);
  return asLayout(graph, image, 'pixels', [n, h, w, c]);
}

/** G of both axes, [36, 9]. */
const filterTransform: Matrix = oneAxis.filter.flatMap((down) =>
  oneAxis.filter.map((across) => down.flatMap((left) => across.map((right) => left * right))),
);

/** A filter [3, 3, I, O] as matrices [6, 1, 6, I, O]. */
function filterMatrices(graph: Graph, filter: Value): Value {
  const [, , inner, outer] = filter.shape as unknown as ImageShape;
  const flat = reshape(graph, filter, [FILTER ** 2, inner * outer]);
  const values = matMul(graph, constantsOf(graph).filter, flat);
  return reshape(graph, values, [LENGTH, 1, LENGTH, inner, outer]);
}

/** The convolution of [N, H, W, I] with a filter [3, 3, I, O]. */
export function winograd(graph: Graph, x: Value, filter: Value, sliding: Sliding): Value {
  const transforms = transformsOf(graph, sliding);
  const products = matMul(graph, toTiles(graph, x, transforms, 'input'), filterMatrices(graph, filter));
  return fromTiles(graph, products, transforms, 'outputBack', sliding.output);
}

/** Its gradient with respect to the image. */
export function winogradInputGradient(graph: Graph, dy: Value, filter: Value, sliding: Sliding): Value {
  const transforms = transformsOf(graph, sliding);
  const gradients = toTiles(graph, dy, transforms, 'output');
  const products = matMul(graph, gradients, filterMatrices(graph, filter), false, true);
  return fromTiles(graph, products, transforms, 'inputBack', sliding.input);
}

/** Its gradient with respect to the filter, [3, 3, I, O]. */
export function winogradFilterGradient(graph: Graph, x: Value, dy: Value, sliding: Sliding): Value {
  const transforms = transformsOf(graph, sliding);
  const images = toTiles(graph, x, transforms, 'input');
  const products = matMul(graph, images, toTiles(graph, dy, transforms, 'output'), true); // [6, tiles, 6, I, O]
  const [inner, outer] = [sliding.input[3], sliding.output[3]];
  const sums = reduce(graph, 'ReduceSum', products, [1], false);
  const flat = reshape(graph, sums, [LENGTH ** 2, inner * outer]);
  const gradient = matMul(graph, constantsOf(graph).filterBack, flat);
  return reshape(graph, gradient, [FILTER, FILTER, inner, outer]);
}
