#!/usr/bin/env node
/** The command `dqn`: `reproduce` trains a preset, `play` shows an agent, `evaluate` scores one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { useBackend, type EngineName } from '@milestones/backend';
import { saveFile } from '@milestones/core/node';
import {
  CommandError,
  numberFlag,
  parseVerbFlags,
  runVerbs,
  wholeNumberFlag,
  type VerbFlags,
} from '@milestones/reproduce';
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

const flags = ['weights', 'picture', 'delay', 'episodes', 'epsilon', 'steps', 'seed', 'backend'] as const;
type Values = VerbFlags<(typeof flags)[number]>['values'];

function episodeOptions({ epsilon: given, seed, steps }: Values) {
  const epsilon = numberFlag('epsilon', given) ?? 0;
  if (epsilon < 0 || epsilon > 1) throw new CommandError(`--epsilon: '${given}' arrived; give a number from 0 to 1.`);
  return {
    epsilon,
    seed: wholeNumberFlag('seed', seed, 1, 0),
    maximumSteps: wholeNumberFlag('steps', steps, Infinity),
  };
}

async function loadAgent(values: Values): Promise<TrainedAgent> {
  await useBackend(values.backend as EngineName | undefined);
  return loadPretrained((values.weights ?? 'breakout') as PretrainedName);
}

async function play(argv: string[]): Promise<number> {
  const { values } = parseVerbFlags('dqn', usage, flags, argv);
  const delay = wholeNumberFlag('delay', values.delay, 60, 0);
  const { epsilon, seed, maximumSteps } = episodeOptions(values);
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
  const { values } = parseVerbFlags('dqn', usage, flags, argv);
  const episodes = wholeNumberFlag('episodes', values.episodes, 100);
  const { epsilon, seed, maximumSteps } = episodeOptions(values);
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

await runVerbs('dqn', usage, { reproduce, play, evaluate: score });
