/** Pictures of attention weights, as in figure 3 of Bahdanau et al. 2015: one SVG, no library. */

const CELL = 26;
const PAD = 12;

/** How one head looks: what {@link attentionPicture} draws. */
export interface AttentionPanel {
  /** Above the panel. */
  title?: string;
  /** Words of the columns, those that are looked at. */
  source: readonly string[];
  /** Words of the rows, those that look. */
  target: readonly string[];
  /** α: a row for each target word, each with a weight from 0 to 1 for every source word. */
  weights: readonly ArrayLike<number>[];
}

/**
 * Draws α, the panels side by side: a row for each target word, a column for each source word, the darker the more weight.
 *
 * @returns an SVG document
 * @throws when a panel's weights do not fit its words
 */
export function attentionPicture(panels: readonly AttentionPanel[]): string {
  let width = 0;
  let height = 0;
  const drawn = panels.map((panel) => {
    const { svg, size } = drawPanel(panel);
    const placed = `<g transform="translate(${width} 0)">\n${svg}\n</g>`;
    width += size.width;
    height = Math.max(height, size.height);
    return placed;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#24292f">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, source, target, weights }: AttentionPanel): {
  svg: string;
  size: { width: number; height: number };
} {
  if (weights.length !== target.length || weights.some((row) => row.length !== source.length)) {
    throw new Error(
      `attentionPicture: ${weights.length} rows of ${weights[0]?.length ?? 0} weights arrived for ${target.length} target ` +
        `and ${source.length} source words; give a row for each target word with a weight for each source word.`,
    );
  }
  const letters = (words: readonly string[]): number => Math.max(...words.map((word) => [...word].length), 1);
  const left = PAD + 8 * letters(target);
  const top = PAD + 6 * letters(source) + 12 + (title === undefined ? 0 : 22); // the source words are slanted
  const own = left + CELL * source.length + 6 * letters(source) + PAD;
  const width = Math.max(own, title === undefined ? 0 : 2 * PAD + 8 * [...title].length);
  const height = top + CELL * target.length + PAD;
  const heading =
    title === undefined ? [] : [`<text x="${PAD}" y="${PAD + 10}" font-weight="600">${escaped(title)}</text>`];
  const columns = source.map((word, column) => {
    const x = left + CELL * (column + 0.5);
    return `<text x="${x}" y="${top - 8}" transform="rotate(-45 ${x} ${top - 8})">${escaped(word)}</text>`;
  });
  const rows = target.map(
    (word, row) =>
      `<text x="${left - 8}" y="${top + CELL * (row + 0.5) + 4}" text-anchor="end">${escaped(word)}</text>`,
  );
  const cells = weights.flatMap((row, index) =>
    Array.from(row, (weight, column) => {
      const opacity = Number(Math.min(1, Math.max(0, weight)).toFixed(3));
      return (
        `<rect x="${left + CELL * column}" y="${top + CELL * index}" width="${CELL}" height="${CELL}" ` +
        `fill="#0b6fa4" fill-opacity="${opacity}"><title>${escaped(`${target[index]!} ← ${source[column]!}`)}: ${opacity}</title></rect>`
      );
    }),
  );
  const frame = `<rect x="${left}" y="${top}" width="${CELL * source.length}" height="${CELL * target.length}" fill="none" stroke="#d8dee4"/>`;
  return { svg: [...heading, ...columns, ...rows, ...cells, frame].join('\n'), size: { width, height } };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
