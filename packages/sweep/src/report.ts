/** The result of a sweep: the best trial, the curve of the best so far, which settings mattered, and every trial. */
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { bestTrial, importance, parseSpace, type SettingImportance, type Settings } from '@milestones/core/search';
import { curvesSvg, formatNumber, markdownTable } from '@milestones/reproduce';
import { seedSetting, type SweepDefinition, trialArguments } from './definition.ts';
import { type SweepTrial, trialHistory } from './ledger.ts';
import { settingColumns, showSetting, stateOf, statusLine } from './status.ts';
import { showVersion } from './code-version.ts';

/** The content of a sweep's summary.json. */
export interface SweepSummary {
  /** The sweep's name. */
  name: string;
  /** Whose runs the trials were. */
  milestone: string;
  /** The preset that they changed; null for the milestone's usual one. */
  preset: string | null;
  /** How settings were chosen. */
  search: SweepDefinition['search'];
  /** The metric that counted. */
  metric: string;
  /** Whether it was to be small or large. */
  goal: SweepDefinition['goal'];
  /** Seed of the search and of the trials. */
  seed: number;
  /** Null while no trial has finished. */
  best: { trial: number; value: number; settings: Settings; command: string } | null;
  /** Mean and spread over seeds and folds, best first; empty where the space lists neither. */
  groups: TrialGroup[];
  /** How much each setting mattered, the most important first; empty where there are too few trials to say. */
  importance: SettingImportance[];
  /** Every trial: what a repetition of the sweep must show again. */
  trials: SummaryTrial[];
}

/** One row of the table of trials. */
export interface SummaryTrial {
  /** Its number. */
  index: number;
  /** How it ended, or where it stands. */
  state: ReturnType<typeof stateOf>;
  /** Null before it began. */
  settings: Settings | null;
  /** The metric that counts; null without one. */
  value: number | null;
  /** All final metrics. */
  metrics: Record<string, number>;
}

/** Trials that differ in their seed or fold alone. */
export interface TrialGroup {
  /** What they share. */
  settings: Settings;
  /** Their values, by trial number. */
  values: number[];
  /** Mean of the values. */
  mean: number;
  /** Standard deviation of the values (n − 1); null for a single one. */
  deviation: number | null;
}

/** Settings that repeat a trial rather than change it: a seed, or the held-out fold of a cross-validation. */
function isRepetition(name: string): boolean {
  return name === seedSetting || name === 'fold' || name.endsWith('.fold');
}

/** The summary of a sweep at any time. */
export function summarize(definition: SweepDefinition, trials: readonly SweepTrial[]): SweepSummary {
  const { name, milestone, preset, search, metric, goal, seed } = definition;
  const history = trialHistory(trials);
  const best = bestTrial(history, goal);
  return {
    name,
    milestone,
    preset,
    search,
    metric,
    goal,
    seed,
    best:
      best === undefined
        ? null
        : {
            trial: best.index,
            value: best.value!,
            settings: best.settings,
            command: commandOf(definition, best.settings),
          },
    groups: groupTrials(trials, goal),
    importance: importance(history, parseSpace(definition.space)) ?? [],
    trials: trials.map((trial) => ({
      index: trial.index,
      state: stateOf(trial),
      settings: trial.settings,
      value: trial.result?.value ?? null,
      metrics: trial.result?.metrics ?? {},
    })),
  };
}

