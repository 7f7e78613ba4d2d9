import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BleuOptions, type BleuSmoothing, bleu, formatBleu, tokenize13a } from '../../src/index.ts';

interface Case {
  name: string;
  hypotheses: string[];
  references: string[][];
  options: {
    lowercase?: boolean;
    tokenize?: 'none';
    smooth_method?: BleuSmoothing;
    smooth_value?: number;
    effective_order?: boolean;
  };
  score: number;
  precisions: number[];
  brevityPenalty: number;
  hypothesisLength: number;
  referenceLength: number;
  line: string;
}

// Written by fixtures/generate_bleu.py with sacreBLEU.
const fixture = JSON.parse(readFileSync(new URL('../fixtures/bleu.json', import.meta.url), 'utf8')) as {
  cases: Case[];
  tokens: [string, string[]][];
};

function optionsOf({ options }: Case): BleuOptions {
  const { lowercase, tokenize, smooth_method, smooth_value, effective_order } = options;
  return {
    ...(lowercase !== undefined && { lowercase }),
    ...(tokenize !== undefined && { tokenize }),
    ...(smooth_method !== undefined && { smoothing: smooth_method }),
    ...(smooth_value !== undefined && { smoothingValue: smooth_value }),
    ...(effective_order !== undefined && { effectiveOrder: effective_order }),
  };
}

describe('against sacreBLEU', () => {
  it.each(fixture.cases)('$name', (known) => {
    const result = bleu(known.hypotheses, known.references, optionsOf(known));
    expect(result.score).toBeCloseTo(known.score, 9);
    for (const [index, precision] of known.precisions.entries()) {
      expect(result.precisions[index]).toBeCloseTo(precision, 9);
    }
    expect(result.brevityPenalty).toBeCloseTo(known.brevityPenalty, 12);
    expect([result.hypothesisLength, result.referenceLength]).toEqual([known.hypothesisLength, known.referenceLength]);
    expect(formatBleu(result)).toBe(known.line.replace(/version:[\d.]+/, 'version:milestones'));
  });

  it('tokenizes as 13a does', () => {
    expect(fixture.tokens.length).toBeGreaterThan(100);
    for (const [line, tokens] of fixture.tokens) expect(tokenize13a(line), JSON.stringify(line)).toEqual(tokens);
  });
});

const word = fc.constantFrom('a', 'the', 'dog', 'cat', 'runs', 'sleeps', ',', 'home', '3.5', '(so)');
const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
const pairs = fc.array(fc.tuple(sentence, sentence), { minLength: 1, maxLength: 8 });
const scoreOf = (corpus: readonly (readonly [string, string])[], options: BleuOptions = {}): number =>
  bleu(
    corpus.map(([hypothesis]) => hypothesis),
    corpus.map(([, reference]) => reference),
    options,
  ).score;

describe('properties', () => {
  it('a corpus scores 100 against itself', () => {
    const long = fc.array(word, { minLength: 4, maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(long, { minLength: 1 }), (texts) => {
        expect(bleu(texts, texts).score).toBeCloseTo(100);
      }),
    );
  });
  it('the order of the pairs does not matter, and scores lie between 0 and 100', () => {
    fc.assert(
      fc.property(
        pairs.chain((corpus) =>
          fc.tuple(fc.constant(corpus), fc.shuffledSubarray(corpus, { minLength: corpus.length })),
        ),
        ([corpus, shuffled]) => {
          const score = scoreOf(corpus);
          expect(scoreOf(shuffled)).toBeCloseTo(score, 9);
          expect(score >= 0 && score < 100 + 1e-9).toBe(true);
        },
      ),
    );
  });
  it('a further reference that repeats the first changes nothing', () => {
    fc.assert(
      fc.property(pairs, (corpus) => {
        const twice = bleu(
          corpus.map(([hypothesis]) => hypothesis),
          corpus.map(([, reference]) => [reference, reference]),
        );
        expect(twice.score).toBeCloseTo(scoreOf(corpus), 9);
        expect(twice.signature).toContain('nrefs:2|');
      }),
    );
  });
  it('smoothing never lowers a score', () => {
    fc.assert(
      fc.property(pairs, (corpus) => {
        expect(scoreOf(corpus)).toBeGreaterThanOrEqual(scoreOf(corpus, { smoothing: 'none' }) - 1e-9);
      }),
    );
  });
});

describe('what bleu refuses', () => {
  it.each([
    [['a'], [], {}, '1 hypotheses and references for 0 arrived'],
    [[], [], {}, 'give one or more hypotheses'],
    [['a'], [[]], {}, 'hypothesis 0 has an empty list of references'],
    [['a'], ['a'], { tokenize: 'intl' }, "the tokenization \"intl\" arrived; choose '13a' or 'none'"],
    [['a'], ['a'], { smoothing: 'laplace' }, 'the smoothing "laplace" arrived'],
    [['a'], ['a'], { smoothingValue: 1 }, "the smoothing 'exp' has none"],
    [['a'], ['a'], { smoothing: 'floor', smoothingValue: Number.NaN }, 'smoothingValue NaN arrived'],
  ] as const)('%j against %j', (hypotheses, references, options, message) => {
    expect(() => bleu(hypotheses, references, options as BleuOptions)).toThrow(message);
  });
});
