/** Models as ONNX files, for programs that know nothing of this one. */
import { exportGraph, type ExportInput, type ExportOptions, type StepResult, type tf } from '@milestones/backend';
import { Module } from '../module.ts';
import { saveFile } from './files.ts';

/** A module that {@link exportOnnx} can call: `forward` takes the inputs one after another. */
export type ExportableModule = Module & { forward(...inputs: never[]): StepResult };

/** Settings of {@link exportOnnx}. */
export interface ExportOnnxOptions extends Omit<ExportOptions, 'variableNames'> {
  /** Whose parameters bear their paths as names in the file; default the model itself, if it is a module. */
  readonly parameters?: Module;
}

/**
 * Writes the inference graph of a model as an ONNX file (opset 20, IR version 9, operations of the ONNX standard only), whole
 * or not at all. The weights are in the file as they are now, under the paths of the parameters.
 *
 * A size that is given as a name is chosen when the model runs: `{ images: { shape: ['batch', 784], dtype: 'float32' } }`.
 * There can be one such name, in any number of places, and the size must be at least 1. ONNX Runtime is not needed.
 *
 * @param model a module in evaluation mode, whose `forward` gets the inputs in the order of `inputs`, or a function of all
 *   inputs by name; it returns a tensor, called `output` in the file (`outputName`), or tensors by name
 * @param inputs the inputs by name
 * @param file path of the file
 * @throws Error when the module is in training mode, assigns variables, or must know a size that was given as a name;
 *   `DiskFullError` as {@link saveFile}
 */
export async function exportOnnx(
  model: ExportableModule | ((inputs: Record<string, tf.Tensor>) => StepResult),
  inputs: Readonly<Record<string, ExportInput>>,
  file: string,
  options: ExportOnnxOptions = {},
): Promise<void> {
  const { parameters = model instanceof Module ? model : undefined, ...others } = options;
  if (parameters?.training === true) {
    throw new Error('exportOnnx: the model is in training mode; call model.eval() before, and model.train() after.');
  }
  const variableNames = new Map<tf.Variable, string>();
  for (const [path, variable] of Object.entries(parameters?.stateDict() ?? {})) variableNames.set(variable, path);
  const names = Object.keys(inputs);
  const run =
    model instanceof Module
      ? (tensors: Record<string, tf.Tensor>): StepResult =>
          model.forward(...(names.map((name) => tensors[name]!) as never[]))
      : model;
  await saveFile(file, await exportGraph(run, inputs, { ...others, variableNames }));
}
