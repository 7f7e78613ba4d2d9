/**
 * BLEU, the customary score of translations. Papineni et al. 2002; tokenization, smoothing and rounding as sacreBLEU has
 * them (Post 2018, "A call for clarity in reporting BLEU scores"), so that scores can be compared.
 */
import { splitAtSpaces, tokenize13a, trimEnd } from './tokenize-13a.ts';

const ORDERS = 4;

/** What keeps an order without any match from making the whole score zero; see {@link BleuOptions.smoothing}. */
export type BleuSmoothing = 'exp' | 'floor' | 'add-k' | 'none';

/** Options of {@link bleu}; the defaults are sacreBLEU's. */
export interface BleuOptions {
  /** `13a` (default) scores plain text; `none` takes text that is tokenized already, split at white space. */
  tokenize?: '13a' | 'none';
  /**
   * Of the orders without any match (Chen and Cherry 2014): `exp` (default) halves an imagined match from one such order
   * to the next, `floor` imagines `smoothingValue` matches, `add-k` adds it to the counts of all orders above the first.
   */
  smoothing?: BleuSmoothing;
  /** Default 0.1 for `floor` and 1 for `add-k`. */
  smoothingValue?: number;
  /** Whether case does not matter. Default false. */
  lowercase?: boolean;
  /** Leaves out orders longer than any hypothesis: for the score of single sentences. Default false. */
  effectiveOrder?: boolean;
}

/** What {@link bleu} returns. */
export interface BleuScore {
  /** 0 to 100. */
  readonly score: number;
  /** Of n = 1 to 4, in percent, after smoothing. */
  readonly precisions: readonly number[];
  /** Matched n-grams, n = 1 to 4. */
  readonly matches: readonly number[];
  /** All n-grams of the hypotheses, n = 1 to 4. */
  readonly totals: readonly number[];
  /** exp(1 − r/h) where the hypotheses are shorter than the references, else 1. */
  readonly brevityPenalty: number;
  /** h, in tokens. */
  readonly hypothesisLength: number;
  /** r, in tokens; of several references the length that is closest to the hypothesis, the shorter of two. */
  readonly referenceLength: number;
  /** How the score was made, in the style of sacreBLEU; belongs next to every printed score. */
  readonly signature: string;
}

/**
 * BLEU of a whole corpus:
 *
 *   BLEU = BP · exp( 1/4 · Σ_{n=1..4} ln p_n ),   BP = min(1, exp(1 − r/h))
 *
 * where p_n is the share of the hypotheses' n-grams that occur in their reference, each at most as often as there. It
 * is not the mean of the sentences' scores.
 *
 * @param hypotheses translations, plain text
 * @param references for each hypothesis its reference, or several
 * @throws when the two differ in length or are empty, or a hypothesis has no reference
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (string | readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  const { tokenize = '13a', smoothing = 'exp', lowercase = false, effectiveOrder = false } = options;
  if (hypotheses.length !== references.length || hypotheses.length === 0) {
    throw new Error(
      `bleu: ${hypotheses.length} hypotheses and references for ${references.length} arrived; ` +
        'give one or more hypotheses, and as many entries in references.',
    );
  }
  const smoothingValue = checkSmoothing(smoothing, options.smoothingValue);
  const split = tokenizer(tokenize);
  const tokens = (text: string): string[] => split(trimEnd(lowercase ? text.toLowerCase() : text));

  const matches = Array.from({ length: ORDERS }, () => 0);
  const totals = Array.from({ length: ORDERS }, () => 0);
  const referenceCounts = new Set<number>();
  let hypothesisLength = 0;
  let referenceLength = 0;
  for (const [index, text] of hypotheses.entries()) {
    const hypothesis = tokens(text);
    const own = [references[index]!].flat().map(tokens);
    if (own.length === 0) {
      throw new Error(`bleu: hypothesis ${index} has an empty list of references; give at least one.`);
    }
    referenceCounts.add(own.length);
    hypothesisLength += hypothesis.length;
    referenceLength += closestLength(
      hypothesis.length,
      own.map((reference) => reference.length),
    );
    const allowed = mostOf(own.map(countNgrams));
    for (const [ngram, { order, count }] of countNgrams(hypothesis)) {
      totals[order - 1]! += count;
      matches[order - 1]! += Math.min(count, allowed.get(ngram)?.count ?? 0);
    }
  }

  let brevityPenalty = 1;
  if (hypothesisLength < referenceLength) {
    brevityPenalty = hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength);
  }
  const { precisions, orders } = smooth(matches, totals, smoothing, smoothingValue);
  const used = effectiveOrder ? Math.max(orders, 1) : ORDERS;
  const logarithms = precisions.slice(0, used).reduce((sum, precision) => sum + Math.log(precision), 0);
  const signature = [
    `nrefs:${referenceCounts.size === 1 ? [...referenceCounts][0] : 'var'}`,
    `case:${lowercase ? 'lc' : 'mixed'}`,
    `eff:${effectiveOrder ? 'yes' : 'no'}`,
    `tok:${tokenize}`,
    `smooth:${smoothing}${smoothingValue === undefined ? '' : `[${smoothingValue.toFixed(2)}]`}`,
    'version:milestones',
  ].join('|');
  return {
    score: brevityPenalty * Math.exp(logarithms / used),
    precisions,
    matches,
    totals,
    brevityPenalty,
    hypothesisLength,
    referenceLength,
    signature,
  };
}

/** One line in the style of sacreBLEU: score, precisions, lengths, signature. */
export function formatBleu(result: BleuScore): string {
  const { score, precisions, brevityPenalty, hypothesisLength, referenceLength, signature } = result;
  const ratio = referenceLength === 0 ? 0 : hypothesisLength / referenceLength;
  return (
    `BLEU|${signature} = ${score.toFixed(1)} ${precisions.map((precision) => precision.toFixed(1)).join('/')} ` +
    `(BP = ${brevityPenalty.toFixed(3)} ratio = ${ratio.toFixed(3)} hyp_len = ${hypothesisLength} ref_len = ${referenceLength})`
  );
}

