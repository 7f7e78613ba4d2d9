#!/usr/bin/env node
/** The command `gpt-mini`: `reproduce` trains a preset, `generate` continues a text. */
import { useBackend, type EngineName } from '@milestones/backend';
import { CommandError, numberFlag, parseVerbFlags, runVerbs } from '@milestones/reproduce';
import { Gpt } from './model.ts';
import { generateTokens } from './generate.ts';
import { main as reproduce } from './reproduce.ts';
import { pretrained, type PretrainedName } from './weights.ts';

const usage = `gpt-mini reproduce [--preset quick|laptop|paper] [flags]   train a preset; see gpt-mini reproduce --help
gpt-mini generate [prompt] [flags]                         continue a text

  --weights <name|folder>   ${Object.keys(pretrained).join(', ')}, a folder that a run saved or of a
                            GPT-2 model, or its name on the hub: openai-community/gpt2 (default shakespeare-char)
  --tokens <count>          how many tokens to generate (default 300)
  --temperature <number>    below 1 safer, above 1 wilder, 0 always the most likely (default 0.8)
  --top-k <count>           draw among the most likely tokens only
  --top-p <number>          draw among the fewest tokens of this total probability
  --seed <number>           the same seed gives the same text (default 1)
  --backend <engine>        auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const flags = ['weights', 'tokens', 'temperature', 'top-k', 'top-p', 'seed', 'backend'] as const;

async function generate(argv: string[]): Promise<number> {
  const { values, positionals } = parseVerbFlags('generate', usage, flags, argv, true);
  const number = (flag: (typeof flags)[number]): number | undefined => numberFlag(flag, values[flag]);
  const [prompt = '\n', ...more] = positionals;
  if (more.length > 0) {
    throw new CommandError(
      `generate: ${more.length + 1} prompts arrived; give one, in quotes: gpt-mini generate "To be".`,
    );
  }
  const topK = number('top-k');
  const topP = number('top-p');
  await useBackend(values.backend as EngineName | undefined);
  const model = await Gpt.fromPretrained((values.weights ?? 'shakespeare-char') as PretrainedName);
  const options = {
    tokens: number('tokens') ?? 300,
    temperature: number('temperature') ?? 0.8,
    seed: number('seed') ?? 1,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
  };
  const { tokenizer } = model;
  if (tokenizer === undefined) {
    throw new CommandError(
      `--weights: ${values.weights} has no tokenizer; put vocab.json and merges.txt into its folder.`,
    );
  }
  process.stdout.write(prompt);
  let waiting: number[] = [];
  for await (const token of generateTokens(model, tokenizer.encode(prompt), options)) {
    waiting.push(token);
    const text = tokenizer.decode(waiting);
    // A character may take several byte-level tokens: wait for the rest of it.
    if (text.endsWith('\ufffd') && waiting.length < 8) continue;
    process.stdout.write(text);
    waiting = [];
  }
  process.stdout.write(tokenizer.decode(waiting));
  process.stdout.write('\n');
  return 0;
}

await runVerbs('gpt-mini', usage, { reproduce, generate });
