/**
 * Line charts of a run's metrics as one SVG file, drawn without a library: axes with round ticks, a legend, the bands that
 * the targets expect and the published values as points.
 */
import { formatNumber } from './table.ts';
import type { MetricsRecord, TargetResult } from './targets.ts';

export interface Chart {
  title: string;
  /** Names of the metrics to draw. */
  metrics: readonly string[];
  /** Default `linear`; `log` needs positive values. */
  scale?: 'linear' | 'log';
  /** Of these metrics, those whose points are drawn without a line between them. */
  dots?: readonly string[];
  /** What is counted from left to right; default `step`. */
  axis?: string;
}

interface Point {
  x: number;
  y: number;
}

const width = 760;
const height = 380;
const margin = { top: 64, right: 28, bottom: 50, left: 68 };
const plot = {
  left: margin.left,
  right: width - margin.right,
  top: margin.top,
  bottom: height - margin.bottom,
};
/** Distinguishable with the common kinds of colour blindness. */
const colours = ['#0b6fa4', '#d1600a', '#1b8a5a', '#8e4a9e', '#b3001b', '#6b6b6b'];
const ink = '#24292f';
const faint = '#d8dee4';
/** A line of more points that goes up and down all the time is drawn faintly, with its moving average on top. */
const noisyAbove = 200;

/** One SVG with a panel per chart. Default charts: metrics that end in the same word (trainLoss, validationLoss) share one. */
export function curvesSvg(
  records: readonly MetricsRecord[],
  targets: readonly TargetResult[] = [],
  charts: readonly Chart[] = defaultCharts(records),
): string {
  const panels = charts.map(
    (chart, index) => `<g transform="translate(0 ${index * height})">${drawChart(chart, records, targets)}</g>`,
  );
  const total = Math.max(1, charts.length) * height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="${ink}">`,
    `<rect width="${width}" height="${total}" fill="#ffffff"/>`,
    ...(panels.length > 0 ? panels : [text(width / 2, height / 2, 'No metrics were logged.', 'middle')]),
    '</svg>\n',
  ].join('\n');
}

/** `trainLoss, validationLoss, accuracy` → a chart of the two losses and one of the accuracy. */
export function defaultCharts(records: readonly MetricsRecord[]): Chart[] {
  const groups = new Map<string, string[]>();
  const names = new Set(records.flatMap((record) => Object.keys(record)).filter((name) => name !== 'step'));
  for (const name of names) {
    const word = /[A-Z]?[a-z0-9]+$/.exec(name)?.[0].toLowerCase() ?? name;
    groups.set(word, [...(groups.get(word) ?? []), name]);
  }
  return [...groups].map(([word, metrics]) => ({
    title: metrics.length === 1 ? spell(metrics[0]!) : spell(word),
    metrics,
  }));
}

/** `validationLoss` → `Validation loss`. */
function spell(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function drawChart(chart: Chart, records: readonly MetricsRecord[], targets: readonly TargetResult[]): string {
  const log = chart.scale === 'log';
  const usable = (value: number | null | undefined): value is number =>
    typeof value === 'number' && Number.isFinite(value) && (!log || value > 0);
  const series = chart.metrics.map((name, index) => ({
    name,
    colour: colours[index % colours.length]!,
    points: records
      .filter((record) => usable(record[name]))
      .map((record): Point => ({ x: record.step, y: record[name]! })),
  }));
  const lastStep = Math.max(1, ...series.flatMap(({ points }) => points.map(({ x }) => x)));
  const marks = targets
    .filter((target) => chart.metrics.includes(target.metric))
    .map((target) => ({
      x: target.step ?? lastStep,
      colour: series[chart.metrics.indexOf(target.metric)]!.colour,
      low: target.expected[0],
      high: target.expected[1],
      published: usable(target.published) ? target.published : null,
    }));

  const values = [
    ...series.flatMap(({ points }) => points.map(({ y }) => y)),
    ...marks.flatMap(({ low, high, published }) => [low, high, published].filter(usable)),
  ];
  const xDomain: [number, number] = [0, Math.max(lastStep, ...marks.map(({ x }) => x))];
  const yDomain = paddedDomain(values, log);
  const toX = (x: number) => plot.left + ((x - xDomain[0]) / (xDomain[1] - xDomain[0])) * (plot.right - plot.left);
  const place = log ? Math.log : (value: number) => value;
  const toY = (y: number) => {
    const share = (place(y) - place(yDomain[0])) / (place(yDomain[1]) - place(yDomain[0]));
    return plot.bottom - Math.min(1, Math.max(0, share)) * (plot.bottom - plot.top);
  };

  const parts = [text(plot.left, 24, chart.title, 'start', 'font-size="15" font-weight="600"')];
  for (const tick of log ? logTicks(yDomain) : linearTicks(yDomain, 6)) {
    const y = round(toY(tick));
    parts.push(`<line x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}" stroke="${faint}"/>`);
    parts.push(text(plot.left - 8, y + 4, formatNumber(tick), 'end'));
  }
  for (const tick of linearTicks(xDomain, 8).filter(Number.isInteger)) {
    const x = round(toX(tick));
    parts.push(`<line x1="${x}" x2="${x}" y1="${plot.bottom}" y2="${plot.bottom + 5}" stroke="${ink}"/>`);
    parts.push(text(x, plot.bottom + 19, formatNumber(tick), 'middle'));
  }
  parts.push(`<path d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}" fill="none" stroke="${ink}"/>`);
  parts.push(text((plot.left + plot.right) / 2, height - 12, chart.axis ?? 'step', 'middle'));

  for (const { x, low, high, colour } of marks) {
    const top = high === null ? plot.top : toY(high);
    const bottom = low === null ? plot.bottom : toY(low);
    const left = Math.min(Math.max(toX(x) - 9, plot.left), plot.right - 18);
    parts.push(
      `<rect x="${round(left)}" y="${round(top)}" width="18" height="${round(Math.max(2, bottom - top))}" rx="2" fill="${colour}" fill-opacity="0.18" stroke="${colour}" stroke-opacity="0.5"/>`,
    );
  }
  for (const { name, points, colour } of series) {
    const dots = chart.dots?.includes(name) === true;
    for (const { x, y } of dots || points.length === 1 ? points : [])
      parts.push(`<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="3" fill="${colour}"/>`);
    if (dots) continue;
    const noisy = points.length > noisyAbove && turns(points) > points.length / 5;
    if (noisy)
      parts.push(`<path d="${line(reduce(points), toX, toY)}" fill="none" stroke="${colour}" stroke-opacity="0.25"/>`);
    const smooth = reduce(noisy ? movingAverage(points) : points);
    parts.push(
      `<path d="${line(smooth, toX, toY)}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`,
    );
  }
  for (const { x, published, colour } of marks) {
    if (published === null) continue;
    parts.push(
      `<circle cx="${round(toX(x))}" cy="${round(toY(published))}" r="3.5" fill="#ffffff" stroke="${colour}" stroke-width="1.5"/>`,
    );
  }
  return [...parts, ...legend(series, marks)].join('\n');
}

