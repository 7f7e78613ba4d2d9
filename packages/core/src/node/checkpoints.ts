/**
 * Checkpoints: everything a run needs to continue as if it had never stopped. A checkpoint has its final name only when
 * it is whole and on disk: it is written into a temporary folder, file by file forced to disk, and then renamed.
 */
import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { tf } from '@milestones/backend';
import { encodeSafetensorsParts } from '../safetensors/encode.ts';
import { bytesInWords, type TensorData } from '../safetensors/format.ts';
import { tensorsToData } from '../safetensors/from-tensors.ts';
import {
  CheckpointError,
  decodeStateFile,
  encodeStateFile,
  type FileRecord,
  findCheckpoints,
  groupFileName,
  groupOfFileName,
  stateFileName,
  stepName,
} from './checkpoint-folder.ts';
import {
  loadFile,
  makeFolder,
  piecesOf,
  reasonOf,
  removeQuietly,
  savingError,
  syncFolder,
  writeSynced,
} from './files.ts';
import { putInPlace, removeOld } from './checkpoint-places.ts';
import { checkJson, type JsonValue } from './json.ts';
import { loadSafetensors } from './safetensors-files.ts';
import { temporaryPath } from './temporary.ts';

/** What is saved. */
export interface Checkpoint {
  /** Training steps done. */
  step: number;
  /**
   * Groups of named tensors, each a file: usually `{ model: model.stateDict(), optimizer: optimizer.stateDict() }`. An
   * engine's tensors are copied at once; arrays in `TensorData` must stay as they are until the checkpoint is saved.
   */
  tensors: Record<string, Record<string, tf.Tensor | TensorData>>;
  /** Everything else that decides how the run goes on: epoch, data cursor, random states, length of the metrics file. */
  state: JsonValue;
}

/** What was loaded; `dataToTensors` makes tensors of a group. */
export interface LoadedCheckpoint {
  folder: string;
  step: number;
  tensors: Record<string, Record<string, TensorData>>;
  state: JsonValue;
}

/** A checkpoint that could not be used, and why. */
export interface SkippedCheckpoint {
  folder: string;
  reason: string;
}

/** How a checkpoint is saved. */
export interface SaveCheckpointOptions {
  /** How many checkpoints to keep, this one included: older ones are removed afterwards. Default: all. */
  keep?: number;
}

/**
 * Saves a checkpoint as `<checkpointsFolder>/step-000500` and then removes old ones beyond `keep`. A checkpoint of the
 * same step is replaced. Checkpoints of later steps (from a run that was taken back) are left alone.
 *
 * @returns the new checkpoint's folder
 * @throws {DiskFullError} when there is no space left; another `Error` names path and cause. Either way nothing is left
 * under the final name, and earlier checkpoints are untouched
 */
export async function saveCheckpoint(
  checkpointsFolder: string,
  checkpoint: Checkpoint,
  options: SaveCheckpointOptions = {},
): Promise<string> {
  const { step } = checkpoint;
  const { keep = Infinity } = options;
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new Error(
      `saveCheckpoint: the step is ${step}; pass the number of training steps done, a whole number of at least 0.`,
    );
  }
  if (keep !== Infinity && (!Number.isSafeInteger(keep) || keep < 1)) {
    throw new Error(`saveCheckpoint: keep is ${keep}; pass a whole number of at least 1, or leave it out to keep all.`);
  }
  checkJson('saveCheckpoint', 'state', checkpoint.state);
  // Taken before the first await, as the tensors are: training may go on meanwhile.
  const state = structuredClone(checkpoint.state);
  const files = await encodeGroups(checkpoint.tensors);
  const records = Object.fromEntries([...files].map(([name, pieces]) => [name, recordOf(pieces)]));
  files.set(
    stateFileName,
    piecesOf(encodeStateFile({ format: 'milestones-checkpoint', version: 1, step, files: records, state })),
  );

  const folder = path.join(checkpointsFolder, stepName(step));
  const temporary = temporaryPath(checkpointsFolder);
  try {
    await makeFolder(checkpointsFolder);
    await fs.mkdir(temporary);
    for (const [name, pieces] of files) await writeSynced(path.join(temporary, name), pieces);
    await syncFolder(temporary);
    await putInPlace(temporary, checkpointsFolder, step);
  } catch (cause) {
    await removeQuietly(temporary);
    const bytes = [...files.values()].flat().reduce((sum, piece) => sum + piece.byteLength, 0);
    throw await savingError('saveCheckpoint', folder, bytes, 'Earlier checkpoints are untouched.', cause);
  }
  await removeOld(checkpointsFolder, step, keep);
  return folder;
}

