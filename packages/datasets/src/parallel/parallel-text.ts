/**
 * Sentences in two languages, line by line: the source that is translated, and the target that it is translated to.
 */
import { FormatError } from '../formats/format-error.ts';
import { decodeText } from '../text/decode-text.ts';

/** Pairs of sentences; `source[i]` and `target[i]` mean the same. */
export interface ParallelText {
  readonly name: string;
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** As in `de`, where the sentences are of a language. */
  readonly sourceLanguage: string;
  readonly targetLanguage: string;
}

/** How {@link readParallelText} reads. */
export interface ReadParallelTextOptions {
  /** What the text is called in messages. Default `parallel text`. */
  name?: string;
  /** Of the sentences, for example `de`. Default: the empty string, unknown. */
  sourceLanguage?: string;
  targetLanguage?: string;
  /** What the two files are called in messages. Default `the source` and `the target`. */
  sourceName?: string;
  targetName?: string;
  /**
   * What a pair with an empty line does, on either side: `refuse` (default) throws, `skip` leaves the pair out, as is
   * customary for text that was collected from the web.
   */
  emptyLines?: 'refuse' | 'skip';
}

/**
 * Reads two files as WMT's are: UTF-8, one sentence per line, line i of one translates line i of the other. White space at
 * the ends of a line is dropped, and so is a byte order mark; the last line need not end in a line break.
 *
 * @throws {@link FormatError} with the line, when the bytes are not UTF-8, the files differ in their number of lines, a line
 *   is empty, or there is no line at all
 */
export function readParallelText(
  source: Uint8Array,
  target: Uint8Array,
  options: ReadParallelTextOptions = {},
): ParallelText {
  const { name = 'parallel text', sourceLanguage = '', targetLanguage = '', emptyLines = 'refuse' } = options;
  const { sourceName = 'the source', targetName = 'the target' } = options;
  const sourceLines = readLines(source, sourceName);
  const targetLines = readLines(target, targetName);
  if (sourceLines.length !== targetLines.length) {
    const [longer, line] =
      sourceLines.length > targetLines.length
        ? [sourceName, sourceLines[targetLines.length]]
        : [targetName, targetLines[sourceLines.length]];
    const number = Math.min(sourceLines.length, targetLines.length) + 1;
    throw new FormatError(
      `${name}: ${sourceName} has ${sourceLines.length} lines and ${targetName} has ${targetLines.length}; line ${number} of ` +
        `${longer}, ${quote(line!)}, has no partner. Give two files of which line i of one translates line i of the other.`,
    );
  }
  const kept: [string, string][] = [];
  for (const [index, line] of sourceLines.entries()) {
    const other = targetLines[index]!;
    if (line !== '' && other !== '') {
      kept.push([line, other]);
    } else if (emptyLines === 'refuse') {
      throw new FormatError(
        `${name}: line ${index + 1} of ${line === '' ? sourceName : targetName} is empty; ` +
          "fill it in, remove it from both files, or leave such pairs out with emptyLines: 'skip'.",
      );
    }
  }
  if (kept.length === 0) {
    throw new FormatError(`${name}: there is no pair of sentences in ${sourceName} and ${targetName}; give some text.`);
  }
  return {
    name,
    source: kept.map(([line]) => line),
    target: kept.map(([, line]) => line),
    sourceLanguage,
    targetLanguage,
  };
}

/** How {@link splitParallelText} splits. */
export interface SplitParallelTextOptions {
  /** How many pairs, from the end, are for validation. */
  validation: number;
}

/**
 * Splits by position: the last `validation` pairs are held out. Generated pairs are in random order already; shuffle
 * others before, where neighbours belong together.
 *
 * @throws when one of the parts would be empty
 */
export function splitParallelText(
  text: ParallelText,
  options: SplitParallelTextOptions,
): { train: ParallelText; validation: ParallelText } {
  const { validation } = options;
  const cut = text.source.length - validation;
  if (!Number.isSafeInteger(validation) || validation < 1 || cut < 1) {
    throw new Error(
      `splitParallelText: ${validation} of ${text.source.length} pairs were asked for; ` +
        `give a whole number from 1 to ${text.source.length - 1}.`,
    );
  }
  const part = (name: string, start: number, end: number): ParallelText => ({
    ...text,
    name: `${text.name} ${name}`,
    source: text.source.slice(start, end),
    target: text.target.slice(start, end),
  });
  return { train: part('train', 0, cut), validation: part('validation', cut, text.source.length) };
}

function readLines(bytes: Uint8Array, name: string): string[] {
  const text = decodeText(bytes, name);
  // Only line feeds end a line: U+2028 and the like occur inside sentences, and would shift all lines behind them.
  const lines = text.split('\n').map((line) => line.trim());
  if (text === '' || text.endsWith('\n')) lines.pop();
  return lines;
}

function quote(line: string): string {
  return JSON.stringify(line.length <= 60 ? line : `${line.slice(0, 59)}…`);
}
