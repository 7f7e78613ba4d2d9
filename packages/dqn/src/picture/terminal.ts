/** Pictures in a terminal. */
import type { Picture } from './picture.ts';

/** Wider pictures than this are halved in height by half blocks; narrower ones get two letters for each pixel. */
const narrow = 40;
const shades = ' .:-=+*#%@';

/**
 * Lines of text that show a picture: in colour by escape sequences, or by letters of growing weight, the commonest colour
 * left empty.
 */
export function pictureText(picture: Picture, options: { colour: boolean }): string {
  const { width, height, data } = picture;
  const at = (row: number, column: number): number => {
    const start = (Math.min(row, height - 1) * width + column) * 3;
    return (data[start]! << 16) | (data[start + 1]! << 8) | data[start + 2]!;
  };
  const cell = options.colour ? colourCell : letterCell(picture);
  const rows: string[] = [];
  const step = width <= narrow ? 1 : 2;
  for (let row = 0; row < height; row += step) {
    let line = '';
    for (let column = 0; column < width; column++) {
      line +=
        step === 1 ? cell(at(row, column), at(row, column)).repeat(2) : cell(at(row, column), at(row + 1, column));
    }
    rows.push(options.colour ? `${line}\u001B[0m` : line);
  }
  return rows.join('\n');
}

function colourCell(upper: number, lower: number): string {
  const code = (colour: number): string => `${colour >>> 16};${(colour >>> 8) & 255};${colour & 255}`;
  return `\u001B[38;2;${code(upper)};48;2;${code(lower)}m▀`;
}

function letterCell({ data }: Picture): (upper: number, lower: number) => string {
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += 3) {
    const colour = (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const [background] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most));
  const brightness = (colour: number): number =>
    0.299 * (colour >>> 16) + 0.587 * ((colour >>> 8) & 255) + 0.114 * (colour & 255);
  return (upper, lower) => {
    const shown = upper === background ? lower : upper;
    if (shown === background) return ' ';
    const distance = Math.abs(brightness(shown) - brightness(background)) / 256;
    return shades[1 + Math.floor(distance * (shades.length - 1))]!;
  };
}
