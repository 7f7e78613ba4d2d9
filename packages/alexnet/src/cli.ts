#!/usr/bin/env node
/** The command `alexnet`: `reproduce` trains a preset, `predict` names what is on an image, `evaluate` scores a test set. */
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { loadCifar10, loadImage } from '@milestones/datasets/node';
import { CommandError, runMain } from '@milestones/reproduce';
import { CifarNet } from './cifar-net.ts';
import { AlexNet } from './model.ts';
import { main as reproduce } from './reproduce.ts';
import { createEvaluateStep, evaluate } from './train.ts';
import { pretrained, type PretrainedName } from './weights.ts';

const usage = `alexnet reproduce [--preset quick|laptop|paper|…] [flags]   train a preset; see alexnet reproduce --help
alexnet predict <image…> [flags]                            the likely classes of PNG or JPEG files
alexnet evaluate [flags]                                    accuracy on the test images of CIFAR-10

  --weights <name|folder>       ${Object.keys(pretrained).join(', ')}, or a folder that a run saved (default
                                cifar10-companion); predict also takes a .safetensors file of torchvision's alexnet
  --top <count>                 predict: how many classes to name (default 5)
  --data <folder>               evaluate: cache of the data sets (also: MILESTONES_DATA)
  --backend <engine>            auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const text = { type: 'string' } as const;

function parseFlags(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: { weights: text, top: text, data: text, backend: text },
      allowPositionals: true,
    });
  } catch (error) {
    throw new CommandError(`alexnet: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
}

async function loadModel(values: ReturnType<typeof parseFlags>['values']): Promise<CifarNet> {
  await useBackend(values.backend as EngineName | undefined);
  return CifarNet.fromPretrained((values.weights ?? 'cifar10-companion') as PretrainedName);
}

async function predict(argv: string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv);
  const top = values.top === undefined ? 5 : Number(values.top);
  if (!Number.isInteger(top) || top < 1) {
    throw new CommandError(`--top: '${values.top}' arrived; give a whole number of at least 1.`);
  }
  if (positionals.length === 0) {
    throw new CommandError('predict: no image arrived; name one or more files: alexnet predict cat.png.');
  }
  await useBackend(values.backend as EngineName | undefined);
  const model = values.weights?.endsWith('.safetensors')
    ? await AlexNet.fromTorchvision(values.weights)
    : await loadModel(values);
  for (const path of positionals) {
    const predictions = await model.predict(await loadImage(path), { top });
    if (positionals.length > 1) process.stdout.write(`${path}\n`);
    for (const { name, probability } of predictions) {
      process.stdout.write(`${(100 * probability).toFixed(1).padStart(5)} %  ${name}\n`);
    }
  }
  model.dispose();
  return 0;
}

async function score(argv: string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv);
  if (positionals.length > 0) throw new CommandError(`evaluate: '${positionals[0]}' is no flag; see alexnet --help.`);
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
  if (verb === 'predict' && !rest.includes('--help')) return predict(rest);
  if (verb === 'evaluate' && !rest.includes('--help')) return score(rest);
  if (verb !== undefined && !['predict', 'evaluate', '--help', '-h'].includes(verb)) {
    throw new CommandError(`alexnet: '${verb}' is not a command; there are reproduce, predict and evaluate.`);
  }
  process.stdout.write(usage);
  return 0;
});
