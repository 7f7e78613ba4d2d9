#!/usr/bin/env node
/** The command `transformer`: `reproduce` trains a preset, `translate` translates sentences. */
import { writeFileSync } from 'node:fs';
import { useBackend, type EngineName } from '@milestones/backend';
import { CommandError, exportVerb, numberFlag, parseVerbFlags, runVerbs } from '@milestones/reproduce';
import { attentionMaps, translationPicture } from './attention-maps.ts';
import { Transformer } from './model.ts';
import { exportPretrained } from './node/export-pretrained.ts';
import { main as reproduce } from './reproduce.ts';
import { translate } from './translate.ts';
import { pretrained, type PretrainedName } from './weights.ts';

const usage = `transformer reproduce [--preset quick|laptop|paper|…] [flags]   train a preset; see transformer reproduce --help
transformer translate <sentence…> [flags]                       translate; each sentence in quotes
transformer export <run folder> <destination>                   the run's weights as float16, with a model card

  --weights <name|folder>   ${Object.keys(pretrained).join(', ')}, or the folder model of a run (default multi30k-de-en)
  --beams <count>           hypotheses kept; 1 is greedy (default 4)
  --length-penalty <number> larger numbers prefer longer translations (default 0.6)
  --attention <file.svg>    draws what each token of the first translation looked at
  --backend <engine>        auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const flags = ['weights', 'beams', 'length-penalty', 'attention', 'backend'] as const;

async function translateSentences(argv: string[]): Promise<number> {
  const { values, positionals } = parseVerbFlags('translate', usage, flags, argv, true);
  const beams = numberFlag('beams', values.beams);
  const lengthPenalty = numberFlag('length-penalty', values['length-penalty']);
  if (positionals.length === 0) {
    throw new CommandError(
      'translate: no sentence arrived; give one in quotes: transformer translate "Ein Mann fährt Fahrrad."',
    );
  }
  await useBackend(values.backend as EngineName | undefined);
  const model = await Transformer.fromPretrained((values.weights ?? 'multi30k-de-en') as PretrainedName);
  const translations = await translate(model, positionals, {
    ...(beams !== undefined && { beams }),
    ...(lengthPenalty !== undefined && { lengthPenalty }),
  });
  for (const translation of translations) process.stdout.write(`${translation}\n`);
  if (values.attention !== undefined) {
    writeFileSync(values.attention, translationPicture(await attentionMaps(model, positionals[0]!, translations[0]!)));
  }
  model.dispose();
  return 0;
}

await runVerbs('transformer', usage, {
  reproduce,
  translate: translateSentences,
  export: exportVerb(exportPretrained),
});
