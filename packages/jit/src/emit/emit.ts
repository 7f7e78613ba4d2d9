/**
 * Writes a graph as an ONNX model: opset 20, IR version 9, and, unless told otherwise, ONNX Runtime's two domains. Only
 * what the outputs need is written, in the order in which it was built, so that the same step gives the same bytes.
 */
import { materialize } from '../build/layout.ts';
import type { Graph } from '../graph/graph.ts';
import { onnxTypes } from '../graph/onnx-type.ts';
import type { Attribute, GraphArray, GraphDtype, GraphNode, Value } from '../graph/value.ts';
import { ProtobufWriter } from './protobuf.ts';

/** A result by the name that it has in the model. */
export interface ModelOutput {
  readonly name: string;
  readonly value: Value;
  /** Its shape, with names for sizes that are not known; by default the value's. */
  readonly shape?: readonly (number | string)[];
}

/** What a model that leaves the program has besides: see `exportGraph`. */
export interface ModelOptions {
  /** Inputs that the model has whether or not an output depends on them, in this order. */
  readonly inputs?: readonly Value[];
  /** Shapes of inputs in which sizes have names. */
  readonly shapes?: ReadonlyMap<Value, readonly (number | string)[]>;
  /** Names of constants. */
  readonly constantNames?: ReadonlyMap<Value, string>;
  /** The domains that operations may come from; by default ONNX's own and ONNX Runtime's two. */
  readonly domains?: readonly (keyof typeof opsets)[];
  /** Texts by name. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What {@link emitModel} made. */
export interface EmittedModel {
  readonly bytes: Uint8Array;
  /** The inputs that the model has: those of the graph that the outputs depend on, in the order of their declaration. */
  readonly inputs: Value[];
  readonly nodeCount: number;
  /** Whether images or their like are convolved, so that what lies between the nodes is large. */
  readonly convolves: boolean;
  /** Names of the nodes that the processor shall run though a GPU has the operation. */
  readonly hostNodes: readonly string[];
}

/** Version of the file format. */
export const ONNX_IR_VERSION = 9;
/** Version of ONNX's operations. */
export const ONNX_OPSET = 20;
const opsets = { '': ONNX_OPSET, 'com.microsoft': 1, 'com.microsoft.nchwc': 1 } as const;

/** From this many equal values on, a constant is written as its shape and its number. */
const GENERATED_CONSTANT_SIZE = 256;

/** Operations whose outputs must all be named, used or not. */
const fullyNamed: ReadonlySet<string> = new Set(['Split', 'TopK']);

/**
 * Writes the model that computes some values.
 * @param outputs the results in the order that the model shall have
 * @throws Error if two outputs have the same name
 */
export function emitModel(graph: Graph, outputs: readonly ModelOutput[], options: ModelOptions = {}): EmittedModel {
  const results = outputs.map((output) => ({ ...output, value: materialize(graph, output.value) }));
  const names = new Set(results.map(({ name }) => name));
  if (names.size !== results.length) throw new Error('emitModel: two outputs have the same name; name them apart.');
  const live = liveParts(results.map(({ value }) => value));
  const nameOf = naming(results, options.constantNames);
  const inputs = options.inputs ?? live.inputs;

  const hostNodes = new Map<GraphNode, string>();
  if (graph.target.name === 'webgpu') {
    for (const node of live.nodes) if (computesWords(node)) hostNodes.set(node, hostNodes.size.toString(36));
  }

  const writer = new ProtobufWriter();
  let nodeCount = live.nodes.length;
  writer.integer(1, ONNX_IR_VERSION);
  writer.text(2, '@milestones/jit');
  writer.message(7, () => {
    for (const constant of live.generated) writeGeneratedConstant(writer, constant, nameOf);
    for (const node of live.nodes) writeNode(writer, node, nameOf, live.used, hostNodes.get(node));
    for (const { name, value } of results) {
      if (nameOf(value) === name && value.node !== undefined) continue;
      writeOperation(writer, 'Identity', [nameOf(value)], [name]);
      nodeCount++;
    }
    writer.text(2, 'step');
    for (const constant of live.constants) {
      writer.message(5, () => writeTensor(writer, constant.shape, constant.dtype, constant.data!, nameOf(constant)));
    }
    for (const input of inputs) {
      writeValueInfo(writer, 11, nameOf(input), options.shapes?.get(input) ?? input.shape, input.dtype);
    }
    for (const { name, value, shape } of results) writeValueInfo(writer, 12, name, shape ?? value.shape, value.dtype);
  });
  for (const domain of options.domains ?? (Object.keys(opsets) as (keyof typeof opsets)[])) {
    writer.message(8, () => {
      writer.text(1, domain);
      writer.integer(2, opsets[domain]);
    });
  }
  for (const [key, text] of Object.entries(options.metadata ?? {})) {
    writer.message(14, () => {
      writer.text(1, key);
      writer.text(2, text);
    });
  }
  const bytes = writer.finish();
  return {
    bytes,
    inputs: [...inputs],
    nodeCount: nodeCount + live.generated.length,
    convolves: live.nodes.some(({ op }) => op.endsWith('Conv')),
    hostNodes: [...hostNodes.values()],
  };
}

/**
 * Whether a node computes words as a GPU could, which has no operations on bits: were the two divided, the words would
 * wander there and back in each round of a random number.
 */
function computesWords({ op, inputs, outputs }: GraphNode): boolean {
  if (op === 'BitShift' || op === 'BitwiseXor') return false;
  return [...inputs, ...outputs].some((value) => value?.dtype === 'uint32');
}

/** What the results depend on. */
function liveParts(results: readonly Value[]) {
  const used = new Set<Value>();
  const nodes = new Set<GraphNode>();
  const pending = [...results];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (used.has(value)) continue;
    used.add(value);
    if (value.node === undefined || nodes.has(value.node)) continue;
    nodes.add(value.node);
    for (const input of value.node.inputs) if (input !== undefined) pending.push(input);
  }
  // Identifiers grow as the graph is built and inputs come before what uses them: their order is a topological one.
  const values = [...used].sort((left, right) => left.id - right.id);
  const constants = values.filter((value) => value.data !== undefined);
  const isGenerated = (value: Value): boolean => value.splat !== undefined && value.size >= GENERATED_CONSTANT_SIZE;
  return {
    used,
    nodes: [...nodes].sort((left, right) => left.outputs[0]!.id - right.outputs[0]!.id),
    inputs: values.filter((value) => value.inputName !== undefined),
    constants: constants.filter((value) => !isGenerated(value)),
    generated: constants.filter(isGenerated),
  };
}

