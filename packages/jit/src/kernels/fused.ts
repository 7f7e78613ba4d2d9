/**
 * Operations that `@milestones/core` asks for in one piece (see `runFused` in `@milestones/backend`): layer norm, GELU,
 * softmax cross-entropy with their gradients, and Adam's update of all parameters. None is a kernel of tfjs; elsewhere
 * core composes them.
 */
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { matMul } from '../build/matmul.ts';
import { reduce } from '../build/reduce.ts';
import { cast, concat, full, reshape, slice } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { canSplit } from '../graph/target.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import { isScalable } from '../passes/scaled-products.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

/** x [..., C], weight [C], bias [C] (optional) → y, mean [..., 1], 1 / √(variance + ε) [..., 1]. */
const layerNorm: Kernel = (graph, { x, weight, bias }, { epsilon }) => {
  const { shape } = x!;
  const rows = [...shape.slice(0, -1), 1];
  if (x!.size === 0) return [shape, rows, rows].map((each) => full(graph, each, 0, 'float32'));
  if (graph.target.name === 'webgpu') {
    // The GPU's own operation loses the variance where the mean is large.
    const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
    const mean = reduce(graph, 'ReduceMean', x!, [-1], true);
    const centred = op('Sub', x!, mean);
    const variance = reduce(graph, 'ReduceMean', op('Mul', centred, centred), [-1], true);
    const inverse = op('Reciprocal', op('Sqrt', op('Add', variance, graph.scalar(epsilon as number))));
    const scaled = op('Mul', op('Mul', centred, inverse), weight!);
    return [bias === undefined ? scaled : op('Add', scaled, bias), mean, inverse];
  }
  return graph.node(
    'LayerNormalization',
    // ONNX Runtime 1.30 crashes on a bias that is there in name only.
    [materialize(graph, x!), weight!, ...(bias === undefined ? [] : [bias])],
    { axis: -1, epsilon: { float: epsilon as number } },
    [shape, rows, rows].map((each) => ({ shape: each, dtype: 'float32' })),
  );
};

/**
 * With x̂ = (x − mean) · inverse: dweight = Σ dy · x̂ and dbias = Σ dy over the rows, and
 * dx = (dy · weight − mean(dy · weight) − x̂ · mean(dy · x̂ · weight)) · inverse.
 *
 * Both means are products with the vector weight / C: dy and dy · x̂, which are there anyway, are read once more, and
 * nothing is written but a number for each row.
 */
const layerNormGradient: Kernel = (graph, { dy, x, mean, inverse, weight }) => {
  const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
  const features = x!.shape.at(-1)!;
  const leading = x!.shape.slice(0, -1).map((_, axis) => axis);
  const share = reshape(graph, op('Mul', weight!, graph.scalar(1 / features)), [features, 1]);
  const normalised = op('Mul', op('Sub', x!, mean!), inverse!);
  const product = op('Mul', dy!, normalised);
  const level = matMul(graph, dy!, share); // [..., 1]
  const along = matMul(graph, product, share); // [..., 1]
  const slope = op('Sub', op('Sub', op('Mul', dy!, weight!), level), op('Mul', normalised, along));
  return [
    op('Mul', slope, inverse!),
    reduce(graph, 'ReduceSum', product, leading, false),
    reduce(graph, 'ReduceSum', dy!, leading, false),
  ];
};

/** x · Φ(x). */
const gelu: Kernel = (graph, { x }) => elementwise(graph, 'Gelu', [x!], { approximate: 'none' });