function tokenizer(name: string): (text: string) => string[] {
  if (name === '13a') return tokenize13a;
  if (name === 'none') return splitAtSpaces;
  throw new Error(`bleu: the tokenization "${name}" arrived; choose '13a' or 'none'.`);
}

function checkSmoothing(smoothing: BleuSmoothing, given: number | undefined): number | undefined {
  if (!['exp', 'floor', 'add-k', 'none'].includes(smoothing)) {
    throw new Error(`bleu: the smoothing "${smoothing}" arrived; choose 'exp', 'floor', 'add-k' or 'none'.`);
  }
  if (smoothing === 'exp' || smoothing === 'none') {
    if (given === undefined) return undefined;
    throw new Error(`bleu: smoothingValue ${given} arrived, but the smoothing '${smoothing}' has none; leave it out.`);
  }
  const value = given ?? (smoothing === 'floor' ? 0.1 : 1);
  if (!(value >= 0 && value < Infinity)) {
    throw new Error(`bleu: smoothingValue ${value} arrived; give a finite number of at least 0.`);
  }
  return value;
}

type NgramCounts = Map<string, { readonly order: number; count: number }>;

function countNgrams(tokens: readonly string[]): NgramCounts {
  const counts: NgramCounts = new Map();
  for (let start = 0; start < tokens.length; start++) {
    let ngram = '';
    for (let order = 1; order <= ORDERS && start + order <= tokens.length; order++) {
      // Tokens have no spaces, so that a space tells ['a b'] from ['a', 'b'].
      ngram = order === 1 ? tokens[start]! : `${ngram} ${tokens[start + order - 1]!}`;
      const known = counts.get(ngram);
      if (known === undefined) counts.set(ngram, { order, count: 1 });
      else known.count++;
    }
  }
  return counts;
}

/** Of each n-gram the largest count in any reference. */
function mostOf(all: readonly NgramCounts[]): NgramCounts {
  const [first = new Map(), ...others] = all;
  for (const counts of others) {
    for (const [ngram, entry] of counts) {
      const known = first.get(ngram);
      if (known === undefined || known.count < entry.count) first.set(ngram, entry);
    }
  }
  return first;
}

function closestLength(length: number, candidates: readonly number[]): number {
  return candidates.reduce((best, candidate) => {
    const nearer = Math.abs(candidate - length) - Math.abs(best - length);
    return nearer < 0 || (nearer === 0 && candidate < best) ? candidate : best;
  });
}

/** Precisions in percent, and how many orders the hypotheses are long enough for. */
function smooth(
  matches: readonly number[],
  totals: readonly number[],
  smoothing: BleuSmoothing,
  value = 0,
): { precisions: number[]; orders: number } {
  const precisions = Array.from({ length: ORDERS }, () => 0);
  // Nothing in common: smoothing must not make something of it.
  if (matches.every((count) => count === 0)) return { precisions, orders: 0 };
  let imagined = 1;
  let orders = 0;
  for (let index = 0; index < ORDERS; index++) {
    const added = smoothing === 'add-k' && index > 0 ? value : 0;
    const matched = matches[index]! + added;
    const total = totals[index]! + added;
    if (total === 0) break;
    orders = index + 1;
    if (matched > 0) {
      precisions[index] = (100 * matched) / total;
    } else if (smoothing === 'exp') {
      imagined /= 2;
      precisions[index] = (100 * imagined) / total;
    } else if (smoothing === 'floor') {
      precisions[index] = (100 * value) / total;
    }
  }
  return { precisions, orders };
}
