/** The texts of a run: what to pre-train on, what to fine-tune on, and the tokenizer of both. */
import {
  generateText,
  learnWordPieces,
  type LabelledText,
  type ReadLabelledTextOptions,
  type WordPieceTokenizer,
} from '@milestones/datasets';
import { loadLabelledText, loadSst2, loadText, loadWikiText2, type LoadOptions } from '@milestones/datasets/node';
import type { RunConfig } from '../config.ts';

/** Documents, each a list of lines. */
export type Documents = string[][];

/** The texts of a run. */
export interface RunTexts {
  train: Documents;
  /** Held out from pre-training. */
  validation: Documents;
  labelled: { train: LabelledText; validation: LabelledText };
}

/** Loads, or generates, what the configuration names. */
export async function loadRunTexts({ data }: RunConfig, seed: number, options: LoadOptions): Promise<RunTexts> {
  const labelled = await loadLabelled(data, seed, options);
  if (data.corpus === 'generated') {
    const lines = (stream: number): Documents => [sentencesOf(60_000, stream)];
    return { train: lines(seed * 4), validation: lines(seed * 4 + 1), labelled };
  }
  if (data.corpus === 'file') {
    const documents = (await loadText(data.file)).split(/\n\s*\n/).map((document) => document.split('\n'));
    const cut = Math.max(1, Math.floor(documents.length * 0.95));
    if (documents.length < 2) {
      // One document: its last part is held out.
      const lines = documents[0]!;
      const place = Math.floor(lines.length * 0.95);
      return { train: [lines.slice(0, place)], validation: [lines.slice(place)], labelled };
    }
    return { train: documents.slice(0, cut), validation: documents.slice(cut), labelled };
  }
  const sentences = data.task === 'sst-2' ? labelled.train : await loadSst2('train', options);
  return {
    train: [...articlesOf(await loadWikiText2('train', options)), [...sentences.first]],
    validation: articlesOf(await loadWikiText2('validation', options)),
    labelled,
  };
}

/** The tokenizer of a run's own vocabulary. */
export function learnTokenizer({ train }: RunTexts, { model }: RunConfig): WordPieceTokenizer {
  return learnWordPieces(train.flat().map(withoutMarks), { vocabularySize: model.vocabularySize });
}

/** Token ids of each document; WikiText's rare words become `[UNK]`. */
export function encodeDocuments(documents: Documents, tokenizer: WordPieceTokenizer): Int32Array[] {
  return documents.map((lines) => {
    const ids = lines.map((line) =>
      tokenizer.encode(line.replaceAll('<unk>', '[UNK]').replace(joined, '$1'), { specialTokens: 'token' }),
    );
    const all = new Int32Array(ids.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of ids) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  });
}

// WikiText writes 1 @,@ 000 and well @-@ known.
const joined = / @([-,.])@ /g;

function withoutMarks(line: string): string {
  return line.replaceAll('<unk>', ' ').replace(joined, '$1');
}

/** The articles of WikiText: a heading of the first rank begins one. */
function articlesOf(text: string): Documents {
  const articles: Documents = [];
  for (const line of text.split('\n')) {
    if (/^ = [^=]/.test(line) || articles.length === 0) articles.push([]);
    if (line.trim() !== '') articles.at(-1)!.push(line);
  }
  return articles;
}

async function loadLabelled(
  data: RunConfig['data'],
  seed: number,
  options: LoadOptions,
): Promise<RunTexts['labelled']> {
  if (data.task === 'generated')
    return { train: generatedTask(2000, seed * 4 + 2), validation: generatedTask(500, seed * 4 + 3) };
  if (data.task === 'sst-2') {
    return { train: await loadSst2('train', options), validation: await loadSst2('validation', options) };
  }
  if (data.train === '' || data.validation === '') {
    throw new Error(
      'bert-mini: a task of your own needs two files: --set data.train=<TSV> --set data.validation=<TSV>.',
    );
  }
  const reading: ReadLabelledTextOptions = {
    first: data.first,
    label: data.label,
    classes: data.classes,
    ...(data.second !== '' && { second: data.second }),
  };
  return {
    train: await loadLabelledText(data.train, reading),
    validation: await loadLabelledText(data.validation, reading),
  };
}

const singular = ['cat', 'dog', 'bird', 'child'];
const plural = ['cats', 'dogs', 'birds', 'children'];

/**
 * Sentences with a gap where the subject was: is it one or many? The verb's ending and its or their tell, across a noun that
 * misleads.
 */
function generatedTask(count: number, seed: number): LabelledText {
  const first: string[] = [];
  const labels: number[] = [];
  for (const sentence of sentencesOf(count * 60, seed)) {
    const words = sentence.replace(/^(the|this|these|every|many) /, 'the ').split(' ');
    const place = words.findIndex((word) => singular.includes(word) || plural.includes(word));
    if (place < 0 || first.length === count) continue;
    labels.push(plural.includes(words[place]!) ? 1 : 0);
    words[place] = 'one';
    first.push(words.join(' '));
  }
  return { name: 'generated', first, second: undefined, labels: Int32Array.from(labels), classNames: ['one', 'many'] };
}

function sentencesOf(characters: number, seed: number): string[] {
  return generateText({ characters, seed }).split('\n').slice(0, -1);
}
