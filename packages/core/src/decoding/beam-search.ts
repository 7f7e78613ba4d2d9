/**
 * Beam search, as Sutskever et al. 2014 (section 3.2) have it, with the length penalty of Wu et al. 2016 (equation 14), which
 * the Transformer uses with α = 0.6. One search for all models: the model is a function from the last token of each
 * hypothesis to the log-probabilities of the next.
 *
 * Dimensions: B sentences, K beams, V vocabulary; row b · K + k is beam k of sentence b.
 */
/** The model's part of a search: see {@link BeamSearchOptions.step}. */
export type BeamStep = (
  tokens: Int32Array,
  origins: Int32Array,
) => Float32Array | LikelyTokens | Promise<Float32Array | LikelyTokens>;

/** The most likely next tokens of each row, as a graph finds them: far less to hand over than the whole vocabulary. */
export interface LikelyTokens {
  /** N of each row, int32 [B · K · N], the likeliest first; with N ≥ K the search finds what it finds with
   * all of V. */
  readonly tokens: ArrayLike<number>;
  /** ln p of each, float32 [B · K · N]; −∞ for one that may not follow. */
  readonly logProbabilities: Float32Array;
}

/** What {@link beamSearch} needs. */
export interface BeamSearchOptions {
  /** How many sentences are translated at once, B. */
  sentences: number;
  /** How many hypotheses of each sentence are kept, K. 1 is greedy decoding. */
  beams: number;
  /**
   * The most tokens that a hypothesis may have, its end token included; one number, or one for each sentence (the
   * Transformer paper: length of the input + 50).
   */
  maximumLength: number | ArrayLike<number>;
  /** What every hypothesis begins with. */
  startToken: number;
  /** What completes a hypothesis. */
  endToken: number;
  /** α: 0 prefers short hypotheses, larger numbers longer ones. Default 0.6. */
  lengthPenalty?: number;
  /**
   * Advances the model by one token per row.
   *
   * @param tokens int32 [B · K], the last token of each row: at first the start token
   * @param origins int32 [B · K]: row r continues what was row `origins[r]` at the step before, so that is the row
   *   whose state (a cache, a hidden state) it needs; at first 0, 1, 2, …. A row stays within its sentence
   * @returns ln p(next token | row), float32 [B · K, V], flat; or the K likeliest tokens of each row, or more
   */
  step: BeamStep;
}

/** One translation that {@link beamSearch} found. */
export interface Hypothesis {
  /** Without start and end token. */
  readonly tokens: number[];
  /** ln p of all tokens, the end token included. */
  readonly logProbability: number;
  /** ln p / lp(length), by which hypotheses are ranked. */
  readonly score: number;
  /** Whether it ends with the end token; else it was cut off at the maximum length. */
  readonly complete: boolean;
}

/** lp(length) = ((5 + length) / 6)^α. Wu et al. 2016, equation 14. */
export function lengthPenaltyOf(length: number, alpha: number): number {
  return ((5 + length) / 6) ** alpha;
}

interface Beam {
  /** The row of the step before that it continues. */
  row: number;
  tokens: number[];
  logProbability: number;
}

/**
 * The best translations of B sentences. At each step every hypothesis is continued by every token; of all continuations
 * of a sentence, the most likely are kept. One that ends leaves the beam, which is narrower from then on: so one
 * beam is greedy decoding, exactly. Hypotheses are ranked by
 *
 *   score = ln p(Y) / lp(|Y|),   lp(n) = ((5 + n) / 6)^α,   |Y| counts the end token
 *
 * and a sentence is done when none of its hypotheses could still become the best. Equal continuations are taken in the
 * order of beams, then of tokens.
 *
 * @returns for each sentence one to K hypotheses, the best first. Complete ones come before those that were cut off. What
 *   is not the best may be missing, or be better ranked in a longer search
 * @throws when an option is out of range, or the model returns another number of values than B · K · V, or NaN
 */
