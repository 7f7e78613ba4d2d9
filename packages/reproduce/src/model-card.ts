/** The page beside weights that come with a package: what they are, how they were made, what they score. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './command/command-error.ts';
import type { Summary } from './summary.ts';
import { formatNumber, markdownTable } from './table.ts';
import { targetMarkdown } from './target-table.ts';

/** What {@link formatModelCard} cannot know from the run. */
export interface ModelCardOptions {
  /** Name of the weights, the heading. */
  name: string;
  /** What they are, one paragraph. */
  about: string;
  /** Trainable weights; a run may have trained several networks. */
  parameters: number;
  /** How the numbers are stored, such as `float16`. */
  precision: string;
  /** Metrics of these very weights, by name. */
  metrics: readonly string[];
  /** Lines of code or commands that use them. */
  usage: string;
  /** What they were trained on, what they cannot do, licences: a paragraph each. */
  notes: readonly string[];
}

/**
 * The summary of a finished run.
 *
 * @throws when the folder has none: the run is not done, or the folder is not one of a run
 */
export function readSummary(runFolder: string): Summary {
  try {
    return JSON.parse(readFileSync(join(runFolder, 'summary.json'), 'utf8')) as Summary;
  } catch (error) {
    throw new CommandError(
      `'${runFolder}' has no readable summary.json (${(error as Error).message}); give the folder of a finished run.`,
    );
  }
}

/** A model card in Markdown. The claims are those of the whole run, with what it measured. */
export function formatModelCard(summary: Summary, options: ModelCardOptions): string {
  const { milestone, preset, seed, engine, minutes, command, commit, metrics, targets } = summary;
  const own = options.metrics.flatMap((name) =>
    metrics[name] === undefined ? [] : [[`\`${name}\``, formatNumber(metrics[name])]],
  );
  return [
    `# ${options.name}`,
    options.about,
    `${options.parameters.toLocaleString('en')} weights, ${options.precision}. Preset \`${preset}\` of ${milestone}, seed ` +
      `${seed}, ${formatNumber(minutes)} minutes on engine ${engine}${commit === null ? '' : `, commit ${commit.slice(0, 12)}`}:`,
    `\`\`\`sh\n${command}\n\`\`\``,
    `Use:\n\n\`\`\`sh\n${options.usage}\n\`\`\``,
    `## Scores of these weights\n\n${markdownTable(['metric', 'value'], own, { align: 'lr' })}`,
    `## Claims of the run\n\n${targetMarkdown(targets)}`,
    `## Data, limits, licence\n\n${options.notes.join('\n\n')}`,
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}
