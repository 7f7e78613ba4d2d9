/** A text for language modelling, in its two customary parts. */
export interface TextCorpus {
  readonly name: string;
  /** The whole text: `train` followed by `validation`. */
  readonly text: string;
  readonly train: string;
  readonly validation: string;
}

/**
 * Splits a text by position: the first `trainFraction` of its characters, rounded down, are for training and the rest
 * for validation. The parts are not shuffled, since neighbouring characters of a text depend on each other.
 *
 * @param trainFraction above 0 and below 1
 * @throws when one of the parts would be empty
 */
export function splitCorpus(name: string, text: string, trainFraction = 0.9): TextCorpus {
  if (!(trainFraction > 0 && trainFraction < 1)) {
    throw new Error(
      `splitCorpus: the training fraction ${trainFraction} arrived; give a number above 0 and below 1, for example 0.9.`,
    );
  }
  let cut = Math.floor(text.length * trainFraction);
  // A character beyond U+FFFF is two code units of the string: cutting between them would leave two broken halves.
  if (cut > 0 && isHighSurrogate(text.charCodeAt(cut - 1)) && isLowSurrogate(text.charCodeAt(cut))) cut--;
  if (cut === 0 || cut === text.length) {
    throw new Error(
      `splitCorpus: ${name} has ${text.length} characters, of which ${cut} would be for training; ` +
        'give a longer text, so that both parts have some.',
    );
  }
  return { name, text, train: text.slice(0, cut), validation: text.slice(cut) };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
