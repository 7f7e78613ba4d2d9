/** What a checkpoint takes: tensors of the engine, and arrays that lie in memory already. */
import type { tf } from '@milestones/backend';
import { type TensorData, tensorsToData } from '@milestones/core';

/**
 * Tensors by group and name, such as `{ model: model.stateDict(), optimizer: optimizer.stateDict() }`. Arrays in
 * `TensorData` must stay as they are until the checkpoint is saved.
 */
export type CheckpointTensors = Record<string, Record<string, tf.Tensor | TensorData>>;

/** Reads the engine's tensors; what is data already passes. All reads begin before the first is awaited. */
export async function asData(record: CheckpointTensors[string]): Promise<Record<string, TensorData>> {
  const ofEngine = Object.entries(record).filter((entry): entry is [string, tf.Tensor] => 'dataId' in entry[1]);
  const others = Object.entries(record).filter((entry): entry is [string, TensorData] => !('dataId' in entry[1]));
  return { ...(await tensorsToData(Object.fromEntries(ofEngine))), ...Object.fromEntries(others) };
}
