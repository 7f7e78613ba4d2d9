/** From a finished run to weights that can come with the package: half the size, and a model card beside them. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { CommandError, formatModelCard, readRunConfig, readSummary } from '@milestones/reproduce';
import type { RunConfig } from '../config.ts';
import { BertClassifier, BertForPretraining } from '../model.ts';
import { savePretrained } from './save-pretrained.ts';

/**
 * Writes a model of a run as float16.
 *
 * @param modelFolder `model` or `classifier` of a finished run
 * @param destination a folder; its last name is that of the weights
 */
export async function exportPretrained(modelFolder: string, destination: string): Promise<void> {
  const summary = readSummary(dirname(modelFolder));
  const folderName = basename(modelFolder);
  if (!['model', 'classifier'].includes(folderName) || !existsSync(join(modelFolder, 'config.json'))) {
    throw new CommandError(`export: '${modelFolder}' arrived; give the folder model or classifier of a finished run.`);
  }
  const { data } = readRunConfig(dirname(modelFolder)).config as RunConfig;
  const isClassifier = folderName === 'classifier';
  const model = await (isClassifier ? BertClassifier : BertForPretraining).fromPretrained(modelFolder);
  await savePretrained(model, destination, { dtype: 'float16' });
  const name = basename(destination);
  const { layers, features } = model.config;
  const card = formatModelCard(summary, {
    name,
    about:
      `A BERT (Devlin et al. 2018) of ${layers} layers and ${features} features, pre-trained by hidden words` +
      (isClassifier
        ? `, then tuned on all labels of the run to tell: ${(model as BertClassifier).classNames.join(', ')}.`
        : '.'),
    parameters: model.parameterCount(),
    precision: 'float16 (scores are those of float32)',
    metrics: isClassifier ? ['classifierAccuracy'] : ['maskedLoss', 'unigramLoss'],
    usage: isClassifier
      ? `npx bert-mini classify "a gripping film" --weights ${name}`
      : `npx bert-mini fill-mask "the film was [MASK]." --weights ${name}`,
    notes: [
      aboutData(data, isClassifier),
      `Licence of the weights: MIT, as the package.${data.corpus === 'wikitext-2+sst-2' ? ' WikiText-2 is CC BY-SA; SST-2 is published for research; see their terms.' : ''}`,
    ],
  });
  await saveFile(join(destination, 'README.md'), card);
  model.dispose();
}

function aboutData({ corpus, task }: RunConfig['data'], isClassifier: boolean): string {
  const seen =
    corpus === 'wikitext-2+sst-2'
      ? 'two million words of WikiText-2 and the 67,349 phrases of SST-2’s training sentences, a thousandth of what the released ' +
        'models saw: it knows which words go together in film reviews and little about the world'
      : `the text of the run (data.corpus ${corpus}), and knows its words alone`;
  const labels = task === 'sst-2' ? 'the labels of SST-2' : `the labels of the run (data.task ${task})`;
  return `Pre-trained on ${seen}.${isClassifier ? ` Tuned on ${labels}.` : ''}`;
}
