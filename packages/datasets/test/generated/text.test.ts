import { describe, expect, it } from 'vitest';
import { generateCorpus, generateText, generatedTextEntropy, ngramEntropy } from '../../src/index.ts';
import { entropy, enumerate, meanLength } from '../../src/generated/grammar.ts';
import { sentenceGrammar } from '../../src/generated/text.ts';

describe('generateText', () => {
  it('depends on the seed alone', () => {
    const text = generateText({ characters: 5000, seed: 7 });
    expect(text).toHaveLength(5000);
    expect(generateText({ characters: 5000, seed: 7 })).toBe(text);
    expect(generateText({ characters: 5000, seed: 8 })).not.toBe(text);
    expect(generateText({ characters: 8000, seed: 7 }).slice(0, 5000)).toBe(text);
  });

  it('has the same first lines as ever: results on it are published', () => {
    expect(generateText({ characters: 71 })).toBe(
      'the small dog behind the cat barks.\nthe old dogs near the bird run.\nthe',
    );
  });

  it('uses 24 characters', () => {
    expect(new Set(generateText({ characters: 100_000 })).size).toBe(24);
  });

  it('keeps subject, verb and possessive in agreement', () => {
    for (const line of generateText({ characters: 50_000 }).split('\n').slice(0, -1)) {
      const plural = /^\w+ (old |small |happy )?(cats|dogs|birds|children)\b/.test(line);
      expect(/\b(its|likes)\b/.test(line) && plural).toBe(false);
      expect(/\b(their|like)\b/.test(line) && !plural).toBe(false);
    }
  });

  it('refuses a length that is none', () => {
    expect(() => generateText({ characters: 0 })).toThrow('0 characters were asked for');
    expect(() => generateText({ characters: 2.5 })).toThrow('2.5 characters were asked for');
  });

  it('comes as a corpus', () => {
    const { name, train, validation } = generateCorpus({ characters: 1000, seed: 2 });
    expect([name, train.length, validation.length]).toEqual(['generated', 900, 100]);
  });
});

describe('the entropy rate', () => {
  const sentences = enumerate(sentenceGrammar);
  const probabilities = new Map(sentences);

  it('is exact: no sentence comes about in two ways, and the sum over all of them agrees', () => {
    expect(sentences).toHaveLength(19_584);
    expect(probabilities.size).toBe(sentences.length);
    let total = 0;
    let sum = 0;
    let length = 0;
    for (const [text, probability] of sentences) {
      expect(text.indexOf('\n')).toBe(text.length - 1);
      total += probability;
      sum -= probability * Math.log(probability);
      length += probability * text.length;
    }
    expect(total).toBeCloseTo(1, 10);
    expect(entropy(sentenceGrammar)).toBeCloseTo(sum, 10);
    expect(meanLength(sentenceGrammar)).toBeCloseTo(length, 10);
    expect(generatedTextEntropy()).toBeCloseTo(sum / length, 12);
    expect(generatedTextEntropy()).toBeCloseTo(0.241237, 6);
  });

  it('is what the best model pays on a generated text', () => {
    const lines = generateText({ characters: 200_000, seed: 5 }).split('\n').slice(0, -1);
    let nats = 0;
    let characters = 0;
    for (const line of lines) {
      nats -= Math.log(probabilities.get(`${line}\n`)!);
      characters += line.length + 1;
    }
    expect(Math.abs(nats / characters / generatedTextEntropy() - 1)).toBeLessThan(0.01);
  });

  it('lies far below what short contexts reach', () => {
    const text = generateText({ characters: 200_000 });
    const unigram = ngramEntropy(text, 1);
    const bigram = ngramEntropy(text, 2);
    expect(unigram).toBeCloseTo(2.84, 1);
    expect(bigram).toBeCloseTo(1.56, 1);
    expect(bigram / generatedTextEntropy()).toBeGreaterThan(6);
    // Even a memory of five characters is not enough.
    expect(ngramEntropy(text, 6) / generatedTextEntropy()).toBeGreaterThan(1.3);
  });
});