/** Writes best.svg, REPORT.md and summary.json into the sweep's folder, and returns the report's path. */
export async function saveReport(
  folder: string,
  definition: SweepDefinition,
  trials: readonly SweepTrial[],
): Promise<string> {
  const summary = summarize(definition, trials);
  const report = join(folder, 'REPORT.md');
  await saveFile(join(folder, 'best.svg'), bestCurve(summary));
  await saveFile(report, formatReport(definition, trials, summary));
  await saveFile(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return report;
}

/** Every value as a dot, and the best so far as a line, over the trials' numbers. */
function bestCurve({ trials, goal, metric }: SweepSummary): string {
  const better = goal === 'minimize' ? Math.min : Math.max;
  let best: number | undefined;
  const records = trials.flatMap(({ index, state, value }) => {
    if (value === null) return [];
    if (state === 'finished') best = better(best ?? value, value);
    return [{ step: index, [metric]: value, ...(best !== undefined && { bestSoFar: best }) }];
  });
  return curvesSvg(
    records,
    [],
    [{ title: `${metric} by trial`, metrics: ['bestSoFar', metric], dots: [metric], axis: 'trial' }],
  );
}

/** Trials grouped by all that is no seed or fold; a group that is not finished is left out. */
function groupTrials(trials: readonly SweepTrial[], goal: SweepDefinition['goal']): TrialGroup[] {
  const columns = settingColumns(trials);
  if (!columns.some(isRepetition)) return [];
  const groups = new Map<string, { settings: Settings; values: (number | null)[] }>();
  for (const { settings, result } of trials) {
    if (settings === null) continue;
    const shared = Object.fromEntries(Object.entries(settings).filter(([name]) => !isRepetition(name)));
    const key = JSON.stringify(shared);
    const group = groups.get(key) ?? { settings: shared, values: [] };
    group.values.push(result?.state === 'finished' ? result.value : null);
    groups.set(key, group);
  }
  const sign = goal === 'minimize' ? 1 : -1;
  return [...groups.values()]
    .flatMap(({ settings, values }): TrialGroup[] => {
      const known = values.filter((value) => value !== null);
      if (known.length === 0 || known.length < values.length) return [];
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const deviation = known.length < 2 ? null : Math.sqrt(squares / (known.length - 1));
      return [{ settings, values: known, mean, deviation }];
    })
    .toSorted((a, b) => sign * (a.mean - b.mean));
}

function commandOf(definition: SweepDefinition, settings: Settings): string {
  const quoted = trialArguments(definition, settings).map((argument) =>
    /^[\w=.,:/+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`,
  );
  return `pnpm reproduce ${definition.milestone} ${quoted.join(' ')}`;
}

function formatReport(definition: SweepDefinition, trials: readonly SweepTrial[], summary: SweepSummary): string {
  const { name, milestone, preset, metric, goal, best, groups } = summary;
  const columns = settingColumns(trials);
  const sections = [
    `# Sweep ${name} of ${milestone}${preset === null ? '' : `, preset ${preset}`}`,
    `${summary.search} search, seed ${summary.seed}, ${trials.length} trials, to ${goal} ${metric}. ` +
      `${statusLine(definition, trials)}. Version ${showVersion(definition.version)}.`,
    '## Best trial',
    ...(best === null
      ? ['No trial has finished.']
      : [
          `Trial ${best.trial} with ${metric} ${formatNumber(best.value)}:`,
          markdownTable(
            ['setting', 'value'],
            Object.entries(best.settings).map(([key, value]) => [key, String(value)]),
          ),
          `\`\`\`sh\n${best.command}\n\`\`\``,
          ...(definition.search === 'bayes'
            ? ['Its suggestion followed from the trials that had ended by then; the trial itself repeats exactly.']
            : []),
        ]),
    ...groupSection(groups, metric),
    '## Best so far',
    `![${metric} by trial](best.svg)`,
    '## Which settings mattered',
    ...importanceSection(summary.importance),
    '## Trials',
    markdownTable(
      ['trial', 'state', metric, 'minutes', 'attempts', ...columns, 'remark'],
      trials.map((trial) => [
        String(trial.index),
        stateOf(trial),
        formatNumber(trial.result?.value),
        formatNumber(trial.result?.minutes),
        String(trial.attempts.length),
        ...columns.map((column) => showSetting(trial.settings?.[column])),
        trial.result?.reason ?? '',
      ]),
      { align: `rlrrr${'r'.repeat(columns.length)}l` },
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

function groupSection(groups: readonly TrialGroup[], metric: string): string[] {
  if (groups.length === 0) return [];
  const columns = Object.keys(groups[0]!.settings);
  return [
    '## Over seeds and folds',
    markdownTable(
      [...columns, 'trials', `mean ${metric}`, 'standard deviation'],
      groups.map(({ settings, values, mean, deviation }) => [
        ...columns.map((column) => showSetting(settings[column])),
        String(values.length),
        formatNumber(mean),
        formatNumber(deviation),
      ]),
      { align: 'r'.repeat(columns.length + 3) },
    ),
    'Compare settings by these means: the best single trial owes a part of its lead to its seed or fold.',
  ];
}

function importanceSection(settings: readonly SettingImportance[]): string[] {
  if (settings.length === 0) return ['There are too few trials with a value to say.'];
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  return [
    markdownTable(
      ['setting', 'by itself', 'with others'],
      settings.map(({ name, main, total }) => [name, percent(main), percent(total)]),
      { align: 'lrr' },
    ),
    'Shares of the variance over the whole space, of a model fitted to the trials: a setting that explains little may be left ' +
      'as it is. With few trials they are a hint.',
  ];
}
