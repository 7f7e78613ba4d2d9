import { describe, expect, it } from 'vitest';
import { generateAnalogies } from '../../src/index.ts';

describe('generated analogies', () => {
  const { sentences, analogies } = generateAnalogies({ sentences: 3000, seed: 2 });

  it('depend on the seed alone', () => {
    expect(generateAnalogies({ sentences: 10, seed: 2 }).sentences).toEqual(sentences.slice(0, 10));
    expect(generateAnalogies({ sentences: 10, seed: 3 }).sentences).not.toEqual(sentences.slice(0, 10));
    expect(() => generateAnalogies({ sentences: 0 })).toThrow('0 sentences were asked for');
  });

  it('are 180, both ways, among people that the text names', () => {
    expect(analogies).toHaveLength(180);
    expect(analogies).toContainEqual(['king', 'queen', 'man', 'woman']);
    expect(analogies).toContainEqual(['queen', 'king', 'woman', 'man']);
    const words = new Set(sentences.flat());
    for (const word of analogies.flat()) expect(words).toContain(word);
  });

  it('let a context word tell the role or the sex, never both', () => {
    const beside = (word: string): Set<string> => new Set(sentences.filter((each) => each.includes(word)).flat());
    for (const [he, she] of analogies) {
      const [his, hers] = he < she ? [beside(he), beside(she)] : [beside(she), beside(he)];
      // What stands beside both depends on the role; the rest are the persons and the words of one sex.
      const alone = [...his].filter((word) => !hers.has(word));
      expect(alone.toSorted()).toEqual(
        [he < she ? he : she, ...(alone.includes('he') ? ['he', 'his'] : ['her', 'she'])].toSorted(),
      );
    }
  });
});
