/**
 * The inference graph of a function of tensors as an ONNX file that any runtime can load: operations of the ONNX standard
 * only, named inputs and results, variables as constants, and a batch size that is chosen when the model runs.
 */
import type * as tf from '@tensorflow/tfjs';
import { materialize } from '../build/layout.ts';
import { emitModel, ONNX_IR_VERSION, ONNX_OPSET } from '../emit/emit.ts';
import type { Graph } from '../graph/graph.ts';
import { portableCpu } from '../graph/target.ts';
import { isTensorDtype, tensorArray, type TensorDtype } from '../graph/tensor-array.ts';
import { sizeOf, type GraphArray, type Value } from '../graph/value.ts';
import { traceStep, type StepResult, type Trace } from '../trace/trace.ts';
import { Generalizer, sameNumbers } from './generalize.ts';

/** An input of an exported model. */
export interface ExportInput {
  /** Sizes; a name stands for a size that is chosen when the model runs. One name can appear, in any number of places. */
  readonly shape: readonly (number | string)[];
  readonly dtype: TensorDtype;
}

/** Settings of {@link exportGraph}. */
export interface ExportOptions {
  /** Name of the result where the function returns one tensor; default `output`. */
  readonly outputName?: string;
  /** Names of the weights in the file; by default those that tfjs gave the variables. */
  readonly variableNames?: ReadonlyMap<tf.Variable, string>;
  /** Texts that the file carries, besides `opset` and `ir_version`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * What the unknown size is while tracing: two to find how sizes depend on it, one to check. Primes that no model has as a
 * size of its own, and near each other, so that no limit on sizes lies between them.
 */
const SAMPLES = [53, 59, 61];

/** An ONNX file is one protobuf message, and those end here. */
const LARGEST_FILE = 2 ** 31 - 1;

/**
 * Records `model` and returns it as an ONNX file (opset 20, IR version 9; the file's metadata say so too).
 *
 * Shapes of a trace are fixed. For an unknown size the function is therefore recorded with three sizes, and what differs
 * between them becomes a function of the size: a model in which that is more than sizes is refused. The size must be at
 * least 1 when the model runs. ONNX Runtime is not needed for exporting, and any engine may be active.
 *
 * @param model a synchronous function of tensors by name that reads variables and assigns none; it returns a tensor, or
 *   tensors by name. What else it reads is recorded as it is now
 * @param inputs the inputs by name, in the order that the file shall have
 * @throws Error for inputs that make no sense, a variable that is assigned, and a size that cannot be unknown;
 *   `TracingError` for what no graph can express
 */
export async function exportGraph(
  model: (inputs: Record<string, tf.Tensor>) => StepResult,
  inputs: Readonly<Record<string, ExportInput>>,
  options: ExportOptions = {},
): Promise<Uint8Array> {
  const named = Object.entries(inputs);
  const symbol = { name: symbolOf(named) ?? '', samples: [1] };
  if (symbol.name !== '') symbol.samples = SAMPLES;
  const traces = symbol.samples.map((sample) => traceOf(model, named, sample));
  const weights = await weightsOf(traces);
  checkSize(weights);

  const declared = new Map(
    named.map(([name, { dtype }], position) => [
      `argument${position}`,
      (graph: Graph): Value => graph.input(name, traces[0]!.inputs[position]!.shape, dtype),
    ]),
  );
  const constants = new Map<string, Value>();
  const constant =
    (input: string, weight: Weight) =>
    (graph: Graph): Value => {
      const value = constants.get(input) ?? graph.constant(weight.data, weight.shape, weight.dtype);
      constants.set(input, value);
      return value;
    };
  const known = [...declared, ...[...weights].map(([input, weight]) => [input, constant(input, weight)] as const)];
  const generalizer = new Generalizer(symbol, new Map(known), (graph) => readSize(graph, named));

  const { graph } = generalizer;
  const modelInputs = [...declared.values()].map((declare) => declare(graph));
  const shapes = new Map<Value, readonly (number | string)[]>(
    modelInputs.map((value, position) => [value, named[position]![1].shape]),
  );
  const outputs = traces[0]!.results.map(({ name }, position) => {
    const aligned = traces.map((trace) => materialize(trace.graph, trace.results[position]!.value));
    return {
      name: name ?? options.outputName ?? 'output',
      value: generalizer.value(aligned),
      shape: generalizer.shape(aligned),
    };
  });
  const taken = new Set([...named.map(([name]) => name), ...outputs.map(({ name }) => name)]);
  if (taken.size < named.length + outputs.length) {
    throw new Error(
      `exportGraph: an input and a result are both called one of ${[...taken].join(', ')}; name them apart.`,
    );
  }
  const constantNames = new Map<Value, string>();
  for (const [input, value] of constants) {
    const { variable } = weights.get(input)!;
    const name = variable && (options.variableNames?.get(variable) ?? variable.name);
    if (name === undefined || taken.has(name) || constantNames.has(value)) continue;
    taken.add(name);
    constantNames.set(value, name);
  }
  return emitModel(graph, outputs, {
    inputs: modelInputs,
    shapes,
    constantNames,
    domains: [''],
    metadata: { ...options.metadata, opset: String(ONNX_OPSET), ir_version: String(ONNX_IR_VERSION) },
  }).bytes;
}

/** The one name among the sizes, if there is one. Refuses inputs that make no sense. */
function symbolOf(named: readonly (readonly [string, ExportInput])[]): string | undefined {
  const symbols = new Set<string>();
  for (const [name, { shape, dtype }] of named) {
    if (name === '' || name.startsWith('%')) {
      throw new Error(`exportGraph: an input is called '${name}'; give it a name that begins with a letter.`);
    }
    if (!isTensorDtype(dtype)) {
      throw new Error(`exportGraph: the input '${name}' has the type ${String(dtype)}; give float32, int32 or bool.`);
    }
    for (const size of shape) {
      if (typeof size === 'string' && size !== '') symbols.add(size);
      else if (!Number.isSafeInteger(size) || (size as number) < 1) {
        throw new Error(
          `exportGraph: the input '${name}' has the shape [${shape.join(', ')}]; give whole numbers from 1 on, ` +
            "or a name such as 'batch' for a size that is chosen later.",
        );
      }
    }
  }
  if (symbols.size > 1) {
    throw new Error(
      `exportGraph: the sizes ${[...symbols].join(' and ')} are both unknown; one can be, give numbers for the others.`,
    );
  }
  return [...symbols][0];
}

function traceOf(
  model: (inputs: Record<string, tf.Tensor>) => StepResult,
  named: readonly (readonly [string, ExportInput])[],
  sample: number,
): Trace {
  const signature = named.map(([, { shape, dtype }]) => ({
    shape: shape.map((size) => (typeof size === 'string' ? sample : size)),
    dtype,
  }));
  const step = (...tensors: tf.Tensor[]): StepResult =>
    model(Object.fromEntries(named.map(([name], position) => [name, tensors[position]!])));
  const trace = traceStep(step, signature, portableCpu);
  const assigned = trace.variables.find(({ after }) => after !== undefined);
  if (assigned !== undefined) {
    throw new Error(
      `exportGraph: the model assigns the variable '${assigned.variable.name}', as in training; export it in ` +
        'evaluation mode (model.eval()), or write the function without the assignment.',
    );
  }
  return trace;
}

/** What a graph input other than an argument holds. */
interface Weight {
  readonly data: GraphArray;
  readonly shape: readonly number[];
  readonly dtype: TensorDtype;
  readonly variable: tf.Variable | undefined;
}

/** Values of the variables and captured tensors, by the name that they have as inputs of the traces. */
async function weightsOf(traces: readonly Trace[]): Promise<Map<string, Weight>> {
  const weights = new Map<string, Weight>();
  for (const trace of traces) {
    for (const { input, values } of trace.captured) {
      const name = input.inputName!;
      const known = weights.get(name);
      weights.set(name, { data: values, shape: input.shape, dtype: input.dtype as TensorDtype, variable: undefined });
      if (known !== undefined && (sizeOf(known.shape) !== input.size || !sameNumbers(known, { data: values }))) {
        throw new Error(
          `exportGraph: the model reads another tensor of shape [${input.shape.join(', ')}] from call to call; ` +
            'make it an input, or create it once before.',
        );
      }
    }
  }
  const read = traces[0]!.variables.map(async ({ variable, before }) => {
    const dtype = variable.dtype as TensorDtype;
    // Not dataSync: a GPU's values come later.
    const data = tensorArray(await variable.data(), dtype);
    weights.set(before!.inputName!, { data, shape: variable.shape, dtype, variable });
  });
  await Promise.all(read);
  return weights;
}

function checkSize(weights: ReadonlyMap<string, Weight>): void {
  let bytes = 0;
  for (const { data } of weights.values()) bytes += data.byteLength;
  if (bytes < LARGEST_FILE) return;
  throw new Error(
    `exportGraph: the weights take ${bytes} bytes, and an ONNX file holds at most ${LARGEST_FILE}; ` +
      'export the model in parts.',
  );
}

/** The unknown size, as a list of one number, from the shape of an input that has it. */
function readSize(graph: Graph, named: readonly (readonly [string, ExportInput])[]): Value {
  const [name, { shape }] = named.find(([, input]) => input.shape.some((size) => typeof size === 'string'))!;
  const axis = shape.findIndex((size) => typeof size === 'string');
  const input = graph.inputs.find(({ inputName }) => inputName === name)!;
  return graph.op('Shape', [input], { start: axis, end: axis + 1 }, [1], 'int64');
}
