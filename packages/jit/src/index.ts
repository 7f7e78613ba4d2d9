export { compileStep, LARGEST_SIGNATURE_COUNT, type CompiledStep, type CompileOptions } from './compile.ts';
export { ONNX_BACKEND, registerOnnxBackend, type OnnxEngine, type OnnxEngineOptions } from './engine/register.ts';
export { copyValues } from './engine/copy-values.ts';
export { exportGraph, type ExportInput, type ExportOptions } from './export/export-graph.ts';
export { ONNX_IR_VERSION, ONNX_OPSET } from './emit/emit.ts';
export { TRACE_BACKEND } from './trace/trace-backend.ts';
export type { StepResult } from './trace/trace.ts';
export { TracingError } from './trace/tracing-error.ts';
export type { Optimization, Target } from './graph/target.ts';
export type { Attribute, Attributes, GraphArray, GraphArrays, GraphDtype, GraphNode, Value } from './graph/value.ts';
export { createRuntime, createSyncRuntime, probeBlockedLayout, runtimeAvailability } from '#runtime';
export { RuntimeLostError, RuntimeUnavailableError } from './runtime/errors.ts';
export type {
  ExecutionOptions,
  ExecutionProvider,
  Feed,
  FilledTensor,
  GraphSession,
  HostTensor,
  Runtime,
  RuntimeAvailability,
  RuntimeOptions,
  SessionOptions,
  StateSlot,
  SyncRuntime,
  SyncSession,
  TensorDescription,
} from './runtime/runtime.ts';
