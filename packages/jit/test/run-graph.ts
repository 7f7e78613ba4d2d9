/** Runs a graph on onnxruntime-node: what the tests of builders and kernels compare with. */
import * as ort from 'onnxruntime-node';
import { emitModel } from '../src/emit/emit.ts';
import type { Graph } from '../src/graph/graph.ts';
import { plainCpu, webgpu, type Target } from '../src/graph/target.ts';
import type { GraphArray, GraphDtype, Value } from '../src/graph/value.ts';
import { deviceOptions } from '../src/runtime/device-host.node.ts';

/** A result. bool arrives as 0 and 1. */
export interface GraphResult {
  readonly shape: readonly number[];
  readonly dtype: GraphDtype;
  readonly data: GraphArray;
}

/** True where the tests shall run on a GPU, which is slow where it is only simulated. */
export const isOnGpu = process.env['MILESTONES_ONNX_PROVIDER'] === 'webgpu';

/** What graphs are built for that no test builds for something else. */
export const usualTarget: Target = isOnGpu ? webgpu : plainCpu;

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
  const { bytes, inputs, hostNodes } = emitModel(graph, named);
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(isOnGpu && deviceOptions(hostNodes)),
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
