/**
 * One run from the command line: parse → seed → engine → environment → train → evaluate → report. Node only.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { useBackend, type EngineName } from '@milestones/backend';
import { describeCommand, openRun, parseCommand, runMain, type Command, type Run } from '@milestones/reproduce';
import { DqnAgent } from './agent.ts';
import { configSchema, type RunConfig } from './config.ts';
import { deviations } from './deviations.ts';
import type { AnyEnvironment } from './environments/environment.ts';
import { makeEnvironment } from './environments/make.ts';
import { comparisons, metricName, trainingsOf, type Training } from './experiments.ts';
import { QNetwork } from './model.ts';
import { openEnvironment } from './node/run-environment.ts';
import { savePretrained } from './node/save-pretrained.ts';
import { encodeGif } from './picture/gif.ts';
import { recordEpisode } from './play.ts';
import { stackedShape } from './frame-stack.ts';
import { replayBytes } from './replay.ts';
import { train, type LoopState } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'dqn',
      title: 'Deep Q-networks (Mnih et al. 2013, 2015)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const { config, seed } = command;
    const trainings = trainingsOf(config, seed);
    const facts = { parameters: countParameters(config), steps: trainings.length * config.training.frames };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    // Before the run folder: a program that is missing, or a memory that does not fit, is no run.
    const environments: AnyEnvironment[] = [];
    try {
      for (const learning of [true, false]) environments.push(await openEnvironment(config.environment, learning));
      checkOptions(command, environments[0]!);
      const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
      try {
        return await trainAndReport(command, run, trainings, environments as [AnyEnvironment, AnyEnvironment]);
      } finally {
        run.close();
      }
    } finally {
      for (const environment of environments) await environment.close?.();
    }
  });
}

/** What a checkpoint holds besides tensors; plain JSON. */
interface Position {
  /** Index of the agent that is being trained. */
  training: number;
  loop: LoopState;
  /** The last numbers of every agent so far. */
  final: Record<string, number>;
}

async function trainAndReport(
  command: Command<RunConfig>,
  run: Run,
  trainings: Training[],
  [environment, evaluationEnvironment]: [AnyEnvironment, AnyEnvironment],
): Promise<number> {
  const { config } = command;
  const { frameStack } = config.environment;
  const stored = run.checkpoint?.state['position'] as Position | undefined;
  const final = stored?.final ?? {};
  const total = config.training.frames;
  const progress = run.progress({ total: trainings.length * total });

  for (const [index, training] of trainings.entries()) {
    if (index < (stored?.training ?? 0)) continue;
    const resumed = index === stored?.training;
    const agent = createAgent(config, training, environment);
    if (resumed) agent.restore(run.checkpoint!.tensors, stored.loop.agent);
    const log = (frame: number, values: Record<string, number>): void => {
      const named = Object.entries(values).map(([metric, value]) => [metricName(training, metric), value] as const);
      run.log(frame, Object.fromEntries(named));
    };
    const saveCheckpoint = async (frame: number, save: () => LoopState): Promise<void> => {
      const position: Position = { training: index, loop: save(), final };
      const step = index * total + Math.min(frame, total);
      await run.saveCheckpoint({ step, tensors: agent.checkpoint().tensors, state: { position } });
    };
    let last: Record<string, number> = {};
    try {
      const { returns } = await train({
        agent,
        environment,
        evaluationEnvironment,
        frameStack,
        config: { agent: training.agent, training: config.training },
        seed: training.seed,
        ...(resumed && { from: stored.loop }),
        events: {
          onLog: (frame, values) => {
            log(frame, values);
            const { trainingReturn } = values;
            last = { ...last, ...(trainingReturn !== undefined && { return: trainingReturn }) };
          },
          onEvaluation: (frame, evaluation) => {
            log(frame, { evaluationReturn: evaluation.mean, evaluationLength: evaluation.length });
            final[metricName(training, 'evaluationReturn')] = evaluation.mean;
            last = { ...last, evaluated: evaluation.mean };
            const where = trainings.length === 1 ? '' : `${training.name}, `;
            progress.note(
              `${where}frame ${frame}: return ${evaluation.mean.toFixed(2)} over ${evaluation.returns.length} episodes ` +
                `of ${evaluation.length.toFixed(0)} moves`,
            );
          },
          onFailure: async (frame, save) => {
            await saveCheckpoint(frame, save);
            progress.note(`Saved what was learned until frame ${frame}; continue with --resume ${run.folder}.`);
          },
          onMove: async (frame, checkpointDue, save) => {
            const done = index * total + Math.min(frame, total);
            if (frame % 100 < (environment.framesPerStep ?? 1)) progress.update(done, last);
            if (checkpointDue || run.stopping) await saveCheckpoint(frame, save);
            return run.stopping;
          },
        },
      });
      if (run.stopping) return run.interrupted();
      if (returns.length > 0) {
        final[metricName(training, 'trainingReturn')] = returns.reduce((sum, each) => sum + each, 0) / returns.length;
      }
      await saveAgent(command, run, training, agent);
    } finally {
      await agent.dispose();
    }
  }
  return run.finish({
    steps: trainings.length * total,
    metrics: { ...final, ...comparisons(config, command.seed, final) },
    charts: [
      { title: 'Return in evaluations', metrics: trainings.map((each) => metricName(each, 'evaluationReturn')) },
      { title: 'Return in training', metrics: trainings.map((each) => metricName(each, 'trainingReturn')) },
      { title: 'Loss', metrics: trainings.map((each) => metricName(each, 'loss')), scale: 'log' },
    ],
    notes: [
      `Frames are the steps. evaluationReturn is the mean of the last evaluation, ${config.training.finalEpisodes} episodes ` +
        `with ε = ${config.training.evaluationExploration}; trainingReturn that of the last 100 episodes of training.`,
    ],
  });
}

