#!/usr/bin/env node
/** The command `gan`: `reproduce` trains a preset, `sample` and `interpolate` draw images of a trained generator. */
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { saveFile } from '@milestones/core/node';
import { imageGrid } from '@milestones/datasets';
import { encodePng } from '@milestones/datasets/node';
import { CommandError, runMain } from '@milestones/reproduce';
import { interpolateImages, sampleImages } from './generate.ts';
import { main as reproduce } from './reproduce.ts';
import { loadGenerator } from './weights.ts';

const usage = `gan reproduce [--preset quick|laptop|gaussian|…] [flags]   train a preset; see gan reproduce --help
gan sample --weights <folder> [flags]                       draw images of a trained generator as a PNG file
gan interpolate --weights <folder> [flags]                  draw the ways between images

  --weights <folder>            the folder model/ of a run
  --count <count>               sample: images (default 100); interpolate: rows (default 10)
  --columns <count>             images in a row (default 10)
  --seed <seed>                 which noise is drawn (default 1)
  --out <file>                  where the picture goes (default samples.png, interpolations.png)
  --backend <engine>            auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const text = { type: 'string' } as const;

function parseFlags(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: { weights: text, count: text, columns: text, seed: text, out: text, backend: text },
    }).values;
  } catch (error) {
    throw new CommandError(`gan: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
}

function wholeNumber(name: string, value: string | undefined, otherwise: number, least: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new CommandError(`--${name}: '${value}' arrived; give a whole number of at least ${least}.`);
}

async function draw(verb: 'sample' | 'interpolate', argv: string[]): Promise<number> {
  const values = parseFlags(argv);
  const count = wholeNumber('count', values.count, verb === 'sample' ? 100 : 10, 1);
  const columns = wholeNumber('columns', values.columns, 10, 2);
  const seed = wholeNumber('seed', values.seed, 1, 0);
  if (values.weights === undefined) {
    throw new CommandError(`gan ${verb}: no weights arrived; give --weights <folder>, the folder model/ of a run.`);
  }
  await useBackend(values.backend as EngineName | undefined);
  const generator = await loadGenerator(values.weights);
  const images =
    verb === 'sample'
      ? await sampleImages(generator, count, seed)
      : await interpolateImages(generator, { rows: count, columns, seed });
  const [height, width, channels] = generator.imageShape;
  generator.dispose();
  const file = values.out ?? (verb === 'sample' ? 'samples.png' : 'interpolations.png');
  await saveFile(file, encodePng(imageGrid(images, { height, width, channels: channels === 3 ? 3 : 1 }, { columns })));
  process.stdout.write(`${file}\n`);
  return 0;
}

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if ((verb === 'sample' || verb === 'interpolate') && !rest.includes('--help')) return draw(verb, rest);
  if (verb !== undefined && !['sample', 'interpolate', '--help', '-h'].includes(verb)) {
    throw new CommandError(`gan: '${verb}' is not a command; there are reproduce, sample and interpolate.`);
  }
  process.stdout.write(usage);
  return 0;
});
