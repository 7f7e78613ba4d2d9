/** The last look at a trained net: test scores greedy and with beams, scores by length, sample translations, pictures. */
import { attentionPicture } from '@milestones/core';
import type { Command, Run } from '@milestones/reproduce';
import { TranslationBatches } from '@milestones/datasets';
import type { RunConfig } from '../config.ts';
import type { SentenceDecoder } from '../decode.ts';
import { metricName, type Net } from '../experiments.ts';
import type { Translator } from '../model.ts';
import { scoresByLength, translationScores, type LengthScore } from '../scores.ts';
import { createEvaluateStep, evaluate } from '../train.ts';
import { align, translate } from '../translate.ts';
import { isText, type TextData } from './text-data.ts';

/** BLEU by the length of the source, of some networks. */
export type LengthScores = { name: string; scores: LengthScore[] }[];

/** Scores a trained net, and saves samples. */
export async function finalTest(options: {
  command: Command<RunConfig>;
  run: Run;
  net: Net;
  model: Translator;
  decoder: SentenceDecoder;
  data: TextData;
}): Promise<{ metrics: Record<string, number>; lengths: LengthScore[] | undefined }> {
  const { command, run, net, model, decoder, data } = options;
  const { data: dataConfig, experiment, training } = command.config;
  const part = data.test ?? data.validation;
  const count = Math.min(experiment.pictures, part.source.length);
  const sentences = part.source.slice(0, count);
  const file = net.prefix === '' ? '' : `-${net.prefix}`;
  const beamed = { beams: experiment.beams, lengthPenalty: experiment.lengthPenalty };
  if (count > 0) {
    const translations = await translate(model, sentences, beamed, decoder);
    const lines = translations.map(
      ({ text }, index) =>
        `source:     ${sentences[index]!}\nmodel:      ${text}\nreference:  ${part.target[index]!}\n`,
    );
    await run.saveSample(`translations${file}.txt`, lines.join('\n'));
    if (net.config.kind === 'attention') {
      for (const [index, translation] of translations.entries()) {
        const alignment = await align(model, sentences[index]!, translation, decoder);
        await run.saveSample(`attention${file}-${index + 1}.svg`, attentionPicture([alignment]));
      }
    }
  }
  if (!isText(dataConfig)) return { metrics: {}, lengths: undefined };

  const pairs = data.text.encodePairs(part, net.config.reverseSource);
  const { lowercase } = dataConfig;
  const greedy = await translationScores(decoder, pairs, part.target, data.text, { lowercase });
  const beam = await translationScores(decoder, pairs, part.target, data.text, { ...beamed, lowercase });
  const batches = new TranslationBatches({
    pairs,
    batchSize: training.batchSize,
    buckets: training.buckets,
    seed: 0,
    shuffle: false,
  });
  const loss = await evaluate(model, createEvaluateStep(model), batches);
  const lengths = scoresByLength(pairs, greedy.hypotheses, part.target, { lowercase });
  const named = {
    testLoss: loss,
    testPerplexity: Math.exp(loss),
    testBleu: greedy.bleu.score,
    testBeamBleu: beam.bleu.score,
    ...Object.fromEntries(lengths.map(({ bleu }, index) => [`testBleuLength${index + 1}`, bleu])),
    // Of the longest fifth less that of the shortest.
    bleuWithLength: lengths.at(-1)!.bleu - lengths[0]!.bleu,
  };
  run.note(
    `${net.name}: test BLEU ${greedy.bleu.score.toFixed(2)} greedy, ${beam.bleu.score.toFixed(2)} with ${beamed.beams} beams`,
  );
  return {
    metrics: Object.fromEntries(Object.entries(named).map(([name, value]) => [metricName(net, name), value])),
    lengths,
  };
}
