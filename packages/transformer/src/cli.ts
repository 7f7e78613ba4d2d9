#!/usr/bin/env node
/** The command `transformer`: `reproduce` trains a preset, `translate` translates sentences. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { CommandError, runMain } from '@milestones/reproduce';
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

async function translateSentences(argv: string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv);
  const number = (flag: 'beams' | 'length-penalty'): number | undefined => {
    const text = values[flag];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === '' || Number.isNaN(value)) {
      throw new CommandError(`--${flag}: '${text}' arrived; give a number.`);
    }
    return value;
  };
  const beams = number('beams');
  const lengthPenalty = number('length-penalty');
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

async function exportWeights(argv: string[]): Promise<number> {
  const [run, destination] = argv;
  if (run === undefined || destination === undefined || argv.length > 2) {
    throw new CommandError(`export: ${argv.length} arguments arrived; give the folder of a run and a destination.`);
  }
  await useBackend('cpu');
  await exportPretrained(run, destination);
  return 0;
}

function parseFlags(argv: string[]) {
  const text = { type: 'string' } as const;
  const options = { weights: text, beams: text, 'length-penalty': text, attention: text, backend: text };
  try {
    return parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`translate: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
}

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if (verb === 'translate' && !rest.includes('--help')) return translateSentences(rest);
  if (verb === 'export' && !rest.includes('--help')) return exportWeights(rest);
  if (verb !== undefined && !['translate', 'export', '--help', '-h'].includes(verb)) {
    throw new CommandError(`transformer: '${verb}' is not a command; there are reproduce, translate and export.`);
  }
  process.stdout.write(usage);
  return 0;
});