function legend(
  series: readonly { name: string; colour: string }[],
  marks: readonly { published: number | null }[],
): string[] {
  const entries = series.map(({ name, colour }) => ({
    label: spell(name),
    symbol: (x: number) => `<line x1="${x}" x2="${x + 18}" y1="44" y2="44" stroke="${colour}" stroke-width="3"/>`,
  }));
  if (marks.length > 0) {
    entries.push({
      label: 'expected',
      symbol: (x) =>
        `<rect x="${x + 4}" y="37" width="12" height="14" rx="2" fill="${ink}" fill-opacity="0.15" stroke="${ink}" stroke-opacity="0.5"/>`,
    });
  }
  if (marks.some(({ published }) => published !== null)) {
    entries.push({
      label: 'published',
      symbol: (x) => `<circle cx="${x + 10}" cy="44" r="3.5" fill="#ffffff" stroke="${ink}" stroke-width="1.5"/>`,
    });
  }
  let x = plot.left;
  return entries.flatMap(({ label, symbol }) => {
    const parts = [symbol(x), text(x + 24, 48, label, 'start')];
    x += 24 + label.length * 7 + 18;
    return parts;
  });
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', attributes = ''): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${attributes}>${safe}</text>`;
}

function line(points: readonly Point[], toX: (x: number) => number, toY: (y: number) => number): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${round(toX(x))} ${round(toY(y))}`).join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Minimum and maximum with a twentieth of the range as margin. */
function paddedDomain(values: readonly number[], log: boolean): [number, number] {
  if (values.length === 0) return log ? [1, 10] : [0, 1];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (log) return low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
  const padding = (high - low || Math.abs(high) || 1) * 0.05;
  // Losses and accuracies that come near zero look honest with the axis starting there.
  return [low >= 0 && low < (high - low) * 0.1 ? 0 : low - padding, high + padding];
}

/** Multiples of 1, 2 or 5 times a power of ten inside the domain, about `count` of them. */
export function linearTicks([low, high]: readonly [number, number], count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999) ?? power * 10;
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}

/** 1, 2 and 5 times powers of ten inside the domain; powers of ten alone where there are many. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Math.log10(high / low);
  const factors = decades > 4 ? [1] : decades > 1 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** power).toPrecision(12));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** How often the line changes between rising and falling. */
function turns(points: readonly Point[]): number {
  const rises = points.slice(1).map(({ y }, index) => Math.sign(y - points[index]!.y));
  return rises.filter((rise, index) => index > 0 && rise * rises[index - 1]! < 0).length;
}

/** Centred mean over a fiftieth of the points. */
function movingAverage(points: readonly Point[]): Point[] {
  const half = Math.max(1, Math.floor(points.length / 100));
  const sums = [0];
  for (const { y } of points) sums.push(sums.at(-1)! + y);
  return points.map(({ x }, index) => {
    const from = Math.max(0, index - half);
    const to = Math.min(points.length, index + half + 1);
    return { x, y: (sums[to]! - sums[from]!) / (to - from) };
  });
}

/** At most about 800 points: the lowest and the highest of each bin, so that peaks survive. */
function reduce(points: readonly Point[]): Point[] {
  const bins = 400;
  if (points.length <= 2 * bins) return [...points];
  const kept: Point[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * points.length) / bins);
    const part = points.slice(from, Math.floor(((bin + 1) * points.length) / bins));
    const low = part.reduce((best, point) => (point.y < best.y ? point : best));
    const high = part.reduce((best, point) => (point.y > best.y ? point : best));
    kept.push(...(low === high ? [low] : low.x < high.x ? [low, high] : [high, low]));
  }
  return kept;
}
