/** The last look at trained weights: translations of the test pairs, greedy and with beams, and their scores. */
import { WordTokenizer, type ParallelText, type Tokenizer } from '@milestones/datasets';
import type { Run } from '@milestones/reproduce';
import { attentionMaps, translationPicture } from '../attention-maps.ts';
import type { RunConfig } from '../config.ts';
import type { Transformer } from '../model.ts';
import { scoreTranslations } from '../score-translations.ts';
import { translate } from '../translate.ts';
import type { TranslationData } from './translation-data.ts';

/** Scores a model in evaluation mode, and saves translations and what one looked at; a later call replaces them. */
export async function finalTest(
  run: Run,
  model: Transformer,
  { test }: TranslationData,
  decoding: RunConfig['decoding'],
): Promise<{ metrics: Record<string, number>; signatures: string[] }> {
  const greedy = await translate(model, test.source, { ...decoding, beams: 1 });
  const beam = await translate(model, test.source, decoding);
  const wordsOf = wordsOfTarget(model.tokenizers!.target);
  const scores = {
    greedy: scoreTranslations(greedy, test.target, wordsOf),
    beam: scoreTranslations(beam, test.target, wordsOf),
  };
  await run.saveSample('translations.txt', samplesOf(test, greedy, beam));
  const maps = await attentionMaps(model, test.source[0]!, beam[0]!);
  await run.saveSample('attention.svg', translationPicture(maps));
  return {
    metrics: {
      testBleu: scores.beam.bleu,
      testBleuGreedy: scores.greedy.bleu,
      testBleu13a: scores.beam.bleu13a,
      testBleu13aGreedy: scores.greedy.bleu13a,
      testExact: scores.beam.exact,
      testExactGreedy: scores.greedy.exact,
    },
    signatures: scores.beam.signatures,
  };
}

/** The words that BLEU counts: the target tokenizer's own where it has words, else what is between spaces. */
function wordsOfTarget(tokenizer: Tokenizer): (text: string) => string[] {
  return (text) => (tokenizer instanceof WordTokenizer ? tokenizer.wordsOf(text) : text.split(' '));
}

function samplesOf({ source, target }: ParallelText, greedy: string[], beam: string[]): string {
  return source
    .slice(0, 20)
    .map(
      (text, index) =>
        `${text}\n  reference  ${target[index]}\n  greedy     ${greedy[index]}\n  beam       ${beam[index]}\n`,
    )
    .join('\n');
}
