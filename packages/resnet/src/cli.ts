#!/usr/bin/env node
/** The command `resnet`: `reproduce` trains a preset, `evaluate` scores a test set. */
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { loadCifar10 } from '@milestones/datasets/node';
import { CommandError, runMain } from '@milestones/reproduce';
import { ResNet } from './model.ts';
import { main as reproduce } from './reproduce.ts';
import { createEvaluateStep, evaluate } from './train.ts';
import { pretrained, type PretrainedName } from './weights.ts';

const usage = `resnet reproduce [--preset quick|laptop|paper|…] [flags]   train a preset; see resnet reproduce --help
resnet evaluate [flags]                                    accuracy on the test images of CIFAR-10

  --weights <name|folder|file>  ${Object.keys(pretrained).join(', ')}, a folder that a run saved, or a .safetensors
                                file with torchvision's names (default cifar10-resnet20)
  --data <folder>               evaluate: cache of the data sets (also: MILESTONES_DATA)
  --backend <engine>            auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const text = { type: 'string' } as const;

function parseFlags(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: { weights: text, data: text, backend: text },
      allowPositionals: true,
    });
  } catch (error) {
    throw new CommandError(`resnet: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
}

async function loadModel(values: ReturnType<typeof parseFlags>['values']): Promise<ResNet> {
  await useBackend(values.backend as EngineName | undefined);
  return ResNet.fromPretrained((values.weights ?? 'cifar10-resnet20') as PretrainedName);
}

async function score(argv: string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv);
  if (positionals.length > 0) throw new CommandError(`evaluate: '${positionals[0]}' is no flag; see resnet --help.`);
  const model = await loadModel(values);
  const test = await loadCifar10('test', { data: values.data });
  if (model.preprocessing?.size !== test.height || model.classes !== test.classNames.length) {
    throw new CommandError('evaluate: these weights are not for CIFAR-10; the command knows no other test set.');
  }
  const { loss, accuracy } = await evaluate(model, createEvaluateStep(model), test, model.preprocessing, 250);
  process.stdout.write(`${test.count} test images: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(2)} %\n`);
  model.dispose();
  return 0;
}

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if (verb === 'evaluate' && !rest.includes('--help')) return score(rest);
  if (verb !== undefined && !['evaluate', '--help', '-h'].includes(verb)) {
    throw new CommandError(`resnet: '${verb}' is not a command; there are reproduce and evaluate.`);
  }
  process.stdout.write(usage);
  return 0;
});
