/** Files and checkpoints: the part of core that needs Node. */
export { CheckpointError } from './node/checkpoint-folder.ts';
export { cleanCheckpoints } from './node/checkpoint-places.ts';
export {
  type Checkpoint,
  latestCheckpoint,
  loadCheckpoint,
  type LoadedCheckpoint,
  saveCheckpoint,
  type SaveCheckpointOptions,
  type SkippedCheckpoint,
} from './node/checkpoints.ts';
export { type ExportableModule, exportOnnx, type ExportOnnxOptions } from './node/export-onnx.ts';
export { DiskFullError, loadFile, saveFile, saveFolder } from './node/files.ts';
export type { JsonValue } from './node/json.ts';
export { loadSafetensors, saveSafetensors } from './node/safetensors-files.ts';
export { cleanTemporary } from './node/temporary.ts';
