import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BeamSearchOptions, Random, beamSearch } from '../../src/index.ts';

const START = 0;
const END = 1;

/** ln p(token | tokens so far) of sentence `sentence`, from a table without structure: any prefix has its own. */
function table(seed: number, vocabulary: number): (sentence: number, prefix: readonly number[]) => Float32Array {
  const root = new Random(seed, 'table');
  const known = new Map<string, Float32Array>();
  return (sentence, prefix) => {
    const name = `${sentence}:${prefix.join()}`;
    let values = known.get(name);
    if (values === undefined) {
      const random = root.fork(name);
      const logits = Array.from({ length: vocabulary }, () => 2 * random.normal());
      const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      values = Float32Array.from(logits, (logit) => logit - total);
      known.set(name, values);
    }
    return values;
  };
}

/** A model that keeps, as a cache does, what each row has seen, and moves it by `origins`. */
function modelOf(seed: number, vocabulary: number, beams: number): BeamSearchOptions['step'] {
  const lookUp = table(seed, vocabulary);
  let rows: number[][] | undefined;
  return (tokens, origins) => {
    rows =
      rows === undefined
        ? Array.from(tokens, () => [])
        : Array.from(origins, (row, index) => [...rows![row]!, tokens[index]!]);
    const values = new Float32Array(tokens.length * vocabulary);
    for (const [row, prefix] of rows.entries()) {
      expect(Math.floor(origins[row]! / beams)).toBe(Math.floor(row / beams));
      values.set(lookUp(Math.floor(row / beams), prefix), row * vocabulary);
    }
    return values;
  };
}

const scoreOf = (logProbability: number, length: number, alpha: number): number =>
  logProbability / ((5 + length) / 6) ** alpha;

interface Scored {
  tokens: number[];
  score: number;
  complete: boolean;
}

const best = (all: readonly Scored[]): Scored =>
  all.toSorted((a, b) => Number(b.complete) - Number(a.complete) || b.score - a.score)[0]!;

/** Every sequence there is. */
function bruteForce(lookUp: (prefix: readonly number[]) => Float32Array, maximumLength: number, alpha: number): Scored {
  const all: Scored[] = [];
  const extend = (prefix: number[], logProbability: number): void => {
    for (const [token, step] of lookUp(prefix).entries()) {
      const score = scoreOf(logProbability + step, prefix.length + 1, alpha);
      if (token === END) all.push({ tokens: prefix, score, complete: true });
      else if (prefix.length + 1 === maximumLength) all.push({ tokens: [...prefix, token], score, complete: false });
      else extend([...prefix, token], logProbability + step);
    }
  };
  extend([], 0);
  return best(all);
}

/** The same search, written plainly: sorts all continuations, and never stops before it must. */
function plainBeams(
  lookUp: (prefix: readonly number[]) => Float32Array,
  beams: number,
  maximumLength: number,
  alpha: number,
): Scored {
  let live: { tokens: number[]; logProbability: number }[] = [{ tokens: [], logProbability: 0 }];
  const all: Scored[] = [];
  for (let length = 1; length <= maximumLength && live.length > 0; length++) {
    const continuations = live
      .flatMap(({ tokens, logProbability }) =>
        Array.from(lookUp(tokens), (step, token) => ({ tokens, token, logProbability: logProbability + step })),
      )
      .toSorted((a, b) => b.logProbability - a.logProbability)
      .slice(0, beams - all.length);
    live = [];
    for (const { tokens, token, logProbability } of continuations) {
      const score = scoreOf(logProbability, length, alpha);
      if (token === END) all.push({ tokens, score, complete: true });
      else if (length === maximumLength) all.push({ tokens: [...tokens, token], score, complete: false });
      else live.push({ tokens: [...tokens, token], logProbability });
    }
  }
  return best(all);
}

const seeds = fc.integer({ min: 0, max: 1e6 });
const alphas = fc.constantFrom(0, 0.6, 1, 2);
const sizes = { numRuns: 60 };

