#!/usr/bin/env node
/** The command `seq2seq`: `reproduce` trains a preset, `translate` translates sentences. */
import { writeFileSync } from 'node:fs';
import { useBackend, type EngineName } from '@milestones/backend';
import { attentionPicture } from '@milestones/core';
import { CommandError, exportVerb, numberFlag, parseVerbFlags, runVerbs } from '@milestones/reproduce';
import { SentenceDecoder } from './decode.ts';
import { exportPretrained } from './node/export-pretrained.ts';
import { main as reproduce } from './reproduce.ts';
import { align, translate } from './translate.ts';
import { fromPretrained, pretrained } from './weights.ts';

const usage = `seq2seq reproduce [--preset quick|laptop|paper|…] [flags]   train a preset; see seq2seq reproduce --help
seq2seq translate <sentence…> [flags]                       translate sentences, each in quotes
seq2seq export <run folder> <destination>                   the run's weights as float16, with a model card

  --weights <name|folder>    ${Object.keys(pretrained).join(', ')}, or a folder that a run saved (default multi30k-de-en)
  --beams <count>            hypotheses that are kept; 1 is greedy (default 5)
  --length-penalty <number>  α: larger numbers prefer longer translations (default 0.6)
  --picture <file.svg>       draws what each word of the first translation looked at (attention only)
  --backend <engine>         auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const flags = ['weights', 'beams', 'length-penalty', 'picture', 'backend'] as const;

async function translateCommand(argv: string[]): Promise<number> {
  const { values, positionals } = parseVerbFlags('translate', usage, flags, argv, true);
  if (positionals.length === 0) {
    throw new CommandError(
      'translate: no sentence arrived; give one in quotes: seq2seq translate "Ein Mann fährt Fahrrad."',
    );
  }
  const beams = numberFlag('beams', values.beams) ?? 5;
  const lengthPenalty = numberFlag('length-penalty', values['length-penalty']) ?? 0.6;
  await useBackend(values.backend as EngineName | undefined);
  const model = await fromPretrained(values.weights ?? 'multi30k-de-en');
  const decoder = new SentenceDecoder(model);
  const translations = await translate(model, positionals, { beams, lengthPenalty }, decoder);
  for (const { text } of translations) process.stdout.write(`${text}\n`);
  if (values.picture !== undefined) {
    const alignment = await align(model, positionals[0]!, translations[0]!, decoder);
    writeFileSync(values.picture, attentionPicture([alignment]));
  }
  await decoder.dispose();
  model.dispose();
  return 0;
}

await runVerbs('seq2seq', usage, { reproduce, translate: translateCommand, export: exportVerb(exportPretrained) });
