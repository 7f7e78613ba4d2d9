/**
 * Every data set that this package knows, as data: where its files come from, how to recognise them, who made them and
 * under which terms. In the cache a file lies at `<data set>/<file name>`, with the names used here, so a user may put
 * there by hand what cannot be downloaded.
 */

/** One official file of a data set. */
export interface DataFile {
  /** The official name, below the data set's folder; folders inside it are parted by `/`. */
  readonly name: string;
  /** Where the file can be had, tried in this order; all serve the same bytes. */
  readonly urls: readonly string[];
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
}

/** The terms under which a data set may be used. */
export interface Licence {
  /** Its customary name, for example `Public domain`. */
  readonly name: string;
  /** What the name leaves out. */
  readonly note?: string;
  readonly url?: string;
}

/** One customary part of a data set. */
export interface Split {
  /** How many examples it has. */
  readonly size: number;
  /** What is counted: `characters`, `images`, `sentence pairs`, … */
  readonly unit: string;
  /** How the part is made, where the data set's files do not say so themselves. */
  readonly rule?: string;
}

/** One entry of the {@link registry}. */
export interface DataSet {
  /** The name in the registry, and of the folder in the cache. */
  readonly name: string;
  readonly title: string;
  readonly files: readonly DataFile[];
  readonly licence: Licence;
  /** Whom to cite. */
  readonly citation: string;
  readonly homepage: string;
  readonly splits: Readonly<Record<string, Split>>;
}

/** All data sets, by name. */
export const registry = {
  tinyshakespeare: {
    name: 'tinyshakespeare',
    title: 'Tiny Shakespeare: 40,000 lines from Shakespeare’s plays, for character language models',
    files: [
      {
        name: 'input.txt',
        urls: ['https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt'],
        sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
        bytes: 1_115_394,
      },
    ],
    licence: {
      name: 'Public domain',
      note: 'Shakespeare’s text; the repository that collected it is under the MIT licence.',
    },
    citation: 'A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.',
    homepage: 'https://github.com/karpathy/char-rnn',
    splits: {
      train: { size: 1_003_854, unit: 'characters', rule: 'the first 90 percent, rounded down' },
      validation: { size: 111_540, unit: 'characters', rule: 'the rest' },
    },
  },
} as const satisfies Readonly<Record<string, DataSet>>;

/** The names in the {@link registry}. */
export type DataSetName = keyof typeof registry;

/**
 * The registry's entry for `name`.
 *
 * @throws when there is none; the message lists those there are
 */
export function findDataSet(name: string): DataSet {
  const known: Readonly<Record<string, DataSet>> = registry;
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found === undefined) {
    throw new Error(`findDataSet: there is no data set "${name}"; choose one of: ${Object.keys(known).join(', ')}.`);
  }
  return found;
}

/**
 * The entry of one file of `dataSet`.
 *
 * @throws when it has no such file; the message lists its files
 */
export function findDataFile(dataSet: DataSet, fileName: string): DataFile {
  const found = dataSet.files.find((file) => file.name === fileName);
  if (found === undefined) {
    const names = dataSet.files.map((file) => file.name).join(', ');
    throw new Error(`findDataFile: ${dataSet.name} has no file "${fileName}"; choose one of: ${names}.`);
  }
  return found;
}