describe('beamSearch', () => {
  it('finds the best of all sequences when it keeps as many as there are', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, alphas, fc.integer({ min: 2, max: 4 }), async (seed, lengthPenalty, vocabulary) => {
        const maximumLength = 4;
        const beams = vocabulary ** maximumLength;
        const step = modelOf(seed, vocabulary, beams);
        const options = { sentences: 2, beams, maximumLength, startToken: START, endToken: END, lengthPenalty, step };
        const result = await beamSearch(options);
        const lookUp = table(seed, vocabulary);
        for (const [sentence, [found]] of result.entries()) {
          const wanted = bruteForce((prefix) => lookUp(sentence, prefix), maximumLength, lengthPenalty);
          expect(found!.tokens).toEqual(wanted.tokens);
          expect(found!.complete).toBe(wanted.complete);
          expect(found!.score).toBeCloseTo(wanted.score, 9);
        }
      }),
      sizes,
    );
  });

  it('agrees with a plain search that does not stop early, for any number of beams and sentences', async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        alphas,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 2, max: 7 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        async (seed, lengthPenalty, beams, vocabulary, maximumLength) => {
          const result = await beamSearch({
            sentences: maximumLength.length,
            beams,
            maximumLength,
            startToken: START,
            endToken: END,
            lengthPenalty,
            step: modelOf(seed, vocabulary, beams),
          });
          const lookUp = table(seed, vocabulary);
          for (const [sentence, hypotheses] of result.entries()) {
            const length = maximumLength[sentence]!;
            const wanted = plainBeams((prefix) => lookUp(sentence, prefix), beams, length, lengthPenalty);
            const [found] = hypotheses;
            expect(found!.tokens).toEqual(wanted.tokens);
            expect(found!.score).toBeCloseTo(wanted.score, 9);
            expect(hypotheses.length).toBeLessThanOrEqual(beams);
            const spent = hypotheses.map(({ tokens, complete }) => tokens.length + Number(complete));
            expect(Math.max(...spent)).toBeLessThanOrEqual(length);
          }
        },
      ),
      sizes,
    );
  });

  it('is greedy with one beam', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, alphas, fc.integer({ min: 2, max: 6 }), async (seed, lengthPenalty, vocabulary) => {
        const step = modelOf(seed, vocabulary, 1);
        const options = { sentences: 3, beams: 1, maximumLength: 12, startToken: START, endToken: END };
        const result = await beamSearch({ ...options, lengthPenalty, step });
        const lookUp = table(seed, vocabulary);
        for (const [sentence, hypotheses] of result.entries()) {
          const tokens: number[] = [];
          let logProbability = 0;
          let complete = false;
          while (tokens.length < 12 && !complete) {
            const values = lookUp(sentence, tokens);
            const token = values.indexOf(Math.max(...values));
            logProbability += values[token]!;
            if (token === END) complete = true;
            else tokens.push(token);
          }
          expect(hypotheses).toEqual([
            { tokens, logProbability, complete, score: expect.closeTo(hypotheses[0]!.score, 9) },
          ]);
        }
      }),
      sizes,
    );
  });

  it('prefers longer hypotheses the larger α is', async () => {
    // END at once with p = 0.4, or token 2 and then END, together with p = 0.3.
    const step = (tokens: Int32Array): Float32Array =>
      Float32Array.from(
        [...tokens].flatMap((token) => (token === START ? [0, 0.4, 0.6] : [0.5, 0.5, 0])),
        Math.log,
      );
    const search = async (lengthPenalty: number): Promise<number[]> => {
      const options = { sentences: 1, beams: 3, maximumLength: 2, startToken: START, endToken: END };
      return (await beamSearch({ ...options, lengthPenalty, step }))[0]![0]!.tokens;
    };
    expect(await search(0)).toEqual([]);
    expect(await search(0.6)).toEqual([]);
    expect(await search(2)).toEqual([2]);
  });

  it('takes equal continuations in the order of tokens', async () => {
    const step = (tokens: Int32Array): Float32Array => new Float32Array(tokens.length * 4).fill(Math.log(1 / 4));
    const options = { sentences: 1, beams: 1, maximumLength: 3, startToken: START, endToken: 3, step };
    expect((await beamSearch(options))[0]![0]).toMatchObject({ tokens: [0, 0, 0], complete: false });
  });

  it('leaves the arrays alone that the model was given', async () => {
    const given: [Int32Array, number[]][] = [];
    // Everything is equally likely, so both beams go on to the maximum length.
    const step: BeamSearchOptions['step'] = (tokens, origins) => {
      given.push([tokens, [...tokens]], [origins, [...origins]]);
      return Float32Array.from({ length: 4 * tokens.length }, (_, index) => (index % 4 === END ? -9 : -1));
    };
    await beamSearch({ sentences: 2, beams: 2, maximumLength: 6, startToken: START, endToken: END, step });
    expect(given).toHaveLength(2 * 6);
    for (const [array, values] of given) expect([...array]).toEqual(values);
  });

  it('refuses what cannot be searched', async () => {
    const options = {
      sentences: 2,
      beams: 2,
      maximumLength: 3,
      startToken: START,
      endToken: END,
      step: () => new Float32Array(4 * 3),
    };
    const refuse = async (change: Partial<BeamSearchOptions>, message: string): Promise<void> => {
      await expect(beamSearch({ ...options, ...change })).rejects.toThrow(message);
    };
    await refuse({ beams: 0 }, 'beams is 0; give a whole number of at least 1');
    await refuse({ sentences: 1.5 }, 'sentences is 1.5');
    await refuse({ maximumLength: [3] }, '1 maximum lengths arrived for 2 sentences');
    await refuse({ maximumLength: [3, 0] }, 'maximumLength of sentence 1 is 0');
    await refuse({ lengthPenalty: -1 }, 'the length penalty -1 arrived');
    await refuse({ step: () => new Float32Array(13) }, 'the model returned 13 values for 4 rows');
    await refuse({ endToken: 3 }, 'a vocabulary V that has the tokens up to 3');
    await refuse({ step: () => new Float32Array(12).fill(Number.NaN) }, 'token 0 in row 0 is NaN');
    await refuse({ step: () => new Float32Array(12).fill(-Infinity) }, 'no token has a probability above 0');
  });
});

