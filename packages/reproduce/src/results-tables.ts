/**
 * README tables made from committed results. A Markdown file marks where a table belongs:
 *
 *     <!-- results:start targets milestone=gpt-mini preset=laptop -->
 *     <!-- results:end -->
 *
 * `targets` (the usual kind) lists every claim of the milestone's saved runs; `seeds` has one row per claim with all seeds
 * beside their mean; `overview` has one row per milestone and preset, likewise (of a package of many papers, those presets
 * that its package.json names). `milestone` defaults to the package that the file lies in, `preset` to all.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from './summary.ts';
import { formatNumber, markdownTable } from './table.ts';
import { formatBand } from './target-table.ts';
import type { TargetResult } from './targets.ts';

/** A summary.json that is committed below `packages/<name>/results/`. */
export interface SavedResult {
  summary: Summary;
  /** Title and year of the milestone, from the `milestone` entry of its package.json where there is one. */
  title: string;
  year: string;
  /** Whether it belongs into an overview of all packages. */
  inOverview: boolean;
}

/** The `milestone` entry of a package.json. */
interface MilestoneEntry {
  title?: string;
  year?: number;
  /**
   * For a package of many papers: the presets that stand in an overview of all packages, each under a title and year of
   * its own. Where it is left out, all do.
   */
  presets?: Record<string, { title: string; year: number }>;
}

/** All results of a repository, ordered by package, preset and seed. */
export function loadResults(root: string): SavedResult[] {
  const results: SavedResult[] = [];
  for (const name of readdirSync(join(root, 'packages')).toSorted()) {
    const folder = join(root, 'packages', name, 'results');
    if (!existsSync(folder)) continue;
    const { milestone = {} } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
      milestone?: MilestoneEntry;
    };
    for (const path of findSummaries(folder)) {
      const summary = JSON.parse(readFileSync(path, 'utf8')) as Summary;
      const { title = summary.milestone, year = '' } = milestone.presets?.[summary.preset] ?? milestone;
      const inOverview = milestone.presets === undefined || summary.preset in milestone.presets;
      results.push({ summary, title, year: String(year), inOverview });
    }
  }
  return results;
}

function findSummaries(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    .flatMap((entry) => {
      if (entry.isDirectory()) return findSummaries(join(folder, entry.name));
      return entry.name === 'summary.json' ? [join(folder, entry.name)] : [];
    });
}

/**
 * The text with every marked block filled anew. `where` names the file in errors and gives the default milestone.
 * A file without blocks comes back unchanged.
 */
export function formatResultsBlocks(text: string, where: string, results: readonly SavedResult[]): string {
  const starts = text.match(/<!-- results:start/g)?.length ?? 0;
  const ends = text.match(/<!-- results:end/g)?.length ?? 0;
  if (starts !== ends) {
    throw new Error(
      `${where}: ${starts} results:start and ${ends} results:end; every start needs its own <!-- results:end -->.`,
    );
  }
  const block = /(<!-- results:start(.*?)-->)([\s\S]*?)(<!-- results:(end|start).*?-->)/g;
  return text.replaceAll(block, (_, start: string, words: string, _old: string, end: string, kind: string) => {
    if (kind !== 'end')
      throw new Error(`${where}: a results:start has no results:end after it; add <!-- results:end -->.`);
    return `${start}\n${formatBlock(words.trim().split(/\s+/).filter(Boolean), where, results)}\n${end}`;
  });
}

function formatBlock(words: readonly string[], where: string, results: readonly SavedResult[]): string {
  const filters = {
    milestone: /packages[\\/]([^\\/]+)[\\/]/.exec(where)?.[1],
    preset: undefined as string | undefined,
  };
  let kind = 'targets';
  for (const word of words) {
    const [name, value] = word.split('=', 2);
    if (value === undefined) kind = word;
    else if (name === 'milestone' || name === 'preset') filters[name] = value;
    else
      throw new Error(`${where}: results:start has the unknown option ${word}; write milestone=name or preset=name.`);
  }
  const chosen = results.filter(
    ({ summary, inOverview }) =>
      (inOverview || kind !== 'overview' || filters.milestone !== undefined) &&
      summary.milestone === (filters.milestone ?? summary.milestone) &&
      summary.preset === (filters.preset ?? summary.preset),
  );
  const block = { targets: targetsBlock, seeds: seedsBlock, overview: overviewBlock }[kind];
  if (block === undefined) {
    throw new Error(`${where}: results:start asks for a table called ${kind}; write targets, seeds or overview.`);
  }
  return chosen.length === 0 ? '_No results saved yet._' : block(chosen);
}

