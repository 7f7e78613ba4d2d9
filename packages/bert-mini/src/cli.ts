#!/usr/bin/env node
/** The command `bert-mini`: `reproduce` trains a preset, `classify` and `fill-mask` use a model, `export` prepares one. */
import { useBackend, type EngineName } from '@milestones/backend';
import { CommandError, exportVerb, parseVerbFlags, runVerbs, wholeNumberFlag } from '@milestones/reproduce';
import { BertClassifier, BertForPretraining } from './model.ts';
import { exportPretrained } from './node/export-pretrained.ts';
import { classify, fillMask } from './predict.ts';
import { main as reproduce } from './reproduce.ts';

const usage = `bert-mini reproduce [--preset quick|laptop|paper] [flags]      train a preset; see bert-mini reproduce --help
bert-mini classify <text> [second text] [flags]             the class of a text, or of a pair
bert-mini fill-mask "the film was [MASK]." [flags]          words for each [MASK]
bert-mini export <run>/<model or classifier> <destination>  a run's weights as float16, with a model card

  --weights <folder>   tiny-sst-2 (classify), tiny-wikitext-2 (fill-mask), a folder that a run saved (classifier/ or model/),
                       of a BERT model, or its name on the hub
  --count <number>     how many words for each [MASK] (default 5)
  --backend <engine>   auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

async function use(verb: 'classify' | 'fill-mask', argv: string[]): Promise<number> {
  const { values, positionals } = parseVerbFlags(verb, usage, ['weights', 'count', 'backend'], argv, true);
  const [text, second, ...more] = positionals;
  if (text === undefined || more.length > 0 || (verb === 'fill-mask' && second !== undefined)) {
    throw new CommandError(
      `${verb}: ${positionals.length} texts arrived; give one, in quotes${verb === 'classify' ? ', or a pair' : ''}.`,
    );
  }
  const weights = values.weights ?? (verb === 'classify' ? 'tiny-sst-2' : 'tiny-wikitext-2');
  const count = wholeNumberFlag('count', values.count, 5);
  await useBackend(values.backend as EngineName | undefined);
  const share = (probability: number): string => `${(100 * probability).toFixed(1)} %`.padStart(8);
  if (verb === 'classify') {
    const guesses = await classify(await BertClassifier.fromPretrained(weights), text, second);
    for (const { name, probability } of guesses) process.stdout.write(`${share(probability)}  ${name}\n`);
    return 0;
  }
  const gaps = await fillMask(await BertForPretraining.fromPretrained(weights), text, count);
  gaps.forEach((guesses, index) => {
    if (gaps.length > 1) process.stdout.write(`[MASK] ${index + 1}\n`);
    for (const { word, probability } of guesses) process.stdout.write(`${share(probability)}  ${word}\n`);
  });
  return 0;
}

await runVerbs('bert-mini', usage, {
  reproduce,
  classify: (argv) => use('classify', argv),
  'fill-mask': (argv) => use('fill-mask', argv),
  export: exportVerb(exportPretrained, 'the folder model or classifier of a run'),
});