describe('beamSearch with the likeliest tokens of each row', () => {
  /** The same model, which names its `count` likeliest tokens only. */
  function likely(model: BeamSearchOptions['step'], vocabulary: number, count: number): BeamSearchOptions['step'] {
    return async (tokens, origins) => {
      const all = (await model(tokens, origins)) as Float32Array;
      const chosen = Array.from(tokens, (_, row) => {
        const own = all.subarray(row * vocabulary, (row + 1) * vocabulary);
        const order = Array.from(own, (_value, token) => token).toSorted((a, b) => own[b]! - own[a]!);
        return order.slice(0, count).map((token) => [token, own[token]!] as const);
      }).flat();
      return {
        tokens: Int32Array.from(chosen, ([token]) => token),
        logProbabilities: Float32Array.from(chosen, ([, value]) => value),
      };
    };
  }

  it('finds what it finds with the whole vocabulary', async () => {
    for (const beams of [1, 2, 4]) {
      const options = { sentences: 3, beams, maximumLength: 6, startToken: START, endToken: END };
      const whole = await beamSearch({ ...options, step: modelOf(8, 9, beams) });
      for (const count of [beams, beams + 2]) {
        expect(await beamSearch({ ...options, step: likely(modelOf(8, 9, beams), 9, count) })).toEqual(whole);
      }
    }
  });

  it('refuses tokens and log-probabilities that do not belong together', async () => {
    const step = (): { tokens: Int32Array; logProbabilities: Float32Array } => ({
      tokens: new Int32Array(4),
      logProbabilities: new Float32Array(6),
    });
    const options = { sentences: 2, beams: 1, maximumLength: 6, startToken: START, endToken: END, step };
    await expect(beamSearch(options)).rejects.toThrow('returned 4 tokens and 6 log-probabilities for 2 rows');
  });
});
