import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  exportTensors,
  importTensors,
  loadModelConfig,
  loadModelWeights,
  type TensorData,
  type TensorPlace,
} from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milestones-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tensor = (shape: number[], start = 0): TensorData => {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, index) => start + index) };
};
const shards = {
  'model-00001-of-00002.safetensors': { a: tensor([2]), b: tensor([3], 10) },
  'model-00002-of-00002.safetensors': { c: tensor([2, 2], 20) },
};

async function writeShards(): Promise<void> {
  const map: Record<string, string> = {};
  for (const [file, tensors] of Object.entries(shards)) {
    await writeFile(join(folder, file), encodeSafetensors(tensors));
    for (const name of Object.keys(tensors)) map[name] = file;
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
}

describe('loadModelWeights', () => {
  it('reads a single file, from a path and from a URL', async () => {
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors({ a: tensor([2]) }));
    expect(await loadModelWeights('test', folder)).toEqual({ a: tensor([2]) });
    expect(await loadModelWeights('test', pathToFileURL(folder))).toEqual({ a: tensor([2]) });
  });

  it('reads the files of an index', async () => {
    await writeShards();
    expect(await loadModelWeights('test', folder)).toEqual({
      a: tensor([2]),
      b: tensor([3], 10),
      c: tensor([2, 2], 20),
    });
  });

  it('names the file that is missing, truncated or does not have its tensor', async () => {
    await writeShards();
    const second = join(folder, 'model-00002-of-00002.safetensors');
    const bytes = encodeSafetensors(shards['model-00002-of-00002.safetensors']);
    await writeFile(second, bytes.subarray(0, bytes.length - 3));
    await expect(loadModelWeights('test', folder)).rejects.toThrow(
      /test: model-00002-of-00002.safetensors of .* cannot be used .*truncated or damaged/,
    );
    await rm(second);
    await expect(loadModelWeights('test', folder)).rejects.toThrow(/model-00002-of-00002.safetensors of .* is missing/);
    await writeFile(second, encodeSafetensors({ d: tensor([1]) }));
    await expect(loadModelWeights('test', folder)).rejects.toThrow(
      'says that c is in model-00002-of-00002.safetensors',
    );
  });

  it('refuses an index that leads out of the folder, and a folder without weights', async () => {
    await writeFile(join(folder, 'model.safetensors.index.json'), '{"weight_map":{"a":"../a.safetensors"}}');
    await expect(loadModelWeights('test', folder)).rejects.toThrow('names the file "../a.safetensors"');
    await rm(join(folder, 'model.safetensors.index.json'));
    await expect(loadModelWeights('test', folder)).rejects.toThrow(
      'has neither model.safetensors nor model.safetensors.index.json',
    );
  });

  it('says what is wrong with a configuration', async () => {
    await expect(loadModelConfig('test', folder)).rejects.toThrow('has no readable config.json');
    await writeFile(join(folder, 'config.json'), '{');
    await expect(loadModelConfig('test', folder)).rejects.toThrow('is not JSON');
    await writeFile(join(folder, 'config.json'), '[]');
    await expect(loadModelConfig('test', folder)).rejects.toThrow('is no JSON object');
  });
});

describe('importTensors', () => {
  const places = new Map<string, TensorPlace>([
    ['embedding', { name: 'wte', shape: [2, 3] }],
    ['dense', { name: 'fc', shape: [2, 3], transposed: true }],
    ['query', { name: 'qk', shape: [2, 2], part: { index: 0, of: 2 } }],
    ['key', { name: 'qk', shape: [2, 2], part: { index: 1, of: 2 } }],
  ]);
  const file = { wte: tensor([2, 3]), fc: tensor([3, 2]), qk: tensor([2, 4]) };

  it('turns and parts, and is undone by exportTensors', () => {
    const imported = importTensors('test', file, places);
    expect(imported['dense']).toMatchObject({ shape: [2, 3], data: Float32Array.of(0, 2, 4, 1, 3, 5) });
    expect(imported['query']!.data).toEqual(Float32Array.of(0, 1, 4, 5));
    expect(imported['key']!.data).toEqual(Float32Array.of(2, 3, 6, 7));
    expect(exportTensors(imported, places)).toEqual(file);
    expect(() => exportTensors({}, places)).toThrow('no float32 values for embedding');
  });

  it('widens half precision', () => {
    const half: TensorData = {
      dtype: 'bfloat16',
      shape: [2, 3],
      data: Uint16Array.of(0x3f80, 0x4000, 0, 0, 0, 0xbf80),
    };
    expect(importTensors('test', { ...file, wte: half }, places)['embedding']!.data).toEqual(
      Float32Array.of(1, 2, 0, 0, 0, -1),
    );
  });

  it('names what is missing, left over and of another shape', () => {
    expect(() => importTensors('test', { wte: tensor([2, 4]), fc: tensor([3, 2]), more: tensor([1]) }, places)).toThrow(
      'test: the weights do not fit the configuration (missing: qk; unexpected: more; of another shape: wte is [2, 4] and should be [2, 3])',
    );
  });
});