export async function beamSearch(options: BeamSearchOptions): Promise<Hypothesis[][]> {
  const { sentences, beams, startToken, endToken, lengthPenalty = 0.6, step } = options;
  const maximum = checkOptions(options, lengthPenalty);
  const rows = sentences * beams;
  let tokens = new Int32Array(rows).fill(startToken);
  let origins = Int32Array.from({ length: rows }, (_, row) => row);
  // All beams of a sentence begin alike; one is enough, or the same hypothesis would be kept K times.
  const live: Beam[][] = Array.from({ length: sentences }, (_, sentence) => [
    { row: sentence * beams, tokens: [], logProbability: 0 },
  ]);
  const found: Hypothesis[][] = Array.from({ length: sentences }, () => []);
  const score = (logProbability: number, length: number): number =>
    logProbability / lengthPenaltyOf(length, lengthPenalty);

  for (let length = 1; live.some((own) => own.length > 0); length++) {
    const result = await step(tokens, origins);
    const choices = 'tokens' in result ? result : { tokens: undefined, logProbabilities: result };
    checkStepResult(choices, rows, 'tokens' in result ? 1 : Math.max(startToken, endToken) + 1);
    // New arrays, since tensors may hold on to the old ones. What stays as it is here are rows that no hypothesis needs any
    // more; any valid token will do for them.
    tokens = new Int32Array(rows).fill(endToken);
    origins = Int32Array.from({ length: rows }, (_, row) => row);

    for (let sentence = 0; sentence < sentences; sentence++) {
      const before = live[sentence]!;
      if (before.length === 0) continue;
      const finished = found[sentence]!;
      const candidates = bestContinuations(
        before,
        choices,
        choices.logProbabilities.length / rows,
        beams - finished.length,
      );
      const after: Beam[] = [];
      for (const { beam, token, logProbability } of candidates) {
        const origin = before[beam]!;
        if (token === endToken) {
          const ended = { tokens: origin.tokens, logProbability, score: score(logProbability, length), complete: true };
          finished.push(ended);
        } else if (length === maximum(sentence)) {
          const cutOff = [...origin.tokens, token];
          finished.push({ tokens: cutOff, logProbability, score: score(logProbability, length), complete: false });
        } else {
          const row = sentence * beams + after.length;
          tokens[row] = token;
          origins[row] = origin.row;
          after.push({ row, tokens: [...origin.tokens, token], logProbability });
        }
      }
      if (candidates.length === 0) {
        throw new Error(
          `beamSearch: no token has a probability above 0 after ${length - 1} tokens of sentence ${sentence}; ` +
            'check the masks of the model.',
        );
      }
      // ln p only falls and lp only grows: no continuation scores above its beginning's ln p over the largest lp.
      const most = Math.max(...after.map((beam) => score(beam.logProbability, maximum(sentence))));
      live[sentence] = finished.some((known) => known.score >= most) ? [] : after;
    }
  }
  return found.map((all) => all.toSorted((a, b) => Number(b.complete) - Number(a.complete) || b.score - a.score));
}

/** Next tokens of all rows; without `tokens`, those of the whole vocabulary in order. */
interface Choices {
  readonly tokens: ArrayLike<number> | undefined;
  readonly logProbabilities: Float32Array;
}

interface Candidate {
  beam: number;
  token: number;
  logProbability: number;
}

/** The `limit` most likely continuations, the most likely first. */
function bestContinuations(
  beams: readonly Beam[],
  { tokens, logProbabilities }: Choices,
  perRow: number,
  limit: number,
): Candidate[] {
  const best: Candidate[] = [];
  // What a continuation must exceed; most of them fail this one comparison.
  let threshold = -Infinity;
  for (const [beam, { row, logProbability: soFar }] of beams.entries()) {
    for (let place = 0, index = row * perRow; place < perRow; place++, index++) {
      const logProbability = soFar + logProbabilities[index]!;
      if (logProbability <= threshold) continue;
      const token = tokens === undefined ? place : tokens[index]!;
      if (Number.isNaN(logProbability)) {
        throw new Error(
          `beamSearch: the model's log-probability of token ${token} in row ${row} is NaN; ` +
            'look for infinities in the model, or for weights that did not survive training.',
        );
      }
      let rank = best.length === limit ? limit - 1 : best.length;
      while (rank > 0 && best[rank - 1]!.logProbability < logProbability) {
        best[rank] = best[rank - 1]!;
        rank--;
      }
      best[rank] = { beam, token, logProbability };
      if (best.length === limit) threshold = best[limit - 1]!.logProbability;
    }
  }
  return best;
}

/** Checks the options, and returns the maximum length of each sentence. */
function checkOptions(options: BeamSearchOptions, lengthPenalty: number): (sentence: number) => number {
  const { sentences, beams, maximumLength, startToken, endToken } = options;
  const require = (name: string, value: number, least: number): void => {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new Error(`beamSearch: ${name} is ${value}; give a whole number of at least ${least}.`);
    }
  };
  require('sentences', sentences, 1);
  require('beams', beams, 1);
  require('startToken', startToken, 0);
  require('endToken', endToken, 0);
  if (!(lengthPenalty >= 0 && lengthPenalty < Infinity)) {
    throw new Error(
      `beamSearch: the length penalty ${lengthPenalty} arrived; give a finite α of at least 0, such as 0.6.`,
    );
  }
  if (typeof maximumLength === 'number') {
    require('maximumLength', maximumLength, 1);
    return () => maximumLength;
  }
  if (maximumLength.length !== sentences) {
    throw new Error(
      `beamSearch: ${maximumLength.length} maximum lengths arrived for ${sentences} sentences; give one for each, or a number.`,
    );
  }
  for (let sentence = 0; sentence < sentences; sentence++) {
    require(`maximumLength of sentence ${sentence}`, maximumLength[sentence]!, 1);
  }
  return (sentence) => maximumLength[sentence]!;
}

/** Checks what the model returned: of each row at least `least` values. */
function checkStepResult({ tokens, logProbabilities }: Choices, rows: number, least: number): void {
  const perRow = logProbabilities.length / rows;
  if (
    tokens !== undefined &&
    (tokens.length !== logProbabilities.length || !Number.isInteger(perRow) || perRow < least)
  ) {
    throw new Error(
      `beamSearch: the model returned ${tokens.length} tokens and ${logProbabilities.length} log-probabilities for ${rows} ` +
        `rows; return as many of both, the same number for each row, at least ${least}.`,
    );
  }
  if (!Number.isInteger(perRow) || perRow < least) {
    throw new Error(
      `beamSearch: the model returned ${logProbabilities.length} values for ${rows} rows; return rows · V log-probabilities, ` +
        `with a vocabulary V that has the tokens up to ${least - 1}.`,
    );
  }
}
