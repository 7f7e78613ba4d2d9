import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { CharacterTokenizer } from '@milestones/datasets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateText, generateTokens, Gpt, GptDecoder, sampleToken } from '../src/index.ts';

const size = { vocabularySize: 5, contextLength: 6, features: 8, layers: 2, heads: 2, dropout: 0 } as const;
let model: Gpt;

beforeAll(async () => {
  await useBackend('cpu');
  model = new Gpt({ ...size, initialization: 'fanIn' }).initialize(4);
});

async function tokensOf(options: Parameters<typeof generateTokens>[2], prompt = [1, 2]): Promise<number[]> {
  const made: number[] = [];
  for await (const token of generateTokens(model, prompt, options)) made.push(token);
  return made;
}

/** The same by definition: the whole window anew for each token, the most likely one taken. */
function greedyWithoutCache(prompt: number[], count: number): number[] {
  const sequence = [...prompt];
  for (let made = 0; made < count; made++) {
    const window = sequence.slice(-size.contextLength);
    const logits = tf.tidy(() => {
      const all = model.forward(tf.tensor2d([window], undefined, 'int32')).arraySync() as number[][][];
      return all[0]!.at(-1)!;
    });
    sequence.push(logits.indexOf(Math.max(...logits)));
  }
  return sequence.slice(prompt.length);
}

describe('generateTokens', () => {
  it('with the cache, and beyond the context, is what the whole window gives', async () => {
    expect(await tokensOf({ tokens: 15, temperature: 0 })).toEqual(greedyWithoutCache([1, 2], 15));
  });

  it('takes a prompt longer than the context', async () => {
    const prompt = [0, 1, 2, 3, 4, 3, 2, 1, 0];
    expect(await tokensOf({ tokens: 4, temperature: 0 }, prompt)).toEqual(greedyWithoutCache(prompt, 4));
  });

  it('repeats itself for a seed and differs for another', async () => {
    const first = await tokensOf({ tokens: 30, seed: 3 });
    expect(await tokensOf({ tokens: 30, seed: 3 })).toEqual(first);
    expect(await tokensOf({ tokens: 30, seed: 4 })).not.toEqual(first);
  });

  it('leaks nothing, also when its reader stops early, and restores the mode', async () => {
    model.train();
    const before = tf.memory().numTensors;
    await tokensOf({ tokens: 10 });
    const taken: number[] = [];
    for await (const token of generateTokens(model, [1], { tokens: 10 })) if (taken.push(token) === 3) break;
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
  });

  it.each([
    [{ tokens: -1 }, '-1 tokens were asked for'],
    [{ temperature: -1 }, 'the temperature -1 arrived; give a number of at least 0'],
    [{ topK: 0 }, 'topK 0 arrived; give a whole number of at least 1'],
    [{ topP: 0 }, 'topP 0 arrived; give a number above 0 and at most 1'],
  ])('refuses %j', async (options, message) => {
    await expect(tokensOf(options)).rejects.toThrow(message);
  });

  it('refuses an empty prompt', async () => {
    await expect(tokensOf({}, [])).rejects.toThrow('the prompt is empty; give at least one token');
  });
});

describe.each(['cpu', 'onnx'] as const)('GptDecoder on %s', (engine) => {
  afterAll(async () => {
    await useBackend('cpu');
  });

  it('gives the scores of the whole window, as its tables grow, beyond the context, and for the next text', async () => {
    await useBackend(engine);
    const net = new Gpt({ ...size, contextLength: 70, initialization: 'fanIn' }).initialize(5).eval() as Gpt;
    const random = new Random(2);
    const before = tf.memory().numTensors;
    const decoder = new GptDecoder(net);
    let [compared, worst] = [0, 0];
    for (const [length, steps] of [
      [61, 11],
      [30, 1],
      [80, 1],
    ] as const) {
      const sequence = Array.from({ length }, () => random.integer(5));
      let scores = await decoder.start(sequence);
      for (let step = 0; step <= steps; step++) {
        if (step < 2 || [65, 70, 71].includes(sequence.length)) {
          const window = sequence.slice(-70);
          const all = tf.tidy(() => net.forward(tf.tensor2d([window], undefined, 'int32')).dataSync());
          const expected = all.subarray((window.length - 1) * 5);
          worst = scores.reduce((most, score, token) => Math.max(most, Math.abs(score - expected[token]!)), worst);
          compared++;
        }
        const token = random.integer(5);
        sequence.push(token);
        scores = await decoder.step(token);
      }
    }
    expect(compared).toBe(9);
    expect(worst).toBeLessThan(1e-5);
    await decoder.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(decoder.step(1)).rejects.toThrow('no text was begun; call start with a prompt first');
    net.dispose();
  });
});