function targetsBlock(results: readonly SavedResult[]): string {
  const rows = results.flatMap(({ summary }) =>
    summary.targets.map((target) => [
      summary.preset,
      String(summary.seed),
      target.claim,
      formatNumber(target.paper),
      formatNumber(target.published),
      formatBand(target.expected),
      formatNumber(target.measured),
      target.pass ? 'yes' : 'NO',
    ]),
  );
  const header = ['preset', 'seed', 'claim', 'paper', 'published', 'expected', 'measured', 'pass'];
  return `${markdownTable(header, rows, { align: 'lrlrrrrl' })}\n\n${commandsOf(results)}`;
}

/** One row per claim: the measurement of each seed, and their mean beside the published number. */
function seedsBlock(results: readonly SavedResult[]): string {
  const claims = new Map<string, TargetResult[]>();
  for (const { summary } of results) {
    for (const target of summary.targets) claims.set(target.claim, [...(claims.get(target.claim) ?? []), target]);
  }
  const rows = [...claims].map(([claim, targets]) => {
    const measured = targets.flatMap((target) => target.measured ?? []);
    const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
    return [
      claim,
      formatNumber(targets[0]?.published),
      formatBand(targets[0]!.expected),
      measured.length === 0 ? '–' : formatNumber(mean),
      targets.map((target) => formatNumber(target.measured)).join(' / '),
      `${targets.filter((target) => target.pass).length} of ${targets.length}`,
    ];
  });
  const seeds = results.map(({ summary }) => summary.seed).join(' / ');
  const header = ['claim', 'published', 'expected', 'mean', `seeds ${seeds}`, 'pass'];
  return `${markdownTable(header, rows, { align: 'lrrrll' })}\n\n${commandsOf(results)}`;
}

function commandsOf(results: readonly SavedResult[]): string {
  const runs = results.map(({ summary }) => {
    const size = `${formatNumber(summary.parameters)} parameters, ${formatNumber(summary.steps)} steps`;
    return `- \`${summary.command}\`: ${size}, ${formatNumber(summary.minutes)} minutes on engine ${summary.engine}`;
  });
  return runs.join('\n');
}

function overviewBlock(results: readonly SavedResult[]): string {
  const groups = new Map<string, SavedResult[]>();
  for (const result of results) {
    const key = `${result.summary.milestone} ${result.summary.preset}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const rows = [...groups.values()].map((group) => {
    const { summary, title, year } = group[0]!;
    const mains = group.map((result) => mainTarget(result.summary));
    const targets = group.flatMap((result) => result.summary.targets);
    const range = (values: (number | null | undefined)[]): string => {
      const known = values.flatMap((value) => value ?? []).toSorted((a, b) => a - b);
      // Two or three seeds are shown one by one, more of them by their ends.
      if (known.length <= 3) return values.map((value) => formatNumber(value)).join(' / ');
      return `${formatNumber(known[0])} to ${formatNumber(known.at(-1))} (${known.length} seeds)`;
    };
    return [
      title,
      year,
      summary.milestone,
      summary.preset,
      mains[0]?.claim ?? '–',
      formatNumber(mains[0]?.paper),
      formatNumber(mains[0]?.published),
      range(mains.map((target) => target?.measured)),
      // One row stands for several claims: those that were missed must not vanish behind it.
      `${targets.filter(({ pass }) => pass).length} of ${targets.length}`,
      range(group.map((result) => result.summary.minutes)),
    ];
  });
  const header = [
    'milestone',
    'year',
    'package',
    'preset',
    'claim',
    'paper',
    'published',
    'ours',
    'claims held',
    'minutes',
  ];
  return markdownTable(header, rows, { align: 'lrlllrrrrr' });
}

/** The claim that stands for the whole run: the last one about its end that has a number to compare with, else the last one. */
function mainTarget(summary: Summary): TargetResult | undefined {
  const atEnd = summary.targets.filter((target) => target.step === undefined);
  const compared = atEnd.findLast((target) => target.paper !== null || target.published !== null);
  return compared ?? atEnd.at(-1) ?? summary.targets.at(-1);
}
