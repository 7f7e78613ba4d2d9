/** Drawings as files: charts as SVG without a library, pictures as PNG. */
import { encodePng } from '@milestones/datasets/node';
import { formatNumber, linearTicks, logTicks } from '@milestones/reproduce';
import type { Axis, BarChart, Drawing, LineChart } from '../drawing.ts';

const width = 720;
const height = 400;
const plot = { left: 76, right: width - 24, top: 70, bottom: height - 56 };
/** Distinguishable with the common kinds of colour blindness. */
const colours = ['#0b6fa4', '#d1600a', '#1b8a5a', '#8e4a9e', '#b3001b', '#6b6b6b', '#c79a00', '#3b4cc0'];
const ink = '#24292f';
const faint = '#d8dee4';

/** File name and content. */
export function drawingFile(drawing: Drawing): { name: string; content: string | Uint8Array } {
  if (drawing.kind === 'picture') return { name: `${drawing.name}.png`, content: encodePng(drawing.image) };
  return { name: `${drawing.name}.svg`, content: drawing.kind === 'lines' ? drawLines(drawing) : drawBars(drawing) };
}

interface Scale {
  domain: [number, number];
  ticks: number[];
  /** From a value to pixels. */
  place: (value: number) => number;
  shows: (value: number) => boolean;
}

function makeScale(axis: Axis, values: readonly number[], [from, to]: [number, number], fromZero = false): Scale {
  const log = axis.scale === 'log';
  const shows = (value: number): boolean => Number.isFinite(value) && (!log || value > 0);
  const shown = values.filter(shows);
  let low = shown.reduce((least, value) => Math.min(least, value), Infinity);
  let high = shown.reduce((most, value) => Math.max(most, value), -Infinity);
  if (shown.length === 0) [low, high] = log ? [1, 10] : [0, 1];
  if (fromZero && !log) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (log) [low, high] = low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
  else {
    const margin = (high - low || Math.abs(high) || 1) * 0.05;
    [low, high] = [fromZero && low === 0 ? 0 : low - margin, fromZero && high === 0 ? 0 : high + margin];
  }
  const position = log ? Math.log : (value: number): number => value;
  const place = (value: number): number =>
    from + ((position(value) - position(low)) / (position(high) - position(low))) * (to - from);
  return { domain: [low, high], ticks: log ? logTicks([low, high]) : linearTicks([low, high], 6), place, shows };
}

function drawLines({ title, x, y, series }: LineChart): string {
  const points = series.flatMap((each) => each.points);
  const toX = makeScale(
    x,
    points.map(([at]) => at),
    [plot.left, plot.right],
  );
  const toY = makeScale(
    y,
    points.map(([, value]) => value),
    [plot.bottom, plot.top],
  );
  const parts = frame(title, y, toY);
  for (const tick of toX.ticks) {
    const at = round(toX.place(tick));
    parts.push(`<line x1="${at}" x2="${at}" y1="${plot.bottom}" y2="${plot.bottom + 5}" stroke="${ink}"/>`);
    parts.push(text(at, plot.bottom + 20, formatNumber(tick), 'middle'));
  }
  parts.push(text((plot.left + plot.right) / 2, height - 12, x.label, 'middle'));
  series.forEach(({ points: own, style }, index) => {
    const colour = colours[index % colours.length]!;
    const visible = own.filter(([at, value]) => toX.shows(at) && toY.shows(value));
    const placed = visible.map(([at, value]) => [round(toX.place(at)), round(toY.place(value))] as const);
    if (style === 'points' || placed.length === 1) {
      for (const [cx, cy] of placed) parts.push(`<circle cx="${cx}" cy="${cy}" r="2.5" fill="${colour}"/>`);
    } else if (placed.length > 0) {
      const dashes = style === 'dashed' ? ' stroke-dasharray="6 4"' : '';
      const path = placed.map((pair) => pair.join(',')).join(' ');
      parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.8"${dashes}/>`);
    }
  });
  return document([...parts, ...legend(series.map(({ name }) => name))]);
}

function drawBars({ title, y, groups }: BarChart): string {
  const names = Object.keys(groups[0]?.values ?? {});
  const toY = makeScale(
    y,
    groups.flatMap(({ values }) => Object.values(values)),
    [plot.bottom, plot.top],
    true,
  );
  const parts = frame(title, y, toY);
  const base = y.scale === 'log' ? plot.bottom : toY.place(0);
  const slot = (plot.right - plot.left) / Math.max(1, groups.length);
  const bar = Math.min(48, (slot * 0.8) / Math.max(1, names.length));
  groups.forEach(({ name, values }, index) => {
    const centre = plot.left + (index + 0.5) * slot;
    parts.push(text(centre, plot.bottom + 20, name, 'middle'));
    names.forEach((series, place) => {
      const value = values[series];
      if (value === undefined || !toY.shows(value)) return;
      const top = toY.place(value);
      const left = centre + (place - names.length / 2) * bar;
      const colour = colours[place % colours.length]!;
      parts.push(
        `<rect x="${round(left)}" y="${round(Math.min(top, base))}" width="${round(bar * 0.92)}" height="${round(Math.max(1, Math.abs(base - top)))}" fill="${colour}"><title>${escape(`${name}, ${series}: ${formatNumber(value)}`)}</title></rect>`,
      );
    });
  });
  return document([...parts, ...legend(names.length > 1 ? names : [])]);
}

/** Title, horizontal lines with their numbers, and the two axes. */
function frame(title: string, y: Axis, scale: Scale): string[] {
  const parts = [text(plot.left, 22, title, 'start', 'font-size="14" font-weight="600"')];
  parts.push(text(14, plot.top - 10, y.label, 'start'));
  for (const tick of scale.ticks) {
    const at = round(scale.place(tick));
    parts.push(`<line x1="${plot.left}" x2="${plot.right}" y1="${at}" y2="${at}" stroke="${faint}"/>`);
    parts.push(text(plot.left - 8, at + 4, formatNumber(tick), 'end'));
  }
  parts.push(`<path d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}" fill="none" stroke="${ink}"/>`);
  return parts;
}

function legend(names: readonly string[]): string[] {
  let at = plot.left;
  return names.flatMap((name, index) => {
    const colour = colours[index % colours.length]!;
    const parts = [`<rect x="${round(at)}" y="35" width="14" height="4" fill="${colour}"/>`, text(at + 19, 41, name)];
    at += 19 + name.length * 6.6 + 16;
    return parts;
  });
}

function document(parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, content: string, anchor = 'start', attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${attributes}>${escape(content)}</text>`;
}

const escape = (content: string): string => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value: number): number => Math.round(value * 10) / 10;
