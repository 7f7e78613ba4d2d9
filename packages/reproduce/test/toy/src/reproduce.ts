import { useBackend } from '@milestones/backend';
import { dataToTensors, Dense, Random } from '@milestones/core';
import { type Command, describeCommand, openRun, parseCommand, type Run, runMain } from '@milestones/reproduce';
import { type Config, configSchema } from './config.ts';
import { createOptimizer, evaluate, generatePoints, type RandomState, train } from './train.ts';

const deviations = [{ topic: 'data', paper: 'orbits of comets', ours: 'a generated line', why: 'needs no download' }];

/** Runs one command line and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'toy',
      title: 'Least squares (Legendre 1805)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const model = new Dense(1, 1);
    const facts = { parameters: model.parameterCount(), steps: command.config.steps };
    if (describeCommand(command, facts)) return 0;
    const engine = await useBackend(command.backend);
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await trainAndReport(command, run, model.initialize(command.seed));
    } finally {
      run.close();
    }
  });
}

async function trainAndReport({ config, seed }: Command<Config>, run: Run, model: Dense): Promise<number> {
  const points = generatePoints(config.points, seed);
  const optimizer = createOptimizer(config).initialize(model.namedParameters());
  let random = new Random(seed, 'batches');
  if (run.checkpoint !== null) {
    const { tensors, state } = run.checkpoint;
    model.loadStateDict(dataToTensors(tensors['model']!));
    optimizer.loadStateDict(dataToTensors(tensors['optimizer']!));
    random = Random.fromState(state['random'] as RandomState);
  }

  const progress = run.progress({ total: config.steps });
  for await (const { step, trainLoss } of train(model, optimizer, points, config, random, run.checkpoint?.step ?? 0)) {
    progress.update(step, { trainLoss });
    run.log(step, { trainLoss });
    const last = step === config.steps;
    if (step % 20 === 0 || last) run.log(step, { validationLoss: evaluate(model, points) });
    if (step % config.checkpointEvery === 0 || last || run.stopping) {
      const tensors = { model: model.stateDict(), optimizer: optimizer.stateDict() };
      await run.saveCheckpoint({ step, tensors, state: { random: random.state() } });
    }
    if (run.stopping && !last) return run.interrupted();
  }

  const [slope, intercept] = [model.weight.value.dataSync()[0]!, model.bias!.value.dataSync()[0]!];
  await run.saveSample('line.txt', `y = ${slope} x + ${intercept}\n`);
  const metrics = { validationLoss: evaluate(model, points), slope, intercept };
  return run.finish({ steps: config.steps, metrics, notes: ['Losses are mean squared errors.'] });
}
