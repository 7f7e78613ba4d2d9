/** Runs a graph on onnxruntime-node: what the tests of builders and kernels compare with. */
import * as ort from 'onnxruntime-node';
import { emitModel } from '../src/emit/emit.ts';
import type { Graph } from '../src/graph/graph.ts';
import type { GraphArray, GraphDtype, Value } from '../src/graph/value.ts';

/** A result. bool arrives as 0 and 1. */
export interface GraphResult {
  readonly shape: readonly number[];
  readonly dtype: GraphDtype;
  readonly data: GraphArray;
}

/**
 * Emits the model that computes `outputs`, runs it once, and returns the results by name.
 * @param feeds values of the inputs by name; inputs that the outputs do not need may be there too
 */
export async function runGraph(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, GraphArray>> = {},
  options: ort.InferenceSession.SessionOptions = {},
): Promise<Record<string, GraphResult>> {
  const named = Object.entries(outputs).map(([name, value]) => ({ name, value }));
  const { bytes, inputs } = emitModel(graph, named);
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    ...options,
  });
  try {
    const tensors = inputs.map((input) => {
      const data = feeds[input.inputName!];
      if (data === undefined) throw new Error(`runGraph: no values arrived for the input ${input.inputName!}.`);
      return [input.inputName!, new ort.Tensor(input.dtype, data as Float32Array, input.shape)] as const;
    });
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        name,
        { shape: tensor.dims, dtype: tensor.type as GraphDtype, data: tensor.data as GraphArray },
      ]),
    );
  } finally {
    await session.release();
  }
}