/** A result of a node bears the result's name; the first one if it is wanted under several. */
function naming(
  results: readonly ModelOutput[],
  constants: ReadonlyMap<Value, string> = new Map(),
): (value: Value) => string {
  const chosen = new Map<Value, string>();
  for (const { name, value } of results) if (value.node !== undefined && !chosen.has(value)) chosen.set(value, name);
  // No name that a tfjs variable or an argument has begins with a percent sign.
  return (value) => chosen.get(value) ?? constants.get(value) ?? value.inputName ?? `%${value.id}`;
}

function writeNode(
  writer: ProtobufWriter,
  node: GraphNode,
  nameOf: (value: Value) => string,
  used: ReadonlySet<Value>,
  ownName: string | undefined,
): void {
  if (node.op === 'Layout') {
    throw new Error('emitModel: a Layout reached the model; whoever builds a node materializes its inputs first.');
  }
  const inputs = node.inputs.map((input) => (input === undefined ? '' : nameOf(input)));
  // The first output is never optional.
  const outputs = node.outputs.map((output, position) =>
    position === 0 || fullyNamed.has(node.op) || used.has(output) ? nameOf(output) : '',
  );
  while (outputs.at(-1) === '') outputs.pop();
  writeOperation(writer, node.op, inputs, outputs, () => {
    if (ownName !== undefined) writer.text(3, ownName);
    for (const [name, attribute] of Object.entries(node.attributes)) writeAttribute(writer, name, attribute);
  });
}

function writeOperation(
  writer: ProtobufWriter,
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  writeAttributes?: () => void,
): void {
  const colon = op.indexOf(':');
  writer.message(1, () => {
    for (const input of inputs) writer.text(1, input);
    for (const output of outputs) writer.text(2, output);
    writer.text(4, op.slice(colon + 1));
    writeAttributes?.();
    if (colon > 0) writer.text(7, op.slice(0, colon));
  });
}

const AttributeType = { float: 1, integer: 2, text: 3, tensor: 4, floats: 6, integers: 7 } as const;

function writeAttribute(writer: ProtobufWriter, name: string, attribute: Attribute): void {
  writer.message(5, () => {
    writer.text(1, name);
    if (typeof attribute === 'number') {
      writer.integer(3, attribute);
      writer.integer(20, AttributeType.integer);
    } else if (typeof attribute === 'string') {
      writer.text(4, attribute);
      writer.integer(20, AttributeType.text);
    } else if ('float' in attribute) {
      writer.float(2, attribute.float);
      writer.integer(20, AttributeType.float);
    } else if ('floats' in attribute) {
      writer.floats(7, attribute.floats);
      writer.integer(20, AttributeType.floats);
    } else {
      writer.integers(8, attribute);
      writer.integer(20, AttributeType.integers);
    }
  });
}

function writeGeneratedConstant(writer: ProtobufWriter, constant: Value, nameOf: (value: Value) => string): void {
  const shape = `${nameOf(constant)}.shape`;
  const dimensions = BigInt64Array.from(constant.shape, BigInt);
  writer.message(5, () => writeTensor(writer, [dimensions.length], 'int64', dimensions, shape));
  writeOperation(writer, 'ConstantOfShape', [shape], [nameOf(constant)], () => {
    writer.message(5, () => {
      writer.text(1, 'value');
      writer.message(5, () => writeTensor(writer, [1], constant.dtype, constant.data!.subarray(0, 1)));
      writer.integer(20, AttributeType.tensor);
    });
  });
}

function writeTensor(
  writer: ProtobufWriter,
  shape: readonly number[],
  dtype: GraphDtype,
  data: GraphArray,
  name?: string,
): void {
  if (shape.length > 0) writer.integers(1, shape);
  writer.integer(2, onnxTypes[dtype]);
  if (name !== undefined) writer.text(8, name);
  writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(
  writer: ProtobufWriter,
  field: number,
  name: string,
  shape: readonly (number | string)[],
  dtype: GraphDtype,
): void {
  writer.message(field, () => {
    writer.text(1, name);
    writer.message(2, () => {
      writer.message(1, () => {
        writer.integer(1, onnxTypes[dtype]);
        writer.message(2, () => {
          for (const size of shape) {
            writer.message(1, () => (typeof size === 'string' ? writer.text(2, size) : writer.integer(1, size)));
          }
        });
      });
    });
  });
}
