/** Draws figure 1 of Goodfellow et al. 2014 from a played game: one SVG, no library. */
import type { GaussianMoment } from './gaussian.ts';

const panel = { width: 220, height: 230, gap: 16, top: 34 };
const base = panel.height - 60; // the axis of x; below it the noise

/**
 * A panel for each moment: the density of the data (dotted), of what is generated (green), D (blue, dashed), and below how the
 * noise is carried to numbers.
 *
 * @param data mean and standard deviation of the data
 * @returns an SVG document
 */
export function gaussianPicture(
  moments: readonly GaussianMoment[],
  { mean, deviation }: { mean: number; deviation: number },
): string {
  if (moments.length === 0) throw new Error('gaussianPicture: no moments arrived; give at least one.');
  const width = moments.length * (panel.width + panel.gap) + panel.gap;
  const height = panel.top + panel.height + 24;
  const [low, high] = [mean - 5 * deviation, mean + 5 * deviation];
  const x = (value: number): number => ((value - low) / (high - low)) * panel.width;
  const peak = 1 / (deviation * Math.sqrt(2 * Math.PI));
  // The highest density that is drawn; D = 1 has half that height, so that D = ½ does not hide in the curves.
  const density = (value: number): number => base - (Math.min(value, 2 * peak) / (2 * peak)) * (base - 8);
  const drawn = moments.map((moment, index) => {
    const { generated, positions, judgement, step } = moment;
    const truth = [...positions].map((at) => [x(at), density(normalDensity(at, mean, deviation))]);
    const made = [...positions].map((at) => [x(at), density(kernelDensity(at, generated, deviation / 8))]);
    const judged = [...judgement].map((value, place) => [x(positions[place]!), base - (value * (base - 8)) / 2]);
    const noise = Array.from({ length: 21 }, (_, place) => {
      const to = generated[Math.round((place / 20) * (generated.length - 1))]!;
      if (!(to > low && to < high)) return '';
      const from = ((place + 2) / 24) * panel.width;
      return `<line x1="${round(from)}" y1="${panel.height}" x2="${round(x(to))}" y2="${base + 14}" stroke="#8c959f" stroke-width="0.7"/>`;
    });
    return [
      `<g transform="translate(${panel.gap + index * (panel.width + panel.gap)} ${panel.top})">`,
      `<text x="0" y="-12" font-weight="600">after ${step} updates</text>`,
      `<line x1="0" y1="${base}" x2="${panel.width}" y2="${base}" stroke="#24292f"/>`,
      `<line x1="0" y1="${base + 14}" x2="${panel.width}" y2="${base + 14}" stroke="#24292f" stroke-width="0.7"/>`,
      `<line x1="0" y1="${panel.height}" x2="${panel.width}" y2="${panel.height}" stroke="#24292f" stroke-width="0.7"/>`,
      ...noise,
      line(truth, '#24292f', '1.5 3'),
      line(made, '#1b8a5a'),
      line(judged, '#0b6fa4', '6 4'),
      '</g>',
    ].join('\n');
  });
  const legend =
    `<text x="${panel.gap}" y="${height - 8}">dotted: data · ` +
    '<tspan fill="#1b8a5a">green: generated</tspan> · <tspan fill="#0b6fa4">dashed: D, at the end ½</tspan> · below: noise → x</text>';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#24292f">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    legend,
    '</svg>\n',
  ].join('\n');
}

function normalDensity(value: number, mean: number, deviation: number): number {
  return Math.exp(-0.5 * ((value - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
}

function kernelDensity(value: number, points: Float32Array, bandwidth: number): number {
  let sum = 0;
  for (const point of points) sum += normalDensity(value, point, bandwidth);
  return sum / points.length;
}

function line(points: number[][], colour: string, dashes?: string): string {
  const path = points.map(([x, y]) => `${round(x!)},${round(y!)}`).join(' ');
  const dashed = dashes === undefined ? '' : ` stroke-dasharray="${dashes}"`;
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"${dashed}/>`;
}

const round = (value: number): number => Number(value.toFixed(1));
