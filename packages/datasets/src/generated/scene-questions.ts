/** Questions about generated scenes, whose answers follow from what is known about the scene. */
import { Random } from '@milestones/core';
import { sceneColors, type SceneObject, type SceneSet, sceneShapes } from './scenes.ts';

/** One question. */
export interface SceneQuestion {
  /** Index of the scene. */
  readonly scene: number;
  /** Lower case, without a question mark. */
  readonly words: readonly string[];
  /** One of {@link sceneAnswers}. */
  readonly answer: string;
}

/** All answers there are. */
export const sceneAnswers: readonly string[] = [
  ...sceneColors,
  ...sceneShapes,
  'one',
  'two',
  'three',
  'four',
  'yes',
  'no',
];

const numbers = ['none', 'one', 'two', 'three', 'four'];

/** A way to ask; undefined where the scene gives no single answer. */
type Ask = (objects: readonly SceneObject[], random: Random) => [question: string, answer: string] | undefined;

const chosen = <Item>(items: readonly Item[], random: Random): Item => items[random.integer(items.length)]!;

/** The objects that share `key` with no other. */
const unique = (objects: readonly SceneObject[], key: 'shape' | 'color'): SceneObject[] =>
  objects.filter((object) => objects.filter((other) => other[key] === object[key]).length === 1);

const ways: readonly Ask[] = [
  (objects, random) => {
    const known = unique(objects, 'shape');
    if (known.length === 0) return undefined;
    const { shape, color } = chosen(known, random);
    return [`what colour is the ${sceneShapes[shape]}`, sceneColors[color]!];
  },
  (objects, random) => {
    const known = unique(objects, 'color');
    if (known.length === 0) return undefined;
    const { shape, color } = chosen(known, random);
    return [`what shape is the ${sceneColors[color]} thing`, sceneShapes[shape]!];
  },
  (objects) => ['how many things are there', numbers[objects.length]!],
  (objects, random) => {
    // Half of the questions name what is there, so that "no" is not the better guess.
    const there = random.uniform() < 0.5;
    for (;;) {
      const { shape, color } = there
        ? chosen(objects, random)
        : { shape: random.integer(sceneShapes.length), color: random.integer(sceneColors.length) };
      const found = objects.some((object) => object.shape === shape && object.color === color);
      if (found === there) return [`is there a ${sceneColors[color]} ${sceneShapes[shape]}`, there ? 'yes' : 'no'];
    }
  },
  (objects, random) => {
    const known = unique(objects, 'shape');
    if (known.length < 2) return undefined;
    const first = chosen(known, random);
    const second = chosen(
      known.filter((object) => object !== first),
      random,
    );
    const left = first.center[0] < second.center[0];
    return [`is the ${sceneShapes[first.shape]} left of the ${sceneShapes[second.shape]}`, left ? 'yes' : 'no'];
  },
];

/**
 * Questions about colours, shapes, numbers, presence and places; of those that a scene answers, each kind is equally likely.
 *
 * @param perScene how many about each scene, default 1
 */
export function askAboutScenes(
  { objects }: SceneSet,
  options: { seed?: number; perScene?: number } = {},
): SceneQuestion[] {
  const { seed = 1, perScene = 1 } = options;
  if (!Number.isSafeInteger(perScene) || perScene < 1) {
    throw new Error(
      `askAboutScenes: ${perScene} questions for each scene were asked for; give a whole number from 1 on.`,
    );
  }
  const random = new Random(seed, 'scene questions');
  return objects.flatMap((own, scene) => {
    const stream = random.fork(String(scene));
    return Array.from({ length: perScene }, () => {
      for (;;) {
        const asked = chosen(ways, stream)(own, stream);
        if (asked !== undefined) return { scene, words: asked[0].split(' '), answer: asked[1] };
      }
    });
  });
}
