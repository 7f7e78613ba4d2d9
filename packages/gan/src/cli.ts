#!/usr/bin/env node
/** The command `gan`: `reproduce` trains a preset, `sample` and `interpolate` draw images of a trained generator. */
import { useBackend, type EngineName } from '@milestones/backend';
import { saveFile } from '@milestones/core/node';
import { imageGrid } from '@milestones/datasets';
import { encodePng } from '@milestones/datasets/node';
import { CommandError, parseVerbFlags, runVerbs, wholeNumberFlag } from '@milestones/reproduce';
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

const flags = ['weights', 'count', 'columns', 'seed', 'out', 'backend'] as const;

async function draw(verb: 'sample' | 'interpolate', argv: string[]): Promise<number> {
  const { values } = parseVerbFlags('gan', usage, flags, argv);
  const count = wholeNumberFlag('count', values.count, verb === 'sample' ? 100 : 10);
  const columns = wholeNumberFlag('columns', values.columns, 10, 2);
  const seed = wholeNumberFlag('seed', values.seed, 1, 0);
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

await runVerbs('gan', usage, {
  reproduce,
  sample: (argv) => draw('sample', argv),
  interpolate: (argv) => draw('interpolate', argv),
});