/** dx = dy · (Φ(x) + x φ(x)). With u = x / √2: Φ(x) = (1 + erf(u)) / 2, and x φ(x) = u · e^(−u²) / √π. */
const geluGradient: Kernel = (graph, { dy, x }) => {
  const op = (name: string, ...inputs: Value[]): Value => elementwise(graph, name, inputs);
  const u = op('Mul', x!, graph.scalar(Math.SQRT1_2));
  // HardSigmoid is min(1, max(0, α z + β)), and erf is never beyond ±1: a product and a sum in one pass over memory.
  const share = elementwise(graph, 'HardSigmoid', [op('Erf', u)], { alpha: { float: 0.5 }, beta: { float: 0.5 } });
  // e^(ln(1/√π) − u²): the factor costs nothing up there.
  const bell = op('Exp', op('Sub', graph.scalar(-0.5 * Math.log(Math.PI)), op('Mul', u, u)));
  return op('Mul', op('Add', share, op('Mul', u, bell)), dy!);
};

/** Labels [rows] as int64 indices of the last axis, [rows, 1]. Labels that no class has are moved to the nearest. */
function classIndices(graph: Graph, labels: Value, classes: number): Value {
  // An ignored label may be anything, and its loss is masked later; an index out of range would end the run.
  const bounded = elementwise(graph, 'Min', [
    elementwise(graph, 'Max', [labels, graph.scalar(0, 'int32')]),
    graph.scalar(classes - 1, 'int32'),
  ]);
  return reshape(graph, cast(graph, bounded, 'int64'), [labels.size, 1]);
}

/** Of each row of a matrix. */
function logSoftmax(graph: Graph, logits: Value): Value {
  const { shape, dtype } = logits;
  if (graph.target.name !== 'webgpu') return graph.op('LogSoftmax', [logits], { axis: 1 }, shape, dtype);
  // The GPU has no such operation.
  const shifted = elementwise(graph, 'Sub', [logits, reduce(graph, 'ReduceMax', logits, [1], true)]);
  const total = reduce(graph, 'ReduceSum', elementwise(graph, 'Exp', [shifted]), [1], true);
  return elementwise(graph, 'Sub', [shifted, elementwise(graph, 'Log', [total])]);
}

/** logits [rows, K], labels int32 [rows] → −log softmax(logits)[label] [rows], softmax(logits) [rows, K]. */
const softmaxCrossEntropy: Kernel = (graph, { logits, labels }) => {
  const [rows, classes] = logits!.shape as [number, number];
  if (logits!.size === 0) return [full(graph, [rows], 0, 'float32'), full(graph, [rows, classes], 0, 'float32')];
  // From the logarithm, not of the probability: a probability below 1e-38 is 0, and its logarithm lost.
  const logarithms = logSoftmax(graph, materialize(graph, logits!));
  const indices = classIndices(graph, labels!, classes);
  const picked = graph.op('GatherElements', [logarithms, indices], { axis: 1 }, [rows, 1], 'float32');
  return [
    reshape(graph, elementwise(graph, 'Neg', [picked]), [rows]),
    elementwise(graph, 'Exp', [logarithms]), // Left out of the model where no gradient is asked for.
  ];
};

/** dlogits = (probabilities − one-hot(labels)) · dy. The one-hot matrix is never made: one number a row is subtracted. */
const softmaxCrossEntropyGradient: Kernel = (graph, { dy, probabilities, labels }) => {
  const [rows, classes] = probabilities!.shape as [number, number];
  if (probabilities!.size === 0) return full(graph, [rows, classes], 0, 'float32');
  // One number in each row, and in place: ScatterND would copy the matrix first.
  const inputs = [
    materialize(graph, probabilities!),
    classIndices(graph, labels!, classes),
    full(graph, [rows, 1], -1, 'float32'),
  ];
  const difference = graph.op('ScatterElements', inputs, { axis: 1, reduction: 'add' }, [rows, classes], 'float32');
  return elementwise(graph, 'Mul', [difference, reshape(graph, dy!, [rows, 1])]);
};

/**
 * Adam's update of all parameters, as one vector: g ← g + decay · θ, m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
 * θ ← kept · θ − size · m / (√v + ε). Inputs `value0`, `gradient0`, `first0`, `second0`, `value1`, …, and the scalars
 * `size`, `epsilon` and `kept` (optional); outputs all θ, all m, all v.
 */