function createAgent(config: RunConfig, { agent, seed }: Training, environment: AnyEnvironment): DqnAgent {
  const { network, training, environment: home } = config;
  return new DqnAgent({ environment, frameStack: home.frameStack, network, agent, training, seed });
}

/** Saves the agent, and what it looks like in its environment. */
async function saveAgent(command: Command<RunConfig>, run: Run, training: Training, agent: DqnAgent): Promise<void> {
  const { name, maximumSteps, stickyProbability, frameStack } = command.config.environment;
  const home = { name, ...(maximumSteps > 0 && { maximumSteps }), stickyProbability };
  const suffix = training.prefix === '' ? '' : `-${training.prefix}`;
  await savePretrained({ network: agent.online, frameStack, home }, join(run.folder, `model${suffix}`));
  if (name === 'gymnasium') return;
  const environment = makeEnvironment(name, { ...home, maximumSteps: Math.min(maximumSteps || 500, 500) });
  const { pictures } = await recordEpisode(agent.online, environment, { seed: training.seed, frameStack });
  await run.saveSample(`episode${suffix}.gif`, encodeGif(pictures));
}

/** The shape of an observation is public where the environment is ours; a game of Atari has 18 actions at most. */
function countParameters({ environment, network }: RunConfig): number {
  const { space, actions } =
    environment.name === 'gymnasium'
      ? { space: { shape: [84, 84, 1], type: 'uint8' as const }, actions: new Array<string>(18).fill('') }
      : makeEnvironment(environment.name);
  return new QNetwork(stackedShape(space, environment.frameStack), actions.length, network).parameterCount();
}

/** Before anything is made: the memory within its budget, within the machine, and the network fit for the observations. */
function checkOptions({ config }: Command<RunConfig>, { space, actions }: AnyEnvironment): void {
  const { replay, replayCapacity } = config.agent;
  const needed = replay ? replayBytes(space, replayCapacity) : 0;
  if (needed > totalmem()) {
    throw new Error(
      `dqn: the replay memory of ${replayCapacity.toLocaleString('en-US')} frames takes ${(needed / 1e9).toFixed(1)} GB, and this ` +
        `machine has ${(totalmem() / 1e9).toFixed(1)} GB; lower agent.replayCapacity.`,
    );
  }
  new QNetwork(stackedShape(space, config.environment.frameStack), actions.length, config.network).parameterCount();
}
