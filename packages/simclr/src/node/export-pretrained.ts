/** From a finished run to weights that can come with the package: half the size, and a model card beside them. */
import { basename, join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { formatModelCard, readSummary } from '@milestones/reproduce';
import { SimCLR } from '../model.ts';
import { savePretrained } from './save-pretrained.ts';

const scores = ['Knn', 'Linear', 'Partner', 'ZKnn', 'ZLinear'];

/**
 * Writes the first network of a run as float16.
 *
 * @param destination a folder; its last name is that of the weights
 */
export async function exportPretrained(runFolder: string, destination: string): Promise<void> {
  const summary = readSummary(runFolder);
  const model = await SimCLR.fromPretrained(join(runFolder, 'model'));
  await savePretrained(model, destination, { dtype: 'float16' });
  const name = basename(destination);
  const card = formatModelCard(summary, {
    name,
    about: `An encoder (${model.config.encoder}) and its projection head, trained without labels (Chen et al. 2020).`,
    parameters: model.parameterCount(),
    precision: 'float16 (scores are those of float32)',
    metrics: scores.map((score) => `fullMlp${score}`),
    usage: `npx simclr neighbors --weights ${name} --out neighbors.png`,
    notes: [
      'It knows the 50,000 training images of CIFAR-10, seen five times: 32 × 32 pixels of ten kinds of things. Use h (`represent`), ' +
        'not z, for anything but the loss.',
      'Licence of the weights: MIT, as the package. CIFAR-10 is published for research; see its own page.',
    ],
  });
  await saveFile(join(destination, 'README.md'), card);
  model.dispose();
}
