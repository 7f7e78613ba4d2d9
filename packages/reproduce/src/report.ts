/** REPORT.md: the result, how it came about, and how to repeat it, for a reader who has only the run folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { showValue } from './command/schema-keys.ts';
import type { Environment } from './environment.ts';
import type { Summary } from './summary.ts';
import type { RunConfig } from './run-folder.ts';
import { formatNumber, markdownTable } from './table.ts';
import { targetMarkdown } from './target-table.ts';

/** A difference from the paper, as data. */
export interface Deviation {
  topic: string;
  paper: string;
  ours: string;
  why: string;
}

export interface ReportContent {
  title: string;
  presetWhy: string;
  summary: Summary;
  config: RunConfig;
  /** Whose values the configuration's defaults are. */
  defaults: 'paper' | 'ours';
  environment: Environment;
  deviations: readonly Deviation[];
  /** File names in the samples folder. */
  samples: readonly string[];
  samplesFolder: string;
  notes: readonly string[];
}

export function formatReport(content: ReportContent): string {
  const { summary, config, environment, deviations } = content;
  const passed = summary.targets.filter((target) => target.pass).length;
  const ofPaper = content.defaults === 'paper';
  const sections = [
    `# ${content.title}: preset ${summary.preset}, seed ${summary.seed}`,
    content.presetWhy,
    `${formatNumber(summary.parameters)} parameters, ${formatNumber(summary.steps)} steps, ${formatNumber(summary.minutes)} minutes ` +
      `on engine ${summary.engine}. Targets met: ${passed} of ${summary.targets.length}.`,
    '## Result',
    summary.targets.length > 0 ? targetMarkdown(summary.targets) : 'The preset states no targets.',
    ...sourceLines(summary),
    markdownTable(
      ['final metric', 'value'],
      Object.entries(summary.metrics).map(([name, value]) => [name, formatNumber(value)]),
      { align: 'lr' },
    ),
    ...content.notes,
    '## Curves',
    '![Metrics over training steps](curves.svg)',
    ...sampleSections(content),
    '## Configuration',
    config.differences.length === 0
      ? `The ${ofPaper ? 'paper’s' : 'default'} configuration, unchanged.`
      : markdownTable(
          ['key', ofPaper ? 'paper' : 'default', 'here', 'why'],
          config.differences.map(({ key, default: usual, value, why }) => [
            key,
            showValue(usual),
            showValue(value),
            why,
          ]),
        ),
    ...changedSection(config),
    'The whole configuration is in config.json.',
    '## Differences from the paper',
    deviations.length === 0
      ? 'None beyond the configuration.'
      : markdownTable(
          ['topic', 'paper', 'here', 'why'],
          deviations.map(({ topic, paper, ours, why }) => [topic, paper, ours, why]),
        ),
    '## Environment',
    markdownTable(['', ''], environmentRows(environment)),
    '## Repeat it',
    `\`\`\`sh\n${summary.command}\n\`\`\``,
  ];
  return `${sections.join('\n\n')}\n`;
}

function sourceLines(summary: Summary): string[] {
  const sources = [
    ...new Set(
      summary.targets.flatMap((target) => (target.source && target.published !== null ? [target.source] : [])),
    ),
  ];
  return sources.length === 0 ? [] : [`Published values: ${sources.join('; ')}.`];
}

function sampleSections({ samples, samplesFolder }: ReportContent): string[] {
  if (samples.length === 0) return [];
  const parts = ['## Samples'];
  for (const name of samples) {
    if (/\.(txt|md|json|csv)$/.test(name)) {
      const text = readFileSync(join(samplesFolder, name), 'utf8').slice(0, 4000).trimEnd();
      // A fence longer than any run of backticks in the text cannot be closed by it.
      const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map((match) => match[0].length + 1)));
      parts.push(`[${name}](samples/${name})`, `${fence}text\n${text}\n${fence}`);
    } else if (/\.(svg|png|jpe?g|gif)$/.test(name)) {
      parts.push(`![${name}](samples/${name})`);
    } else {
      parts.push(`[${name}](samples/${name})`);
    }
  }
  return parts;
}

function changedSection(config: RunConfig): string[] {
  if (config.changed.length === 0) return [];
  const rows = config.changed.map(({ step, key, from, to }) => [
    formatNumber(step),
    key,
    showValue(from),
    showValue(to),
  ]);
  return [
    'The configuration was changed during the run, so the command below does not repeat it exactly:',
    markdownTable(['from step', 'key', 'before', 'after'], rows, { align: 'rlll' }),
  ];
}

function environmentRows(environment: Environment): string[][] {
  const { engine } = environment;
  return [
    ['started', environment.started],
    [
      'engine',
      [engine.name, engine.tfjsBackend && `tfjs backend ${engine.tfjsBackend}`, engine.version]
        .filter(Boolean)
        .join(', '),
    ],
    ['node', environment.node],
    ['tfjs', environment.tfjs],
    [
      'packages',
      Object.entries(environment.packages)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['machine', `${environment.cpu}, ${environment.cores} cores, ${environment.memoryGB} GB, ${environment.platform}`],
    [
      'commit',
      environment.commit === null
        ? 'none'
        : `${environment.commit}${environment.dirty ? ' with uncommitted changes' : ''}`,
    ],
  ];
}
