/**
 * Grammars without recursion, as plain data. Such a grammar produces finitely many texts, each with a probability that
 * can be computed, so its entropy is known exactly.
 */
import type { Random } from '@milestones/core';

/** A piece of grammar: a fixed text, pieces one after another, or one of several. */
export type Grammar =
  | string
  | { readonly kind: 'sequence'; readonly parts: readonly Grammar[] }
  | { readonly kind: 'choice'; readonly weights: readonly number[]; readonly parts: readonly Grammar[] };

/** All of `parts`, one after another. */
export function sequence(...parts: Grammar[]): Grammar {
  return { kind: 'sequence', parts };
}

/** One of `branches`, each [weight, piece]; the weights must sum to one. */
export function choice(...branches: [number, Grammar][]): Grammar {
  const total = branches.reduce((sum, [weight]) => sum + weight, 0);
  if (Math.abs(total - 1) > 1e-9 || branches.some(([weight]) => !(weight > 0))) {
    throw new Error(
      `choice: the weights ${branches.map(([weight]) => weight).join(', ')} arrived; give numbers above 0 that sum to 1.`,
    );
  }
  return { kind: 'choice', weights: branches.map(([weight]) => weight), parts: branches.map(([, part]) => part) };
}

/** One of `parts`, all equally likely. */
export function oneOf(...parts: Grammar[]): Grammar {
  return { kind: 'choice', weights: parts.map(() => 1 / parts.length), parts };
}

/** Draws one text. */
export function sample(grammar: Grammar, random: Random): string {
  if (typeof grammar === 'string') return grammar;
  if (grammar.kind === 'sequence') return grammar.parts.map((part) => sample(part, random)).join('');
  return sample(grammar.parts[random.categorical(grammar.weights)]!, random);
}

/**
 * Entropy of the choices behind one text, in nats: the sum over the pieces of a sequence; for a choice
 *
 *   H = Σ_k p_k · (−ln p_k + H_k)
 *
 * It equals the entropy of the text itself where no text can come about in two ways.
 */
export function entropy(grammar: Grammar): number {
  if (typeof grammar === 'string') return 0;
  if (grammar.kind === 'sequence') return grammar.parts.reduce((sum, part) => sum + entropy(part), 0);
  return grammar.parts.reduce((sum, part, index) => {
    const weight = grammar.weights[index]!;
    return sum + weight * (entropy(part) - Math.log(weight));
  }, 0);
}

/** Mean length of a text, in characters. */
export function meanLength(grammar: Grammar): number {
  if (typeof grammar === 'string') return grammar.length;
  if (grammar.kind === 'sequence') return grammar.parts.reduce((sum, part) => sum + meanLength(part), 0);
  return grammar.parts.reduce((sum, part, index) => sum + grammar.weights[index]! * meanLength(part), 0);
}

/** Every text that the grammar can produce, with its probability; a text that comes about in two ways is listed twice. */
export function enumerate(grammar: Grammar): [text: string, probability: number][] {
  if (typeof grammar === 'string') return [[grammar, 1]];
  if (grammar.kind === 'choice') {
    return grammar.parts.flatMap((part, index) =>
      enumerate(part).map(([text, probability]): [string, number] => [text, probability * grammar.weights[index]!]),
    );
  }
  let texts: [string, number][] = [['', 1]];
  for (const part of grammar.parts) {
    const endings = enumerate(part);
    texts = texts.flatMap(([start, probability]) =>
      endings.map(([end, more]): [string, number] => [start + end, probability * more]),
    );
  }
  return texts;
}
