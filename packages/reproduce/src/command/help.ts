/** The text of `--help`, made from the schema, the presets and the list of common flags. */
import { formatTable } from '../table.ts';
import { commonFlags } from './flags.ts';
import type { Preset } from './presets.ts';
import { describeKind, type SchemaKey, showValue } from './schema-keys.ts';

export interface HelpOptions {
  title: string;
  /** The command up to its flags, such as `pnpm reproduce gpt-mini`. */
  prefix: string;
  keys: readonly SchemaKey[];
  presets: readonly Preset[];
  usualPreset: string;
  width?: number;
}

export function formatHelp({
  title,
  prefix,
  keys,
  presets,
  usualPreset,
  width = process.stdout.columns || 100,
}: HelpOptions): string {
  const flagRows = Object.entries(commonFlags).map(([name, flag]) => {
    const value = 'value' in flag ? ('bareValue' in flag ? ` [${flag.value}]` : ` <${flag.value}>`) : '';
    return [`  --${name}${value}`, flag.help];
  });
  const presetRows = presets.map((preset) => [
    `  ${preset.name}${preset.name === usualPreset ? ' (default)' : ''}`,
    preset.minutes === undefined ? '' : `${preset.minutes} min`,
    preset.why,
  ]);
  const keyRows = keys.map((entry) => [
    `  ${entry.key}`,
    describeKind(entry),
    showValue(entry.default),
    entry.description,
  ]);
  return [
    title,
    '',
    `Usage: ${prefix} [flags]`,
    '',
    formatTable(['Flags', ''], flagRows, { width }),
    '',
    formatTable(['Presets', 'time', 'what it shows'], presetRows, { width }),
    '',
    formatTable(['Keys for --set', 'type', 'default', ''], keyRows, { width }),
    '',
  ].join('\n');
}