/**
 * Loads a checkpoint and verifies length and checksum of every file.
 *
 * @param folder the checkpoint's own folder, such as `…/checkpoints/step-000500`
 * @throws {CheckpointError} when it is missing, incomplete or damaged
 */
export async function loadCheckpoint(folder: string): Promise<LoadedCheckpoint> {
  try {
    const bytes = await loadFile(path.join(folder, stateFileName)).catch((error: Error) => {
      const missing = (error.cause as NodeJS.ErrnoException).code === 'ENOENT';
      throw missing ? new CheckpointError(`${stateFileName} is missing`, { cause: error }) : error;
    });
    const { step, files, state } = decodeStateFile(new TextDecoder().decode(bytes));
    const tensors: LoadedCheckpoint['tensors'] = Object.create(null);
    for (const [name, record] of Object.entries(files)) {
      const group = groupOfFileName(name);
      if (group === undefined)
        throw new CheckpointError(
          `${stateFileName} names the file ${JSON.stringify(name)}, which is no group of tensors`,
        );
      tensors[group] = await loadVerified(path.join(folder, name), record);
    }
    return { folder, step, tensors, state };
  } catch (cause) {
    throw new CheckpointError(
      `loadCheckpoint: ${path.resolve(folder)} cannot be used: ${reasonOf(cause).replace(/\.$/, '')}; ` +
        'resume from an earlier checkpoint, latestCheckpoint finds the newest intact one.',
      { cause },
    );
  }
}

/**
 * Loads the newest intact checkpoint of a folder of checkpoints. Damaged ones are skipped and reported.
 *
 * @returns the checkpoint, or undefined where none is intact (or the folder does not exist), and what was skipped
 */
export async function latestCheckpoint(
  checkpointsFolder: string,
): Promise<{ checkpoint: LoadedCheckpoint | undefined; skipped: SkippedCheckpoint[] }> {
  const skipped: SkippedCheckpoint[] = [];
  for (const { folder } of (await findCheckpoints(checkpointsFolder)).checkpoints) {
    try {
      return { checkpoint: await loadCheckpoint(folder), skipped };
    } catch (error) {
      skipped.push({ folder, reason: reasonOf(error) });
    }
  }
  return { checkpoint: undefined, skipped };
}

async function encodeGroups(groups: Checkpoint['tensors']): Promise<Map<string, readonly Uint8Array[]>> {
  const files = new Map<string, readonly Uint8Array[]>();
  // All reads begin before the first is awaited: one moment of training, not several.
  const encoded = Object.entries(groups).map(async ([group, tensors]) => {
    const name = groupFileName(group);
    return [name, encodeSafetensorsParts(await asData(tensors))] as const;
  });
  for (const [name, pieces] of await Promise.all(encoded)) files.set(name, pieces);
  return files;
}

async function asData(tensors: Record<string, tf.Tensor | TensorData>): Promise<Record<string, TensorData>> {
  const record: Record<string, TensorData> = Object.create(null);
  const ofEngine: Record<string, tf.Tensor> = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    // A tensor's data is a method, a TensorData's is an array; asking for the class would load all of tfjs.
    if (typeof tensor.data === 'function') ofEngine[name] = tensor as tf.Tensor;
    else record[name] = tensor as TensorData;
  }
  return Object.assign(record, await tensorsToData(ofEngine));
}

function recordOf(pieces: readonly Uint8Array[]): FileRecord {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return { bytes: pieces.reduce((sum, piece) => sum + piece.byteLength, 0), sha256: hash.digest('hex') };
}

async function loadVerified(file: string, { bytes, sha256 }: FileRecord): Promise<Record<string, TensorData>> {
  const { size } = await fs.stat(file).catch((cause: unknown) => {
    throw new CheckpointError(`${path.basename(file)} is missing`, { cause });
  });
  if (size !== bytes) {
    throw new CheckpointError(
      `${path.basename(file)} has ${bytesInWords(size)} and should have ${bytesInWords(bytes)}`,
    );
  }
  const hash = createHash('sha256');
  const { tensors } = await loadSafetensors(file, (piece) => hash.update(piece));
  if (hash.digest('hex') !== sha256) throw new CheckpointError(`${path.basename(file)} does not match its checksum`);
  return tensors;
}
