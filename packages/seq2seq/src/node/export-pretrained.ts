/** From a finished run to weights that can come with the package: half the size, and a model card beside them. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { formatModelCard, readSummary } from '@milestones/reproduce';
import { metricName } from '../experiments.ts';
import { fromPretrained } from '../weights.ts';
import { savePretrained } from './save-pretrained.ts';

const scores = ['validationLoss', 'testPerplexity', 'testBleu', 'testBeamBleu', 'bleuWithLength', 'exact'];

/**
 * Writes the weights of one network of a run as float16: of the one with attention where there is one.
 *
 * @param destination a folder; its last name is that of the weights
 */
export async function exportPretrained(runFolder: string, destination: string): Promise<void> {
  const summary = readSummary(runFolder);
  const prefix = existsSync(join(runFolder, 'model-attention')) ? 'attention' : '';
  const model = await fromPretrained(join(runFolder, prefix === '' ? 'model' : `model-${prefix}`));
  await savePretrained(model, destination, { float16: true });
  const name = basename(destination);
  const { kind, hidden, layers } = model.config;
  const card = formatModelCard(summary, {
    name,
    about:
      kind === 'attention'
        ? `A GRU translator with additive attention (Bahdanau et al. 2015), ${hidden} units.`
        : `An LSTM translator (Sutskever et al. 2014), ${layers} layers of ${hidden} cells.`,
    parameters: model.parameterCount(),
    precision: 'float16 (scores are those of float32)',
    metrics: scores.map((score) => metricName({ prefix }, score)),
    usage: `npx seq2seq translate "Ein Mann fährt Fahrrad." --weights ${name}${kind === 'attention' ? ' --picture attention.svg' : ''}`,
    notes: [
      'Trained on the captions of the run’s training text alone, for Multi30k 29,000 pairs: short descriptions of photographs. ' +
        'It knows their words and little else, and is no translator for anything that matters.',
      'Licence of the weights: MIT, as the package. Multi30k’s captions are published for research; see its own terms.',
    ],
  });
  await saveFile(join(destination, 'README.md'), card);
  model.dispose();
}
