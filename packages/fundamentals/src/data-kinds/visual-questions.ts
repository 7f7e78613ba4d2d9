/**
 * Questions about images. Antol et al. 2015; Perez et al. 2018 (how question and image meet).
 *
 *     labels   image, question, answer: one of a list
 *     net      an LSTM reads the question and says how to look: each channel of the image's features is scaled and shifted
 *              by what the question asks for,  FiLM(x) = γ(q) · x + β(q),  then the brightest place of each channel counts
 *     loss     cross-entropy of the answer
 *     metric   share of right answers, against always giving a question's most common answer, blind to the image
 *
 * The blind baseline is part of the metric: "is there …" is right half of the time without eyes.
 * Dimensions: B batch, H×W pixels, T words, C channels, A answers.
 */
import { compile, tf } from '@milestones/backend';
import { crossEntropyLoss, option, positiveInteger, positiveNumber } from '@milestones/core';
import { askAboutScenes, generateScenes, sceneAnswers, type SceneQuestion } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { drawBatch, trainByAdam } from '../train-by-adam.ts';
import { QuestionNet } from './question-net.ts';
import { imageBatch, inPieces } from './scene-tensors.ts';

const schema = v.strictObject({
  count: option(positiveInteger, 4000, 'scenes for training'),
  testCount: option(positiveInteger, 400, 'scenes for testing'),
  perScene: option(positiveInteger, 8, 'questions about each scene'),
  size: option(v.pipe(positiveInteger, v.multipleOf(4)), 32, 'H and W'),
  channels: option(positiveInteger, 32, 'C'),
  batchSize: option(positiveInteger, 32, 'questions per update'),
  steps: option(positiveInteger, 12_000, 'updates'),
  learningRate: option(positiveNumber, 2e-3, 'learning rate of Adam at the start'),
});

/** T: "is the disc left of the square". */
const longest = 7;

/** How often a question's most common answer in `train` is right in `test`. */
export function blindAccuracy(train: readonly SceneQuestion[], test: readonly SceneQuestion[]): number {
  const counts = new Map<string, Map<string, number>>();
  for (const { words, answer } of train) {
    const answers = counts.get(words.join(' ')) ?? new Map<string, number>();
    counts.set(words.join(' '), answers.set(answer, (answers.get(answer) ?? 0) + 1));
  }
  const best = (words: readonly string[]): string | undefined =>
    [...(counts.get(words.join(' ')) ?? [])].toSorted(([, a], [, b]) => b - a)[0]?.[0];
  return test.filter(({ words, answer }) => best(words) === answer).length / test.length;
}

const kindOf = ({ words: [first, second] }: SceneQuestion): string =>
  first === 'how' ? 'number' : first === 'what' ? second! : second === 'there' ? 'presence' : 'place';

export const visualQuestions = defineExperiment({
  name: 'visual-questions',
  title: 'Questions about images',
  paper: 'Antol et al. 2015; Perez et al. 2018',
  claim: 'a net that sees the image answers more questions than the most common answer of each question',
  schema,
  presets: {
    quick: {
      why: 'a short training on scenes of 24 pixels: some kinds of question are learned',
      minutes: 0.18,
      set: { count: 1500, testCount: 100, size: 24, channels: 24, steps: 400, learningRate: 5e-3 },
      targets: [
        { metric: 'gainOverBlind', claim: 'share of right answers beyond the blind baseline', expected: [0.05, 1] },
      ],
    },
    laptop: {
      why: 'until colours, shapes and numbers are answered; places are learned last',
      minutes: 6,
      targets: [
        { metric: 'gainOverBlind', claim: 'share of right answers beyond the blind baseline', expected: [0.25, 1] },
        { metric: 'accuracy', claim: 'share of right answers about unseen scenes', expected: [0.7, 1] },
      ],
    },
  },
  // The questions have 25 words with the one that fills up.
  size: ({ channels, steps }) => ({ parameters: new QuestionNet(25, channels).parameterCount(), steps }),

  async run(settings, context): Promise<Outcome> {
    const { size, perScene, batchSize, steps, learningRate } = settings;
    const [train, test] = (['train', 'test'] as const).map((part) => {
      const count = part === 'train' ? settings.count : settings.testCount;
      const scenes = generateScenes({ count, size, seed: context.seed, part });
      return {
        scenes,
        questions: askAboutScenes(scenes, { seed: context.seed + (part === 'train' ? 0 : 1), perScene }),
      };
    }) as [Part, Part];
    const vocabulary = ['', ...new Set(train.questions.flatMap(({ words }) => words))];
    const model = new QuestionNet(vocabulary.length, settings.channels).initialize(context.seed);
    const asked = (part: Part, indices: readonly number[]): [tf.Tensor4D, tf.Tensor2D, tf.Tensor1D] => {
      const questions = indices.map((index) => part.questions[index]!);
      // Filled up in front: the LSTM's last state has just read the end of the question.
      const tokens = questions.flatMap(({ words }) => [
        ...Array<number>(longest - words.length).fill(0),
        ...words.map((word) => Math.max(0, vocabulary.indexOf(word))),
      ]);
      return [
        imageBatch(
          part.scenes,
          questions.map(({ scene }) => scene),
        ),
        tf.tensor2d(tokens, [indices.length, longest], 'int32'),
        tf.tensor1d(
          questions.map(({ answer }) => sceneAnswers.indexOf(answer)),
          'int32',
        ),
      ];
    };
    const random = context.random('batches');
    await trainByAdam({
      model,
      loss: (images: tf.Tensor4D, question: tf.Tensor2D, answer: tf.Tensor1D) =>
        crossEntropyLoss(model.forward(images, question), answer),
      batch: (step) => asked(train, drawBatch(random.fork(String(step)), train.questions.length, batchSize)),
      steps,
      learningRate,
      context,
    });

    const answer = compile((images: tf.Tensor4D, question: tf.Tensor2D) =>
      tf.argMax(model.forward(images, question), 1),
    );
    const given: string[] = [];
    for (const indices of inPieces(test.questions.length, 100)) {
      const inputs = asked(test, indices);
      const chosen = await answer(inputs[0], inputs[1]);
      given.push(...[...(await chosen.data())].map((index) => sceneAnswers[index]!));
      tf.dispose([chosen, ...inputs]);
    }
    await answer.dispose();
    model.dispose();
    const share = (questions: readonly SceneQuestion[], right: (question: SceneQuestion) => boolean): number =>
      questions.filter(right).length / questions.length;
    const isRight = (question: SceneQuestion): boolean => given[test.questions.indexOf(question)] === question.answer;
    const accuracy = share(test.questions, isRight);
    const blind = blindAccuracy(train.questions, test.questions);
    const kinds = [...new Set(test.questions.map(kindOf))].toSorted();
    const examples = test.questions.slice(0, 12);
    return {
      metrics: { accuracy, blindAccuracy: blind, gainOverBlind: accuracy - blind },
      drawings: [
        {
          kind: 'bars',
          name: 'answers',
          title: 'Right answers by kind of question',
          y: { label: 'share' },
          groups: kinds.map((kind) => {
            const own = test.questions.filter((question) => kindOf(question) === kind);
            return { name: kind, values: { net: share(own, isRight), blind: blindAccuracy(train.questions, own) } };
          }),
        },
      ],
      notes: examples.map(({ words, answer: truth }, index) => `${words.join(' ')}? ${given[index]} (${truth})`),
    };
  },
});

interface Part {
  scenes: ReturnType<typeof generateScenes>;
  questions: SceneQuestion[];
}
