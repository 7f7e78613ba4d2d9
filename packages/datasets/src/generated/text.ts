/**
 * Generated text: English-like sentences from a small grammar, for experiments that need no download.
 *
 *   this old cat near the birds that purrs likes its milk.
 *   determiner [adjective] subject [place] [relative clause] verb [object].
 *
 * The text rewards a long memory. The subject's number (cat, cats) decides the verb's ending and the possessive of the
 * object (its, their) across a place with a noun of its own, whose number misleads; the subject itself decides which
 * verb and which object fit. Letters of a word follow from the first few. A model of single characters or of pairs
 * misses all of that.
 */
import { Random } from '@milestones/core';
import { type TextCorpus, splitCorpus } from '../corpus.ts';
import { type Grammar, choice, entropy, meanLength, oneOf, sample, sequence } from './grammar.ts';

interface Subject {
  readonly singular: string;
  readonly plural: string;
  /** What it does, as in "the cat purrs" and "the cats purr": two of [singular, plural]. */
  readonly sounds: readonly [string, string][];
  /** What it likes. */
  readonly objects: readonly string[];
}

const subjects: readonly Subject[] = [
  {
    singular: 'cat',
    plural: 'cats',
    sounds: [
      ['purrs', 'purr'],
      ['sleeps', 'sleep'],
    ],
    objects: ['milk', 'cushion'],
  },
  {
    singular: 'dog',
    plural: 'dogs',
    sounds: [
      ['barks', 'bark'],
      ['runs', 'run'],
    ],
    objects: ['bone', 'basket'],
  },
  {
    singular: 'bird',
    plural: 'birds',
    sounds: [
      ['sings', 'sing'],
      ['flies', 'fly'],
    ],
    objects: ['nest', 'tree'],
  },
  {
    singular: 'child',
    plural: 'children',
    sounds: [
      ['laughs', 'laugh'],
      ['reads', 'read'],
    ],
    objects: ['book', 'kite'],
  },
];

const adjective = choice([0.4, ''], [0.3, 'old '], [0.2, 'small '], [0.1, 'happy ']);

// The misleading noun: its number and kind are independent of the subject's.
const neighbour = sequence('the ', oneOf(...subjects.flatMap((subject) => [subject.singular, subject.plural])));
const place = choice([0.5, ''], [0.3, sequence(' near ', neighbour)], [0.2, sequence(' behind ', neighbour)]);

function sentencesAbout(subject: Subject, number: 'singular' | 'plural'): Grammar {
  const one = number === 'singular';
  const sounds = oneOf(...subject.sounds.map(([singular, plural]) => (one ? singular : plural)));
  const objects = oneOf(...subject.objects);
  return sequence(
    // "the" leaves the number open until the noun; the others tell it at once.
    choice([0.5, 'the '], [0.3, one ? 'this ' : 'these '], [0.2, one ? 'every ' : 'many ']),
    adjective,
    subject[number],
    place,
    choice([0.7, ''], [0.3, sequence(' that ', sounds)]),
    ' ',
    choice([0.5, sounds], [0.5, sequence(one ? 'likes its ' : 'like their ', objects)]),
    '.\n',
  );
}

/** The grammar of one line: a sentence, its full stop and the end of the line. */
export const sentenceGrammar: Grammar = oneOf(
  ...subjects.flatMap((subject) => [sentencesAbout(subject, 'singular'), sentencesAbout(subject, 'plural')]),
);

/** What {@link generateText} makes. */
export interface GeneratedTextOptions {
  /** How long the text is; it is cut at exactly this length, so the last sentence may be incomplete. */
  characters: number;
  /** Default 1. The same seed makes the same text everywhere; a longer text of the same seed begins with the shorter. */
  seed?: number;
}

/**
 * A text of independent sentences from `sentenceGrammar`, one per line.
 *
 * @throws when `characters` is not a whole number of at least 1
 */
export function generateText(options: GeneratedTextOptions): string {
  const { characters, seed = 1 } = options;
  if (!Number.isSafeInteger(characters) || characters < 1) {
    throw new Error(`generateText: ${characters} characters were asked for; give a whole number of at least 1.`);
  }
  const random = new Random(seed, 'generated-text');
  const sentences: string[] = [];
  for (let length = 0; length < characters;) {
    const sentence = sample(sentenceGrammar, random);
    sentences.push(sentence);
    length += sentence.length;
  }
  return sentences.join('').slice(0, characters);
}

/** {@link generateText} as a corpus named `generated`, split 90 to 10 like tiny Shakespeare. */
export function generateCorpus(options: GeneratedTextOptions): TextCorpus {
  return splitCorpus('generated', generateText(options));
}

/**
 * Entropy rate of {@link generateText} in nats per character, exact: no model has a lower mean loss on a long text.
 *
 * Sentences are independent, a line's end parts them, and no sentence comes about in two ways; so the rate is the
 * entropy of one sentence's choices over its mean length,
 *
 *   h = H(sentence) / E[characters of a sentence]
 *
 * A model that starts reading in the middle of a sentence, as one with a short context does, cannot know all that came
 * before and stays somewhat above h.
 */
export function generatedTextEntropy(): number {
  return entropy(sentenceGrammar) / meanLength(sentenceGrammar);
}
