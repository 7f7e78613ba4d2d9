#!/usr/bin/env node
/** The command `seq2seq`: `reproduce` trains a preset, `translate` translates sentences. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { attentionPicture } from '@milestones/core';
import { CommandError, runMain } from '@milestones/reproduce';
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

async function translateCommand(argv: string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv);
  if (positionals.length === 0) {
    throw new CommandError(
      'translate: no sentence arrived; give one in quotes: seq2seq translate "Ein Mann fährt Fahrrad."',
    );
  }
  const beams = numberOf(values.beams, 'beams') ?? 5;
  const lengthPenalty = numberOf(values['length-penalty'], 'length-penalty') ?? 0.6;
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

async function exportCommand(argv: string[]): Promise<number> {
  const [run, destination] = argv;
  if (run === undefined || destination === undefined || argv.length > 2) {
    throw new CommandError(`export: ${argv.length} arguments arrived; give the folder of a run and a destination.`);
  }
  await useBackend('cpu');
  await exportPretrained(run, destination);
  return 0;
}

function numberOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new CommandError(`--${flag}: '${text}' arrived; give a number.`);
  return value;
}

function parseFlags(argv: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: argv,
      options: { weights: text, beams: text, 'length-penalty': text, picture: text, backend: text },
      allowPositionals: true,
    });
  } catch (error) {
    throw new CommandError(`translate: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
}

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if (verb === 'translate' && !rest.includes('--help')) return translateCommand(rest);
  if (verb === 'export' && !rest.includes('--help')) return exportCommand(rest);
  if (verb !== undefined && !['translate', 'export', '--help', '-h'].includes(verb)) {
    throw new CommandError(`seq2seq: '${verb}' is not a command; there are reproduce, translate and export.`);
  }
  process.stdout.write(usage);
  return 0;
});
