#!/usr/bin/env node
/** The command `simclr`: `reproduce` trains a preset, `neighbors` draws what a trained network takes for alike, `export`. */
import { useBackend, type EngineName } from '@milestones/backend';
import { saveFile } from '@milestones/core/node';
import { selectImages, type ImageDataset } from '@milestones/datasets';
import { encodePng } from '@milestones/datasets/node';
import { CommandError, exportVerb, parseVerbFlags, runVerbs, wholeNumberFlag } from '@milestones/reproduce';
import { completeRunConfig } from './config.ts';
import { SimCLR } from './model.ts';
import { neighborPicture } from './neighbor-picture.ts';
import { exportPretrained } from './node/export-pretrained.ts';
import { loadImages } from './node/images.ts';
import { main as reproduce } from './reproduce.ts';
import { representImages } from './represent.ts';
import { pretrained } from './weights.ts';

const usage = `simclr reproduce [--preset quick|laptop|…] [flags]   train a preset; see simclr reproduce --help
simclr neighbors [flags]                             draw test images and the training images nearest to them as a PNG file
simclr export <run folder> <destination>             the run's weights as float16, with a model card

  --weights <name|folder>       ${Object.keys(pretrained).join(', ')}, or the folder model/ of a run (default cifar10-small)
  --set <images>                cifar10 or shapes (default cifar10)
  --bank <count>                training images to look among (default 5000)
  --rows <count>                test images (default 10)
  --seed <seed>                 which training images are drawn (default 1)
  --data <folder>               where downloaded data lies
  --out <file>                  where the picture goes (default neighbors.png)
  --backend <engine>            auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const flags = ['weights', 'set', 'bank', 'rows', 'seed', 'data', 'out', 'backend'] as const;

async function drawNeighbors(argv: string[]): Promise<number> {
  const { values } = parseVerbFlags('simclr', usage, flags, argv);
  const bank = wholeNumberFlag('bank', values.bank, 5000, 10);
  const rows = wholeNumberFlag('rows', values.rows, 10);
  const seed = wholeNumberFlag('seed', values.seed, 1, 0);
  const set = values.set ?? 'cifar10';
  if (set !== 'cifar10' && set !== 'shapes') {
    throw new CommandError(`--set: '${set}' arrived; choose cifar10 or shapes.`);
  }
  await useBackend(values.backend as EngineName | undefined);
  const model = await SimCLR.fromPretrained(values.weights ?? 'cifar10-small');
  try {
    const { data } = completeRunConfig({
      data: { set, trainImages: bank, generatedTrain: bank, generatedTest: rows },
    });
    const images = await loadImages(data, seed, values.data === undefined ? {} : { data: values.data });
    const asked = selectImages(
      images.test,
      Array.from({ length: Math.min(rows, images.test.count) }, (_, row) => row),
    );
    const represented = async (part: ImageDataset) => ({
      images: part,
      representations: (await representImages(model, part)).h,
    });
    const picture = await neighborPicture(await represented(images.train), await represented(asked), { rows });
    const file = values.out ?? 'neighbors.png';
    await saveFile(file, encodePng(picture));
    process.stdout.write(`${file}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}

await runVerbs('simclr', usage, { reproduce, neighbors: drawNeighbors, export: exportVerb(exportPretrained) });
