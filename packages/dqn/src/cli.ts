#!/usr/bin/env node
/** The command `dqn`: `reproduce` trains a preset, `play` shows an agent, `evaluate` scores one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@milestones/backend';
import { saveFile } from '@milestones/core/node';
import { CommandError, runMain } from '@milestones/reproduce';
import { encodeGif } from './picture/gif.ts';
import { pictureText } from './picture/terminal.ts';
import { recordEpisode } from './play.ts';
import { main as reproduce } from './reproduce.ts';
import { evaluate } from './train.ts';
import { loadPretrained, makeHome, pretrained, type PretrainedName, type TrainedAgent } from './weights.ts';

const usage = `dqn reproduce [--preset quick|cartpole|laptop|paper] [flags]   train a preset; see dqn reproduce --help
dqn play [flags]                                             show an episode in the terminal, or as a picture
dqn evaluate [flags]                                         mean return over many episodes

  --weights <name|folder>   ${Object.keys(pretrained).join(', ')}, or a folder model/ that a run saved (default breakout)
  --picture <file>          play: also write an animated GIF
  --delay <milliseconds>    play: between two pictures in the terminal (default 60; 0: the last one only)
  --episodes <count>        evaluate: how many (default 100)
  --epsilon <number>        probability of a random action (default 0)
  --steps <count>           moves after which an episode is cut off (default: as the environment has it)
  --seed <number>           the same seed plays the same episodes (default 1)
  --backend <engine>        auto, cuda, webgpu, native, onnx, wasm or cpu (default auto)
`;

const text = { type: 'string' } as const;

function parseFlags(argv: string[]) {
  const options = {
    weights: text,
    picture: text,
    delay: text,
    episodes: text,
    epsilon: text,
    steps: text,
    seed: text,
    backend: text,
  };
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`dqn: ${(error as Error).message} The flags are:\n\n${usage}`);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 0) throw new CommandError(`dqn: '${positionals[0]}' is no flag; see dqn --help.`);
  const number = (
    flag: 'delay' | 'episodes' | 'epsilon' | 'steps' | 'seed',
    standard: number,
    least: number,
  ): number => {
    const given = values[flag];
    const value = given === undefined ? standard : Number(given);
    const fits =
      given?.trim() !== '' &&
      value >= least &&
      (flag === 'epsilon' ? value <= 1 : Number.isInteger(value) || value === standard);
    if (!fits) {
      const wanted = flag === 'epsilon' ? 'a number from 0 to 1' : `a whole number of at least ${least}`;
      throw new CommandError(`--${flag}: '${given}' arrived; give ${wanted}.`);
    }
    return value;
  };
  return { values, number };
}

async function loadAgent(values: ReturnType<typeof parseFlags>['values']): Promise<TrainedAgent> {
  await useBackend(values.backend as EngineName | undefined);
  return loadPretrained((values.weights ?? 'breakout') as PretrainedName);
}

async function play(argv: string[]): Promise<number> {
  const { values, number } = parseFlags(argv);
  const [delay, epsilon, seed] = [number('delay', 60, 0), number('epsilon', 0, 0), number('seed', 1, 0)];
  const maximumSteps = number('steps', Infinity, 1);
  const { network, frameStack, home } = await loadAgent(values);
  const out = process.stdout;
  const colour = out.isTTY === true && process.env['NO_COLOR'] === undefined;
  let lines = 0;
  let last = '';
  const { pictures, total } = await recordEpisode(network, makeHome(home), {
    seed,
    epsilon,
    frameStack,
    maximumSteps,
    onPicture: async (picture, action, earned) => {
      last = `${pictureText(picture, { colour })}\n${home.name}  return ${earned}  ${action ?? ''}\n`;
      if (!out.isTTY || delay === 0) return;
      // Over the picture before.
      out.write(`${lines > 0 ? `\u001B[${lines}A\u001B[J` : ''}${last}`);
      lines = last.split('\n').length - 1;
      await sleep(delay);
    },
  });
  if (lines === 0) out.write(last);
  if (values.picture !== undefined) {
    await saveFile(values.picture, encodeGif(pictures));
    out.write(`${values.picture}: ${pictures.length} pictures\n`);
  }
  out.write(`${home.name}: return ${total} in ${pictures.length - 1} moves\n`);
  network.dispose();
  return 0;
}

async function score(argv: string[]): Promise<number> {
  const { values, number } = parseFlags(argv);
  const [episodes, epsilon, seed] = [number('episodes', 100, 1), number('epsilon', 0, 0), number('seed', 1, 0)];
  const maximumSteps = number('steps', Infinity, 1);
  const { network, frameStack, home } = await loadAgent(values);
  const { returns, mean, length } = await evaluate(network, makeHome(home), {
    episodes,
    epsilon,
    seed,
    frameStack,
    maximumSteps,
  });
  const deviation = Math.sqrt(returns.reduce((sum, each) => sum + (each - mean) ** 2, 0) / returns.length);
  process.stdout.write(
    `${home.name}, ${episodes} episodes: return ${mean.toFixed(2)}, standard deviation ${deviation.toFixed(2)}, ` +
      `from ${Math.min(...returns)} to ${Math.max(...returns)}, ${length.toFixed(1)} moves each\n`,
  );
  network.dispose();
  return 0;
}

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if (verb === 'play' && !rest.includes('--help')) return play(rest);
  if (verb === 'evaluate' && !rest.includes('--help')) return score(rest);
  if (verb !== undefined && !['play', 'evaluate', '--help', '-h'].includes(verb)) {
    throw new CommandError(`dqn: '${verb}' is not a command; there are reproduce, play and evaluate.`);
  }
  process.stdout.write(usage);
  return 0;
});
