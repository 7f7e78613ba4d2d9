/** From a finished run to weights that can come with the package: half the size, and a model card beside them. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { formatModelCard, readSummary } from '@milestones/reproduce';
import { Transformer } from '../model.ts';
import { savePretrained } from './save-pretrained.ts';

const scores = [
  'ValidationPerplexity',
  'ValidationAccuracy',
  'TestBleu',
  'TestBleuGreedy',
  'TestBleu13a',
  'TestBleu13aGreedy',
];

/**
 * Writes the weights of a run as float16: the mean of its late weights where it has one, else the last ones.
 *
 * @param destination a folder; its last name is that of the weights
 */
export async function exportPretrained(runFolder: string, destination: string): Promise<void> {
  const summary = readSummary(runFolder);
  const averaged = existsSync(join(runFolder, 'model-averaged', 'config.json'));
  const model = await Transformer.fromPretrained(join(runFolder, averaged ? 'model-averaged' : 'model'));
  await savePretrained(model, destination, { dtype: 'float16' });
  const name = basename(destination);
  const { encoderLayers, decoderLayers, features } = model.config;
  const card = formatModelCard(summary, {
    name,
    about:
      `A Transformer (Vaswani et al. 2017) of ${encoderLayers} + ${decoderLayers} layers of ${features} features, ` +
      (averaged ? 'the mean of the weights at the last points of the run.' : 'the weights after the last step.'),
    parameters: model.parameterCount(),
    precision: 'float16 (scores are those of float32)',
    metrics: scores.map((score) =>
      averaged ? `averaged${score}` : `${score.charAt(0).toLowerCase()}${score.slice(1)}`,
    ),
    usage: `npx transformer translate "Ein Mann fährt Fahrrad." --weights ${name}`,
    notes: [
      'Trained on the captions of the run’s training text alone, for Multi30k 29,000 pairs: short descriptions of photographs. ' +
        'It knows their words and little else, invents what it does not know, and is no translator for anything that matters.',
      'Licence of the weights: MIT, as the package. Multi30k’s captions are published for research; see its own terms.',
    ],
  });
  await saveFile(join(destination, 'README.md'), card);
  model.dispose();
}
