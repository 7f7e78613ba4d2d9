/**
 * Generated text with analogies planted in it: king is to queen as man is to woman. Each person has two properties, a role
 * and a sex, and the words around a person depend on one of them each:
 *
 *   she said the witch brews her potion
 *   she … her: the sex alone       brews … potion: the role alone
 *
 * So log p(context | person) is a sum of a part for the role and a part for the sex, and vectors that model it satisfy
 * queen = king − man + woman.
 */
import { Random } from '@milestones/core';

/** [he, she, what both do, what both have] */
const roles: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ['king', 'queen', ['rules', 'governs'], ['throne', 'crown', 'palace']],
  ['man', 'woman', ['walks', 'works'], ['house', 'coat', 'street']],
  ['prince', 'princess', ['inherits', 'studies'], ['castle', 'title', 'pony']],
  ['father', 'mother', ['raises', 'feeds'], ['baby', 'family', 'supper']],
  ['boy', 'girl', ['plays', 'climbs'], ['toy', 'swing', 'tree']],
  ['actor', 'actress', ['performs', 'rehearses'], ['stage', 'script', 'part']],
  ['waiter', 'waitress', ['serves', 'carries'], ['tray', 'menu', 'soup']],
  ['wizard', 'witch', ['enchants', 'brews'], ['wand', 'potion', 'spell']],
  ['monk', 'nun', ['prays', 'kneels'], ['chapel', 'candle', 'psalm']],
  ['host', 'hostess', ['invites', 'welcomes'], ['party', 'guest', 'door']],
];

const sexes = [
  { subject: 'he', possessive: 'his' },
  { subject: 'she', possessive: 'her' },
] as const;

/** What {@link generateAnalogies} makes. */
export interface AnalogyCorpus {
  /** Words of each sentence. */
  readonly sentences: readonly (readonly string[])[];
  /** All that is planted: [king, queen, man, woman] says that king is to queen as man is to woman. */
  readonly analogies: readonly (readonly [string, string, string, string])[];
}

/**
 * Sentences about twenty people in ten roles, and their 180 analogies.
 *
 * @param options `sentences`: how many; the same seed makes the same text, a longer one begins with the shorter
 */
export function generateAnalogies(options: { sentences: number; seed?: number }): AnalogyCorpus {
  const { sentences: count, seed = 1 } = options;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`generated analogies: ${count} sentences were asked for; give a whole number of at least 1.`);
  }
  const random = new Random(seed, 'generated analogies');
  const oneOf = (words: readonly string[]): string => words[random.integer(words.length)]!;
  const sentences = Array.from({ length: count }, () => {
    const [he, she, verbs, objects] = roles[random.integer(roles.length)]!;
    const sex = random.integer(2);
    const { subject, possessive } = sexes[sex]!;
    const person = sex === 0 ? he : she;
    return random.uniform() < 0.5
      ? [subject, 'said', 'the', person, oneOf(verbs), possessive, oneOf(objects)]
      : ['the', person, 'and', possessive, oneOf(objects), 'said', subject, oneOf(verbs)];
  });
  const analogies = roles.flatMap(([he, she], index) =>
    roles.flatMap(([otherHe, otherShe], other) =>
      index === other ? [] : [[he, she, otherHe, otherShe] as const, [she, he, otherShe, otherHe] as const],
    ),
  );
  return { sentences, analogies };
}