const adam: Kernel = (graph, inputs, { count, beta1, beta2, decay }) => {
  const shapes = Array.from({ length: count as number }, (_, index) => inputs[`value${index}`]!.shape);
  const sizes = shapes.map(sizeOf);
  const joined = (values: readonly Value[]): Value => {
    const flat = values.map((value) => reshape(graph, value, [value.size]));
    return concat(graph, flat, 0);
  };
  const packed = (name: string): Value => joined(sizes.map((_, index) => inputs[`${name}${index}`]!));
  const op = (name: string, ...operands: Value[]): Value => elementwise(graph, name, operands);
  const scaled = (value: Value, factor: number): Value => op('Mul', value, graph.scalar(factor));
  const value = packed('value');
  const gradients = sizes.map((_, index) => inputs[`gradient${index}`]!);
  let [first, second] = [scaled(packed('first'), beta1 as number), scaled(packed('second'), beta2 as number)];
  let rest = 1 - (beta2 as number);
  if (decay === 0 && areScalable(graph, gradients)) {
    // Products take over the factor 1 − β₁ (see passes/scaled-products.ts); the squares then have it twice.
    const share = 1 - (beta1 as number);
    const slope = joined(gradients.map((gradient) => scaled(gradient, share)));
    first = op('Add', first, slope);
    rest /= share ** 2;
    second = op('Add', second, scaled(op('Mul', slope, slope), rest));
  } else {
    const slope = joined(gradients);
    const gradient = decay === 0 ? slope : op('Add', slope, scaled(value, decay as number));
    first = op('Add', first, scaled(gradient, 1 - (beta1 as number)));
    second = op('Add', second, scaled(op('Mul', gradient, gradient), rest));
  }
  const step = op('Mul', op('Div', first, op('Add', op('Sqrt', second), inputs['epsilon']!)), inputs['size']!);
  const { kept } = inputs;
  const next = op('Sub', kept === undefined ? value : op('Mul', value, kept), step);
  return [next, first, second].flatMap((vector) => unpacked(graph, vector, shapes));
};

/** Whether nearly all values of the gradients are in products, which can take over a factor. */
function areScalable(graph: Graph, gradients: readonly Value[]): boolean {
  if (graph.target.without?.includes('scaled gradients') === true) return false;
  const size = (values: readonly Value[]): number => values.reduce((sum, value) => sum + value.size, 0);
  return size(gradients.filter(isScalable)) > 0.9 * size(gradients);
}

/** The parts of a vector, each in its shape. */
function unpacked(graph: Graph, vector: Value, shapes: readonly (readonly number[])[]): Value[] {
  if (shapes.length === 1) return [reshape(graph, vector, shapes[0]!)];
  const sizes = shapes.map(sizeOf);
  if (!canSplit(graph.target, sizes.length)) {
    let start = 0;
    return shapes.map((shape, index) => {
      const part = slice(graph, vector, [start], [sizes[index]!]);
      start += sizes[index]!;
      return reshape(graph, part, shape);
    });
  }
  const parts = graph.node(
    'Split',
    [vector, graph.integers(sizes)],
    { axis: 0 },
    sizes.map((size) => ({ shape: [size], dtype: 'float32' })),
  );
  return parts.map((part, index) => reshape(graph, part, shapes[index]!));
}

/** See the file's head. */
export const fused: KernelFamily = {
  MilestonesLayerNorm: layerNorm,
  MilestonesLayerNormGradient: layerNormGradient,
  MilestonesGelu: gelu,
  MilestonesGeluGradient: geluGradient,
  MilestonesSoftmaxCrossEntropy: softmaxCrossEntropy,
  MilestonesSoftmaxCrossEntropyGradient: softmaxCrossEntropyGradient,
  MilestonesAdam: adam,
};
