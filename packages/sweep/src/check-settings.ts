/** Asks the milestone itself, before anything starts, whether it accepts what the space would give it. */
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import {
  createSearch,
  parseSpace,
  type Settings,
  type SettingValue,
  type SpaceParameter,
} from '@milestones/core/search';
import { CommandError } from '@milestones/reproduce';
import { type SweepDefinition, trialArguments } from './definition.ts';

/** Runs a command with each of a list of arguments, in one process, and answers with exit codes and error texts. */
const program = `
const [entry, list] = process.argv.slice(1);
const { main } = await import(entry);
const answers = [];
process.stdout.write = () => true;
for (const argv of JSON.parse(list)) {
  let text = '';
  process.stderr.write = (part) => ((text += part), true);
  answers.push({ code: await main(argv), text });
}
process.send(answers, () => process.exit());
`;

interface Answer {
  code: number;
  text: string;
}

/**
 * Lets the milestone's command parse the ends of every range and every category, with --dry-run.
 *
 * @throws CommandError with the milestone's own words: an unknown key with the nearest one, a value out of its bounds
 */
export async function checkSettings(entry: string, definition: SweepDefinition): Promise<void> {
  const space = parseSpace(definition.space);
  const argv = (settings: Settings): string[] => [...trialArguments(definition, settings), '--dry-run'];
  const values = space.parameters.flatMap((parameter) => valuesOf(parameter).map((value) => ({ parameter, value })));
  const [usual, ...single] = await ask(entry, [
    argv({}),
    ...values.map(({ parameter, value }) => argv({ [parameter.name]: value })),
  ]);
  if (usual!.code !== 0) throw new CommandError(`sweep: the milestone refuses the trials' flags: ${words(usual!)}`);
  const refused = values.flatMap((one, index) =>
    single[index]!.code === 2 ? [{ ...one, answer: single[index]! }] : [],
  );
  if (refused.length === 0) return;

  // A value may be fine together with others of the space: 3 heads with 48 features, but not with the usual 64.
  const draws = createSearch({ kind: 'random', space, seed: definition.seed, goal: definition.goal, trials: 8 });
  const joint = Array.from({ length: draws.trials }, (_, index) => draws.suggest([], index));
  const together = await ask(
    entry,
    refused.flatMap(({ parameter, value }) => joint.map((settings) => argv({ ...settings, [parameter.name]: value }))),
  );
  for (const [index, { parameter, value, answer }] of refused.entries()) {
    const answers = together.slice(index * joint.length, (index + 1) * joint.length);
    if (answers.some(({ code }) => code !== 2)) continue;
    throw new CommandError(
      `space: ${definition.milestone} refuses ${parameter.name} = ${JSON.stringify(value)}: ${words(answer)}`,
    );
  }
}

function valuesOf(parameter: SpaceParameter): readonly SettingValue[] {
  return parameter.kind === 'category' ? parameter.values : [parameter.from, parameter.to];
}

function words({ text }: Answer): string {
  return text.trim().replace(/^Error: /, '');
}

function ask(entry: string, list: readonly string[][]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', program, '--', pathToFileURL(entry).href, JSON.stringify(list)],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    let printed = '';
    let answers: Answer[] | undefined;
    child.stderr!.on('data', (text) => (printed += String(text)));
    child.once('error', reject);
    child.once('message', (message) => (answers = message as Answer[]));
    child.once('close', (code) => {
      if (answers !== undefined) resolve(answers);
      else reject(new Error(`sweep: ${entry} could not be run (exit code ${code}): ${printed.trim()}`));
    });
  });
}
