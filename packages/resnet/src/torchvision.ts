/**
 * Weights under torchvision's names, as its safetensors files hold them: the names are mapped, convolutions go from
 * [out, in, height, width] to [height, width, in, out] and dense weights from [out, in] to [in, out].
 *
 *   conv1.weight, bn1.*                 → stem.convolution.weight, stem.norm.*
 *   layer2.0.conv1.weight, .bn1.*       → blocks.3.layers.0.convolution.weight, .norm.*
 *   layer2.0.downsample.0 and .1        → blocks.3.projection.convolution and .norm
 *   fc.weight, fc.bias                  → head.weight, head.bias
 */
import { transposeTensorData, type TensorData } from '@milestones/core';
import { resnetConfig, stagesOf, type ResNetConfig } from './config.ts';

const normNames: Readonly<Record<string, string>> = {
  weight: 'scale',
  bias: 'shift',
  running_mean: 'runningMean',
  running_var: 'runningVariance',
};

/** Whether these are the weights of a ResNet under torchvision's names. */
export function isTorchvision(tensors: Readonly<Record<string, TensorData>>): boolean {
  return 'conv1.weight' in tensors && 'layer1.0.conv1.weight' in tensors;
}

/**
 * Reads the architecture off the names and shapes, and gives every tensor our name and layout.
 *
 * @throws when names or shapes are not those of ResNet-18, 34, 50, 101 or 152; the message names what is odd
 */
export function importTorchvision(tensors: Readonly<Record<string, TensorData>>): {
  config: ResNetConfig;
  tensors: Record<string, TensorData>;
} {
  const config = configOf(tensors);
  const { blocks } = stagesOf(config);
  const firstBlock = blocks.map((_, stage) => blocks.slice(0, stage).reduce((sum, count) => sum + count, 0));
  const imported: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name.endsWith('num_batches_tracked')) continue; // A counter that only a momentum of None needs.
    imported[ourName(name, firstBlock)] = ourLayout(tensor);
  }
  return { config, tensors: imported };
}

function configOf(tensors: Readonly<Record<string, TensorData>>): ResNetConfig {
  const names = Object.keys(tensors);
  const count = (stage: number): number =>
    names.filter((name) => new RegExp(`^layer${stage}\\.\\d+\\.conv1\\.weight$`).test(name)).length;
  const blocks = [1, 2, 3, 4].map(count);
  const bottleneck = 'layer1.0.conv3.weight' in tensors;
  const depth = 2 + (bottleneck ? 3 : 2) * blocks.reduce((sum, number) => sum + number, 0);
  const head = tensors['fc.weight'];
  const stem = tensors['conv1.weight'];
  const known = [18, 34, 50, 101, 152].includes(depth);
  const expected = known ? stagesOf({ family: 'imagenet', depth }) : undefined;
  if (expected?.bottleneck !== bottleneck || expected.blocks.join() !== blocks.join() || !head || !stem) {
    throw new Error(
      `importTorchvision: ${blocks.join('-')} ${bottleneck ? 'bottleneck' : 'basic'} blocks arrived` +
        `${head ? '' : ' without fc.weight'}; give the weights of torchvision’s resnet18, 34, 50, 101 or 152.`,
    );
  }
  return resnetConfig({
    family: 'imagenet',
    depth,
    shortcut: 'projection',
    width: stem.shape[0]!,
    inputChannels: stem.shape[1]!,
    classes: head.shape[0]!,
    bottleneckStride: 'middle',
  });
}

function ourName(name: string, firstBlock: readonly number[]): string {
  const part = (kind: string, rest: string): string =>
    kind === 'conv' ? `convolution.${rest}` : `norm.${normNames[rest]}`;
  const stem = /^(conv|bn)1\.(\w+)$/.exec(name);
  if (stem) return `stem.${part(stem[1]!, stem[2]!)}`;
  const head = /^fc\.(weight|bias)$/.exec(name);
  if (head) return `head.${head[1]}`;
  const inner = /^layer(\d)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(0|1))\.(\w+)$/.exec(name);
  const start = inner ? firstBlock[Number(inner[1]) - 1] : undefined;
  if (!inner || start === undefined) {
    throw new Error(`importTorchvision: no place for the tensor '${name}'; give the weights of torchvision’s resnet.`);
  }
  const block = `blocks.${start + Number(inner[2])}`;
  const rest = inner[6]!;
  if (inner[5] !== undefined) return `${block}.projection.${part(inner[5] === '0' ? 'conv' : 'bn', rest)}`;
  return `${block}.layers.${Number(inner[4]) - 1}.${part(inner[3]!, rest)}`;
}

function ourLayout(tensor: TensorData): TensorData {
  if (tensor.shape.length === 4) return transposeTensorData(tensor, [2, 3, 1, 0]);
  if (tensor.shape.length === 2) return transposeTensorData(tensor, [1, 0]);
  return tensor;
}
