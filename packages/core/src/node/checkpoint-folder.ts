/**
 * Names and contents of a checkpoint's folder:
 *
 *   checkpoints/step-000500/model.safetensors · optimizer.safetensors · … · state.json
 *
 * `state.json` is written last and holds length and SHA-256 of every other file, and a SHA-256 of itself.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { JsonValue } from './json.ts';
import { namesIn } from './temporary.ts';

/** A checkpoint that is damaged or none; `latestCheckpoint` falls back to the one before. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

/** What `state.json` says about a file beside it. */
export interface FileRecord {
  bytes: number;
  sha256: string;
}

/** The content of `state.json`. */
export interface StateFile {
  format: 'milestones-checkpoint';
  version: 1;
  step: number;
  /** One record per `<group>.safetensors`. */
  files: Record<string, FileRecord>;
  state: JsonValue;
}

/** The file that completes a checkpoint. */
export const stateFileName = 'state.json';
const extension = '.safetensors';
const stepPattern = /^(replaced-)?step-([0-9]{6,})$/;
const groupPattern = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** `step-000500`: six digits, so that folders of the first million steps sort by name. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** Where a checkpoint waits while another of the same step takes its name. */
export function replacedName(step: number): string {
  return `replaced-${stepName(step)}`;
}

/** A checkpoint in a folder of checkpoints, not opened yet. */
export interface FoundCheckpoint {
  step: number;
  folder: string;
}

/**
 * The checkpoints in a folder, newest first, and the ones that were about to be replaced. A process that died between
 * two renames leaves a replaced one without successor: that one counts as the checkpoint of its step.
 */
export async function findCheckpoints(
  checkpointsFolder: string,
): Promise<{ checkpoints: FoundCheckpoint[]; replaced: (FoundCheckpoint & { hasSuccessor: boolean })[] }> {
  const names = new Set(await namesIn(checkpointsFolder));
  const checkpoints: FoundCheckpoint[] = [];
  const replaced: (FoundCheckpoint & { hasSuccessor: boolean })[] = [];
  for (const name of names) {
    const match = stepPattern.exec(name);
    const step = Number(match?.[2]);
    if (match === null || !Number.isSafeInteger(step)) continue;
    const folder = path.join(checkpointsFolder, name);
    const hasSuccessor = names.has(stepName(step));
    if (match[1] !== undefined) replaced.push({ step, folder, hasSuccessor });
    if (match[1] === undefined || !hasSuccessor) checkpoints.push({ step, folder });
  }
  checkpoints.sort((a, b) => b.step - a.step);
  return { checkpoints, replaced };
}

/** The file of a group of tensors. */
export function groupFileName(group: string): string {
  if (!groupPattern.test(group)) {
    throw new Error(
      `saveCheckpoint: a group of tensors is named ${JSON.stringify(group)}; ` +
        'use letters, digits, - and _, for example "model" or "optimizer", because the group becomes a file.',
    );
  }
  return `${group}${extension}`;
}

/** The group of a file name, or undefined where it is none of ours. */
export function groupOfFileName(name: string): string | undefined {
  const group = name.endsWith(extension) ? name.slice(0, -extension.length) : '';
  return groupPattern.test(group) ? group : undefined;
}

/** `state.json` as text. */
export function encodeStateFile(content: StateFile): string {
  return `${JSON.stringify({ ...content, sha256: digest(content) }, undefined, 2)}\n`;
}

/**
 * Reads `state.json` and checks that it is what was written.
 *
 * @throws {CheckpointError} saying what is wrong with it
 */
export function decodeStateFile(text: string): StateFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`${stateFileName} is not valid JSON`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || (parsed as StateFile).format !== 'milestones-checkpoint') {
    throw new CheckpointError(`${stateFileName} does not describe a checkpoint`);
  }
  const { sha256, ...content } = parsed as StateFile & { sha256: unknown };
  if (content.version !== 1) {
    throw new CheckpointError(`${stateFileName} is of version ${String(content.version)} and version 1 is read`);
  }
  if (digest(content) !== sha256) throw new CheckpointError(`${stateFileName} does not match its own checksum`);
  return content;
}

// JSON.parse keeps keys in order and numbers exactly, so that the same text comes out again.
function digest(content: StateFile): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
