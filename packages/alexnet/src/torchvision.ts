/**
 * Weights of torchvision's alexnet, as a safetensors file holds them: convolutions go from [out, in, height, width] to
 * [height, width, in, out], dense weights from [out, in] to [in, out], and the first dense layer, which sees the last
 * convolution flattened, from channel-row-column to row-column-channel order.
 *
 *   features.0, 3, 6, 8, 10   → convolutions.0 … 4
 *   classifier.1, 4, 6        → dense.0 … 2
 */
import type { tf } from '@milestones/backend';
import { dataToTensors, decodeSafetensors, loadBytes, transposeTensorData, type TensorData } from '@milestones/core';
import type { Preprocessing } from '@milestones/datasets';

const layers: Readonly<Record<string, string>> = {
  'features.0': 'convolutions.0',
  'features.3': 'convolutions.1',
  'features.6': 'convolutions.2',
  'features.8': 'convolutions.3',
  'features.10': 'convolutions.4',
  'classifier.1': 'dense.0',
  'classifier.4': 'dense.1',
  'classifier.6': 'dense.2',
};

/** What torchvision's classifiers were trained with; ten pieces of 224 are averaged, as in the paper. */
const preprocessing: Preprocessing = {
  size: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/**
 * Gives every tensor our name and layout, for `new AlexNet({ variant: 'torchvision', classes })`.
 *
 * @throws when a name is not one of torchvision's alexnet, or one is missing
 */
export function importTorchvision(tensors: Readonly<Record<string, TensorData>>): Record<string, TensorData> {
  const expected = Object.keys(layers).flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  const missing = expected.filter((name) => tensors[name] === undefined);
  const unknown = Object.keys(tensors).filter((name) => !expected.includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `importTorchvision: these are not the weights of torchvision’s alexnet (missing: ${missing.slice(0, 4).join(', ') || 'none'}; ` +
        `unknown: ${unknown.slice(0, 4).join(', ') || 'none'}); give a safetensors file of that network.`,
    );
  }
  return Object.fromEntries(
    expected.map((name) => {
      const [, layer, kind] = /^(.+)\.(weight|bias)$/.exec(name)!;
      return [`${layers[layer!]}.${kind}`, ourLayout(name, tensors[name]!)];
    }),
  );
}

function ourLayout(name: string, tensor: TensorData): TensorData {
  if (name === 'classifier.1.weight') {
    const [units, features] = tensor.shape as [number, number];
    const channels = features / 36;
    const pixels = transposeTensorData({ ...tensor, shape: [units, channels, 6, 6] } as TensorData, [2, 3, 1, 0]);
    return { ...pixels, shape: [features, units] } as TensorData; // [6 · 6 · C, 4096]
  }
  if (tensor.shape.length === 4) return transposeTensorData(tensor, [2, 3, 1, 0]);
  return tensor.shape.length === 2 ? transposeTensorData(tensor, [1, 0]) : tensor;
}

/** Reads a file of torchvision's weights. The tensors are the caller's to dispose. */
export async function loadTorchvision(
  source: string | URL,
): Promise<{ state: Record<string, tf.Tensor>; classes: number; preprocessing: Preprocessing }> {
  let bytes: Uint8Array;
  try {
    bytes = await loadBytes(source);
  } catch (error) {
    throw new Error(
      `AlexNet.fromTorchvision: '${String(source)}' cannot be read; give a .safetensors file. (${(error as Error).message})`,
      { cause: error },
    );
  }
  const { tensors } = decodeSafetensors(bytes);
  const imported = importTorchvision(tensors);
  return { state: dataToTensors(imported), classes: imported['dense.2.bias']!.shape[0]!, preprocessing };
}