describe('generateTokens with a decoder that is kept', () => {
  it('writes what it writes with one of its own', async () => {
    const decoder = new GptDecoder(model);
    const own = await tokensOf({ tokens: 12, seed: 5 });
    expect(await tokensOf({ tokens: 12, seed: 5, decoder })).toEqual(own);
    expect(await tokensOf({ tokens: 12, seed: 5, decoder })).toEqual(own);
    await decoder.dispose();
  });
});

describe('generateText', () => {
  it('continues a text, and names a character that it does not know', async () => {
    model.tokenizer = new CharacterTokenizer('abcde');
    const text = await generateText(model, 'ab', { tokens: 10 });
    expect(text).toMatch(/^ab[a-e]{10}$/);
    await expect(generateText(model, 'abé')).rejects.toThrow(
      '"é" (U+00E9) at position 2 is not among its 5 characters',
    );
    model.tokenizer = undefined;
    await expect(generateText(model, 'ab')).rejects.toThrow('this model has no tokenizer; set model.tokenizer');
  });
});

describe('sampleToken', () => {
  // Probabilities 0.5, 0.3, 0.15, 0.05 out of order.
  const logits = [0.15, 0.5, 0.05, 0.3].map(Math.log);
  const shares = (options: Parameters<typeof sampleToken>[2]): number[] => {
    const random = new Random(12);
    const seen = [0, 0, 0, 0];
    for (let index = 0; index < 20_000; index++) seen[sampleToken(logits, random, options)]! += 1 / 20_000;
    return seen;
  };
  const expectShares = (found: number[], expected: number[]): void => {
    found.forEach((share, token) => expect(Math.abs(share - expected[token]!)).toBeLessThan(0.015));
  };

  it('draws by softmax', () => expectShares(shares({}), [0.15, 0.5, 0.05, 0.3]));

  it('sharpens with a low temperature: p² renormalised at 0.5', () => {
    const squares = [0.15, 0.5, 0.05, 0.3].map((p) => p * p);
    const total = squares.reduce((sum, value) => sum + value, 0);
    expectShares(
      shares({ temperature: 0.5 }),
      squares.map((value) => value / total),
    );
  });

  it('keeps the top k only', () => expectShares(shares({ topK: 2 }), [0, 0.625, 0, 0.375]));

  it('keeps the fewest that reach p', () => {
    expectShares(shares({ topP: 0.75 }), [0, 0.625, 0, 0.375]);
    expectShares(shares({ topP: 0.81 }), [0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95]);
    expectShares(shares({ topP: 0.01 }), [0, 1, 0, 0]);
  });

  it('takes the most likely at temperature 0, the smaller token of a tie', () => {
    expect(sampleToken([1, 3, 3, 2], new Random(1), { temperature: 0 })).toBe(1);
  });

  it('orders scores as numbers: negative, zero of either sign, infinite, and many', () => {
    const likeliestOf = (scores: number[]): number => sampleToken(scores, new Random(1), { topK: 1 });
    expect(likeliestOf([-3, -0.5, -2, -0.5])).toBe(1);
    expect(likeliestOf([-1, -0, 0, -1e-40])).toBe(1);
    expect(likeliestOf([-Infinity, 1e-40, -1e-40])).toBe(1);
    const scores = new Random(7).normalArray(50_257);
    expect(likeliestOf([...scores])).toBe(scores.indexOf(scores.reduce((a, b) => Math.max(a, b))));
  });

  it('survives huge scores and names scores that are none', () => {
    expect(sampleToken([-1e30, 1e30], new Random(1))).toBe(1);
    expect(() => sampleToken([Number.NaN], new Random(1))).toThrow('the highest of 1 scores is NaN; check the model');
    expect(() => sampleToken([], new Random(1))).toThrow('the highest of 0 scores is missing');
  });
});
