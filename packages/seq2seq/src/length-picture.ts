/** BLEU by sentence length, as in figure 2 of Bahdanau et al. 2015: one SVG, no library. */
import type { LengthScore } from './scores.ts';

const [WIDTH, HEIGHT] = [640, 360];
const plot = { left: 60, right: WIDTH - 24, top: 56, bottom: HEIGHT - 52 };
const colours = ['#0b6fa4', '#d1600a', '#1b8a5a', '#8e4a9e', '#b3001b', '#6b6b6b'];

/**
 * A line for each model: BLEU over groups of sentences of like length.
 *
 * @param models name and scores; all have the same groups
 */
export function lengthPicture(models: readonly { name: string; scores: readonly LengthScore[] }[]): string {
  const groups = models[0]?.scores ?? [];
  const highest = Math.max(10, ...models.flatMap(({ scores }) => scores.map(({ bleu }) => bleu)));
  const top = 10 * Math.ceil(highest / 10);
  const toX = (index: number): number =>
    round(plot.left + ((index + 0.5) * (plot.right - plot.left)) / Math.max(1, groups.length));
  const toY = (bleu: number): number => round(plot.bottom - (bleu / top) * (plot.bottom - plot.top));
  const text = (x: number, y: number, content: string, anchor: string, attributes = ''): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" ${attributes}>${content}</text>`;
  const grid = Array.from({ length: top / 10 + 1 }, (_, index) => 10 * index).flatMap((tick) => [
    `<line x1="${plot.left}" x2="${plot.right}" y1="${toY(tick)}" y2="${toY(tick)}" stroke="#d8dee4"/>`,
    text(plot.left - 8, toY(tick) + 4, String(tick), 'end'),
  ]);
  const labels = groups.map(({ from, to, sentences }, index) =>
    text(toX(index), plot.bottom + 19, `${from === to ? from : `${from}–${to}`} (${sentences})`, 'middle'),
  );
  const lines = models.flatMap(({ name, scores }, model) => {
    const colour = colours[model % colours.length]!;
    const points = scores.map(({ bleu }, index) => `${toX(index)},${toY(bleu)}`);
    const x = plot.left + model * 150;
    return [
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...scores.map(
        ({ bleu }, index) =>
          `<circle cx="${toX(index)}" cy="${toY(bleu)}" r="3.5" fill="${colour}"><title>${bleu.toFixed(1)}</title></circle>`,
      ),
      `<line x1="${x}" x2="${x + 18}" y1="40" y2="40" stroke="${colour}" stroke-width="3"/>`,
      text(x + 24, 44, name, 'start'),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#24292f">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(plot.left, 22, 'BLEU by source length', 'start', 'font-size="15" font-weight="600"'),
    ...grid,
    ...labels,
    text((plot.left + plot.right) / 2, HEIGHT - 12, 'words of the source (sentences)', 'middle'),
    ...lines,
    '</svg>\n',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
