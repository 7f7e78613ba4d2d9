import type { ExportInput, ExportOptions } from '@milestones/jit';
import type { StepResult } from './compile.ts';
import type { tf } from './tf.ts';

export type { ExportInput, ExportOptions };

/**
 * The inference graph of a function of tensors as an ONNX file: opset 20, operations of the ONNX standard only, named
 * inputs and results, variables as constants. A size that is given as a name, such as `'batch'`, is chosen when the model
 * runs. Any engine may be active; ONNX Runtime is not needed for exporting.
 *
 * @param model a synchronous function of tensors by name that reads variables and assigns none; it returns a tensor, or
 *   tensors by name
 * @param inputs the inputs by name, in the order that the file shall have
 * @throws Error for inputs that make no sense, a variable that is assigned, and a size that this model must know; for what
 *   no graph can express, an error that names the operation, the place and the remedy
 */
export async function exportGraph(
  model: (inputs: Record<string, tf.Tensor>) => StepResult,
  inputs: Readonly<Record<string, ExportInput>>,
  options: ExportOptions = {},
): Promise<Uint8Array> {
  // Only here: programs that export nothing need not load the compiler.
  const jit = await import('@milestones/jit');
  return jit.exportGraph(model, inputs, options);
}
