/**
 * AdaGrad on sparse features: a rate for each weight. Duchi, Hazan and Singer 2011.
 *
 *     plain       θⱼ ← θⱼ − α/√t · gⱼ                     one rate for all
 *     AdaGrad     sⱼ ← sⱼ + gⱼ²,  θⱼ ← θⱼ − α gⱼ / √sⱼ    each weight's own
 *
 * A word that occurs in one text of a hundred has a gradient in one step of a hundred. By the time it comes, the common rate
 * has decayed; AdaGrad's rate for it has not, because it shrinks with the weight's own gradients. So AdaGrad wins on bags of
 * words and not on dense features, where all weights have equal gradients. (Adam's paper shows the same in its figure 1,
 * right, on film reviews.)
 *
 * Texts are generated: word j occurs with probability min(½, frequency / j), a Zipf law, and every word has a weight in the
 * label. Beside them the same problem with dense normal features. Logistic regression, one example a step, each rule at
 * its own best α.
 */
import { option, positiveInteger, positiveNumber, type Random } from '@milestones/core';
import * as v from 'valibot';
import { bestRate, edgeOfGrid, rateGrid } from '../best-rate.ts';
import { defineExperiment, type Outcome } from '../experiment.ts';

const schema = v.strictObject({
  count: option(positiveInteger, 4000, 'examples'),
  features: option(positiveInteger, 400, 'words, or dense features'),
  frequency: option(positiveNumber, 2, 'word j occurs in this share of the texts, over j'),
  epochs: option(positiveInteger, 3, 'times that every example is seen'),
  adagradRates: option(rateGrid, [0.01, 0.03, 0.1, 0.3, 1, 3], 'α of AdaGrad'),
  plainRates: option(rateGrid, [0.03, 0.1, 0.3, 1, 3, 10, 30], 'α of plain descent'),
});
type Settings = v.InferOutput<typeof schema>;

const names = ['adagrad', 'plain'] as const;
type Name = (typeof names)[number];
const kinds = ['sparse', 'dense'] as const;
type Kind = (typeof kinds)[number];

/** The features of an example that are not zero, and its label, 0 or 1. */
interface Example {
  at: number[];
  values: number[];
  label: number;
}

/** Examples with labels from a linear rule, of which one in fifty is wrong. */
function makeExamples(kind: Kind, { count, features, frequency }: Settings, random: Random): Example[] {
  const shares = Array.from({ length: features }, (_, j) => Math.min(0.5, frequency / (j + 1)));
  const weights = shares.map(() => random.normal());
  return Array.from({ length: count }, () => {
    const example: Example = { at: [], values: [], label: 0 };
    let score = 0;
    shares.forEach((share, j) => {
      const value = kind === 'dense' ? random.normal() : Number(random.uniform() < share);
      score += weights[j]! * (kind === 'dense' ? value : value - share);
      if (value === 0) return;
      example.at.push(j);
      example.values.push(value);
    });
    return { ...example, label: Number(score > 0) ^ Number(random.uniform() < 0.02) };
  });
}

/** Mean cross-entropy of the examples as they are met, epoch by epoch. */
export function train(
  name: Name,
  rate: number,
  examples: readonly Example[],
  features: number,
  epochs: number,
): number[] {
  const theta = new Float64Array(features);
  const squares = new Float64Array(features);
  const costs: number[] = [];
  let t = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    let sum = 0;
    for (const { at, values, label } of examples) {
      t += 1;
      const logit = at.reduce((total, j, k) => total + theta[j]! * values[k]!, 0);
      const probability = 1 / (1 + Math.exp(-logit));
      sum += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0) - label * logit; // −log of the label's share
      at.forEach((j, k) => {
        const slope = (probability - label) * values[k]!;
        squares[j]! += slope ** 2;
        const step = name === 'plain' ? rate / Math.sqrt(t) : rate / (Math.sqrt(squares[j]!) + 1e-10);
        theta[j]! -= step * slope;
      });
    }
    costs.push(sum / examples.length);
  }
  return costs;
}

export const adagradSparse = defineExperiment({
  name: 'adagrad-sparse',
  title: 'AdaGrad against plain descent on sparse and on dense features',
  paper: 'Duchi et al. 2011',
  claim:
    'on sparse features AdaGrad’s cost falls below that of plain descent, each at its best rate; on dense ones it has no such lead',
  schema,
  presets: {
    quick: {
      why: 'the whole experiment: logistic regression on generated bags of words and on dense features',
      minutes: 0.04,
      targets: [
        {
          metric: 'sparseRatio',
          claim: 'sparse features: AdaGrad’s cost over that of plain descent, last epoch',
          expected: [null, 0.9],
        },
        {
          metric: 'ratioOfRatios',
          claim: 'the same over its value on dense features: the lead comes from sparsity',
          expected: [null, 0.95],
        },
      ],
    },
  },
  deviations: [
    {
      topic: 'data',
      paper: 'news articles and others',
      ours: 'generated bags of words',
      why: 'no download; the frequencies are known',
    },
  ],
  size: ({ features, adagradRates, plainRates }) => ({
    parameters: features,
    steps: kinds.length * (adagradRates.length + plainRates.length),
  }),

  async run(settings, context): Promise<Outcome> {
    const notes: string[] = [];
    const curves = {} as Record<Kind, Record<Name, number[]>>;
    for (const kind of kinds) {
      const examples = makeExamples(kind, settings, context.random(kind));
      curves[kind] = {} as Record<Name, number[]>;
      for (const name of names) {
        const rates = settings[`${name}Rates`];
        const tried = rates.map((rate) => {
          context.advance();
          return [rate, train(name, rate, examples, settings.features, settings.epochs)] as const;
        });
        const [rate, costs] = bestRate(tried, (curve) => curve.at(-1)!);
        notes.push(`${kind}, ${name}: α = ${rate}${edgeOfGrid(rate, rates)}.`);
        curves[kind][name] = costs;
      }
    }
    const ratio = (kind: Kind): number => curves[kind].adagrad.at(-1)! / curves[kind].plain.at(-1)!;
    return {
      metrics: {
        sparseRatio: ratio('sparse'),
        denseRatio: ratio('dense'),
        ratioOfRatios: ratio('sparse') / ratio('dense'),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'costs',
          title: 'Mean cost of an epoch',
          x: { label: 'epoch' },
          y: { label: 'cross-entropy', scale: 'log' },
          series: kinds.flatMap((kind) =>
            names.map((name) => ({
              name: `${name}, ${kind}`,
              style: kind === 'dense' ? ('dashed' as const) : ('line' as const),
              points: curves[kind][name].map((cost, epoch) => [epoch + 1, cost] as const),
            })),
          ),
        },
      ],
      notes,
    };
  },
});
