/**
 * Texts with labels, from tables of tab-separated columns as GLUE's are: a header line names the columns, quotation marks
 * mean nothing, and no field holds a tab or a line break. One text a row for classification, two for pairs (MRPC).
 */
import { FormatError } from '../formats/format-error.ts';
import { decodeText } from './decode-text.ts';

/** Texts, or pairs of texts, with the number of their class. */
export interface LabelledText {
  readonly name: string;
  readonly first: readonly string[];
  /** The other text of each pair; undefined where there are single texts. */
  readonly second: readonly string[] | undefined;
  /** 0 to `classes` − 1; undefined where the file has none, as test parts have not. */
  readonly labels: Int32Array | undefined;
  readonly classNames: readonly string[];
}

/** How {@link readLabelledText} reads; columns are named as in the header. */
export interface ReadLabelledTextOptions {
  /** What the file is called in messages. Default `the table`. */
  name?: string;
  /** Column of the text. Default `sentence`. */
  first?: string;
  /** Column of the other text of a pair. Default: none. */
  second?: string;
  /** Column of the label; null where the file has none. Default `label`. */
  label?: string | null;
  /**
   * The classes as the label column writes them. The default `['0', '1']`; label k is the class at place k of the list.
   */
  classes?: readonly string[];
  /** The names of the classes for people. Default: `classes`. */
  classNames?: readonly string[];
}

/**
 * Reads a table of texts. Spaces around a field are dropped, as GLUE's sentences end in one; empty lines are passed over.
 *
 * @throws {@link FormatError} with the line: bytes that are no UTF-8, a column that the header lacks, a row with too few
 * fields, an empty text, or a label that is none of the classes
 */
export function readLabelledText(bytes: Uint8Array, options: ReadLabelledTextOptions = {}): LabelledText {
  const { name = 'the table', first = 'sentence', second, label = 'label', classes = ['0', '1'] } = options;
  const [header = '', ...rows] = decodeText(bytes, name).split('\n');
  const columns = header.split('\t').map((column) => column.trim());
  const placeOf = (column: string): number => {
    const place = columns.indexOf(column);
    if (place >= 0) return place;
    throw new FormatError(
      `${name}: there is no column "${column}"; the first line names ${columns.map((known) => JSON.stringify(known)).join(', ')}. ` +
        'Name one of these, or give the file a header line with tabs between the columns.',
    );
  };
  const firstPlace = placeOf(first);
  const secondPlace = second === undefined ? undefined : placeOf(second);
  const labelPlace = label === null ? undefined : placeOf(label);
  const texts: string[] = [];
  const others: string[] = [];
  const labels: number[] = [];
  rows.forEach((row, index) => {
    if (row.trim() === '') return;
    const line = index + 2;
    const fields = row.split('\t');
    const field = (place: number): string => {
      const text = fields[place]?.trim();
      if (text === undefined) {
        throw new FormatError(
          `${name}: line ${line} has ${fields.length} of ${columns.length} columns; "${columns[place]}" is missing. ` +
            'Put a tab between all columns of a row.',
        );
      }
      return text;
    };
    const textOf = (place: number): string => {
      const text = field(place);
      if (text === '')
        throw new FormatError(
          `${name}: line ${line} has no text in "${columns[place]}"; fill it in, or remove the row.`,
        );
      return text;
    };
    texts.push(textOf(firstPlace));
    if (secondPlace !== undefined) others.push(textOf(secondPlace));
    if (labelPlace !== undefined) {
      const written = field(labelPlace);
      const found = classes.indexOf(written);
      if (found < 0) {
        throw new FormatError(
          `${name}: line ${line} has the label ${JSON.stringify(written.slice(0, 60))}; the classes are ${classes.join(', ')}. ` +
            'Correct the row, or name all classes of the file.',
        );
      }
      labels.push(found);
    }
  });
  if (texts.length === 0) throw new FormatError(`${name}: there is no row below the header; give some text.`);
  return {
    name,
    first: texts,
    second: secondPlace === undefined ? undefined : others,
    labels: labelPlace === undefined ? undefined : Int32Array.from(labels),
    classNames: options.classNames ?? classes,
  };
}
