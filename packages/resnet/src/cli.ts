#!/usr/bin/env node
/** The command `resnet`: `reproduce` trains a preset, `predict` names what is on an image, `evaluate` scores a test set. */
import { useBackend, type EngineName } from '@milestones/backend';
import { loadCifar10, loadImage } from '@milestones/datasets/node';
import { CommandError, parseVerbFlags, runVerbs, wholeNumberFlag, type VerbFlags } from '@milestones/reproduce';
import { ResNet } from './model.ts';
import { main as reproduce } from './reproduce.ts';
import { createEvaluateStep, evaluate } from './train.ts';
import { pretrained, type PretrainedName } from './weights.ts';

const usage = `resnet reproduce [--preset quick|laptop|paper|…] [flags]   train a preset; see resnet reproduce --help
resnet predict <image…> [flags]                            the likely classes of PNG or JPEG files
resnet evaluate [flags]                                    accuracy on the test images of CIFAR-10

  --weights <name|folder|file>  ${Object.keys(pretrained).join(', ')}, a folder that a run saved, or a .safetensors
                                file with torchvision's names (default cifar10-resnet20)
  --top <count>                 predict: how many classes to name (default 5)
  --data <folder>               evaluate: cache of the data sets (also: MILESTONES_DATA)
  --backend <engine>            auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const flags = ['weights', 'top', 'data', 'backend'] as const;

async function loadModel(values: VerbFlags<(typeof flags)[number]>['values']): Promise<ResNet> {
  await useBackend(values.backend as EngineName | undefined);
  return ResNet.fromPretrained((values.weights ?? 'cifar10-resnet20') as PretrainedName);
}

async function predict(argv: string[]): Promise<number> {
  const { values, positionals } = parseVerbFlags('resnet', usage, flags, argv, true);
  const top = wholeNumberFlag('top', values.top, 5);
  if (positionals.length === 0) {
    throw new CommandError('predict: no image arrived; name one or more files: resnet predict cat.png.');
  }
  const model = await loadModel(values);
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
  const { values } = parseVerbFlags('resnet', usage, flags, argv);
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

await runVerbs('resnet', usage, { reproduce, predict, evaluate: score });
