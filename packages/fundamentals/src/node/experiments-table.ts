/** The table of experiments in the package's README. `pnpm results` writes it. */
import { formatNumber, markdownTable } from '@milestones/reproduce';
import { families } from '../experiments.ts';

/** One section per family. */
export function experimentsTable(): string {
  return families
    .filter(({ experiments }) => experiments.length > 0)
    .map((family) => {
      const rows = family.experiments.map(({ name, paper, claim, presets: { quick, laptop } }) => [
        `[${name}](src/${family.name}/${name}.ts)`,
        paper,
        claim,
        formatNumber(quick.minutes * 60),
        laptop === undefined ? '–' : formatNumber(laptop.minutes),
      ]);
      const header = ['experiment', 'paper', 'claim', 'quick: seconds', 'laptop: minutes'];
      return `### ${family.title}\n\n${markdownTable(header, rows, { align: 'lllrr' })}`;
    })
    .join('\n\n');
}
