/** Tables of text, aligned for a terminal or for Markdown. */

export interface TableOptions {
  /** One letter per column: `l` left (default), `r` right. */
  align?: string;
  /** Terminal only: the widest line allowed; the widest left-aligned column is wrapped to fit. Default: no limit. */
  width?: number;
}

/** Columns as wide as their content, two spaces apart, a rule below the header. Returns lines joined by newlines. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const align = options.align ?? '';
  const widths = columnWidths(header, rows);
  const total = () => widths.reduce((sum, width) => sum + width, 0) + 2 * (widths.length - 1);
  if (options.width !== undefined && total() > options.width) {
    const text = widths.map((width, column) => (align[column] === 'r' ? 0 : width));
    const widest = text.indexOf(Math.max(...text));
    widths[widest] = Math.max(16, widths[widest]! - (total() - options.width));
  }
  const lines: string[] = [];
  const addRow = (cells: readonly string[]) => {
    const wrapped = widths.map((width, column) => wrapText(cells[column] ?? '', width));
    const height = Math.max(...wrapped.map((cell) => cell.length));
    for (let line = 0; line < height; line++) {
      const parts = wrapped.map((cell, column) => pad(cell[line] ?? '', widths[column]!, align[column]));
      lines.push(parts.join('  ').trimEnd());
    }
  };
  addRow(header);
  lines.push(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const row of rows) addRow(row);
  return lines.join('\n');
}

/** A Markdown pipe table with aligned source text. Bars and line breaks inside cells are escaped. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const align = options.align ?? '';
  const escape = (cell: string) => cell.replaceAll('|', '\\|').replaceAll('\n', '<br>');
  const cleanHeader = header.map(escape);
  const cleanRows = rows.map((row) => header.map((_, column) => escape(row[column] ?? '')));
  const widths = columnWidths(cleanHeader, cleanRows).map((width) => Math.max(width, 3));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column]!, align[column])).join(' | ')} |`;
  const rule = widths.map((width, column) => (align[column] === 'r' ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(cleanHeader), `| ${rule.join(' | ')} |`, ...cleanRows.map(line)].join('\n');
}

function columnWidths(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return header.map((title, column) => Math.max(textWidth(title), ...rows.map((row) => textWidth(row[column] ?? ''))));
}

/** Code points, not UTF-16 units: enough for the letters and symbols that reports use. */
function textWidth(text: string): number {
  return Math.max(0, ...text.split('\n').map((line) => [...line].length));
}

function pad(text: string, width: number, side: string | undefined): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'r' ? space + text : text + space;
}

/** Breaks text at spaces so that no line is wider than `width`; a single longer word is cut. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      let rest = word;
      if (line !== '' && textWidth(line) + 1 + textWidth(rest) > width) {
        lines.push(line);
        line = '';
      }
      while (textWidth(rest) > width) {
        lines.push([...rest].slice(0, width).join(''));
        rest = [...rest].slice(width).join('');
      }
      line = line === '' ? rest : `${line} ${rest}`;
    }
    lines.push(line);
  }
  return lines;
}

/** A measured number for people: four significant digits, whole numbers with separators, `–` for nothing. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e-4 && Math.abs(rounded) < 1e6 ? String(rounded) : rounded.toExponential();
}

/** Seconds as `4.2 s`, `3 min 05 s` or `2 h 07 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
