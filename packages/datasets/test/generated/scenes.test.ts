import { describe, expect, it } from 'vitest';
import { askAboutScenes, generateScenes, sceneAnswers, sceneColors, sceneShapes } from '../../src/index.ts';

const scenes = generateScenes({ count: 200, seed: 3 });
const pixels = scenes.size ** 2;

describe('generated scenes', () => {
  it('depend on the seed and the part alone, scene by scene', () => {
    const fewer = generateScenes({ count: 5, seed: 3 });
    expect(fewer.images).toEqual(scenes.images.subarray(0, 5 * pixels * 3));
    expect(fewer.masks).toEqual(scenes.masks.subarray(0, 5 * pixels));
    expect(fewer.objects).toEqual(scenes.objects.slice(0, 5));
    expect(generateScenes({ count: 5, seed: 4 }).images).not.toEqual(fewer.images);
    expect(generateScenes({ count: 5, seed: 3, part: 'test' }).images).not.toEqual(fewer.images);
  });

  it('have as many shapes as asked for, all numbers, shapes and colours about equally often', () => {
    const numbers = [0, 0, 0, 0];
    for (const objects of scenes.objects) numbers[objects.length]!++;
    expect(numbers[0]).toBe(0);
    for (const count of numbers.slice(1)) expect(count).toBeGreaterThan(40);
    const all = scenes.objects.flat();
    for (const [index] of sceneShapes.entries()) {
      expect(all.filter(({ shape }) => shape === index).length / all.length).toBeCloseTo(0.25, 1);
      expect(all.filter(({ color }) => color === index).length / all.length).toBeCloseTo(0.25, 1);
    }
    expect(generateScenes({ count: 9, objects: [4, 4], size: 24 }).objects.every(({ length }) => length === 4)).toBe(
      true,
    );
  });

  it('label the pixels in each box, on its border too, and no others', () => {
    for (const [scene, objects] of scenes.objects.entries()) {
      const mask = scenes.masks.subarray(scene * pixels, (scene + 1) * pixels);
      const rest = mask.slice();
      for (const { shape, box, center } of objects) {
        const [left, top, right, bottom] = box;
        expect(center[0] > left && center[0] < right && center[1] > top && center[1] < bottom).toBe(true);
        const counts = { left: 0, top: 0, right: 0, bottom: 0 };
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            if (mask[y * scenes.size + x] !== shape + 1) continue;
            rest[y * scenes.size + x] = 0;
            counts.left += Number(x === left);
            counts.right += Number(x === right - 1);
            counts.top += Number(y === top);
            counts.bottom += Number(y === bottom - 1);
          }
        }
        expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
      }
      expect(Math.max(...rest)).toBe(0);
    }
  });

  it('paint a shape in its colour on a ground of grey', () => {
    const { shape, center } = scenes.objects[0]![0]!;
    expect(sceneShapes[shape]).toBeDefined();
    for (const [scene, objects] of scenes.objects.slice(0, 40).entries()) {
      const named = objects.find(
        (object) => sceneColors[object.color] === 'red' && sceneShapes[object.shape] !== 'plus',
      );
      const [x, y] = (named?.center ?? center).map(Math.floor) as [number, number];
      const at = (scene * pixels + y * scenes.size + x) * 3;
      const redness = scenes.images[at]! - scenes.images[at + 2]!;
      expect(named === undefined || redness > 80).toBe(true);
    }
    const ground = scenes.masks.findIndex((label) => label === 0) * 3;
    expect(Math.abs(scenes.images[ground]! - scenes.images[ground + 1]!)).toBeLessThan(60);
  });

  it('refuses what it cannot draw', () => {
    expect(() => generateScenes({ count: 0 })).toThrow('0 scenes of 32 pixels were asked for');
    expect(() => generateScenes({ count: 1, size: 8 })).toThrow('a size from 16 to 512');
    expect(() => generateScenes({ count: 1, objects: [2, 5] })).toThrow('2 to 5 shapes');
    expect(() => generateScenes({ count: 1, part: 'valid' as 'test' })).toThrow('the part "valid"');
  });
});

describe('questions about scenes', () => {
  const questions = askAboutScenes(scenes, { seed: 5, perScene: 8 });

  it('depend on the seed alone, and have a known answer each', () => {
    expect(questions).toHaveLength(1600);
    expect(askAboutScenes(scenes, { seed: 5, perScene: 8 })).toEqual(questions);
    expect(askAboutScenes(scenes, { seed: 6, perScene: 8 })).not.toEqual(questions);
    for (const { answer } of questions) expect(sceneAnswers).toContain(answer);
    expect(new Set(questions.map(({ words }) => words[0] + words[1]!)).size).toBe(5);
  });

  it('are answered by the scene', () => {
    for (const { scene, words, answer } of questions) {
      const objects = scenes.objects[scene]!.map(({ shape, color, center }) => ({
        shape: sceneShapes[shape]!,
        color: sceneColors[color]!,
        x: center[0],
      }));
      const of = (word: string) => objects.find(({ shape, color }) => shape === word || color === word)!;
      const [first, second] = words;
      const truth =
        first === 'how'
          ? ['none', 'one', 'two', 'three'][objects.length]
          : second === 'colour'
            ? of(words.at(-1)!).color
            : second === 'shape'
              ? of(words[4]!).shape
              : second === 'there'
                ? objects.some(({ shape, color }) => shape === words[4] && color === words[3])
                : of(words[2]!).x < of(words[6]!).x;
      expect(answer).toBe(typeof truth === 'boolean' ? (truth ? 'yes' : 'no') : truth);
    }
  });

  it('say yes and no equally often to presence', () => {
    const presence = questions.filter(({ words }) => words[1] === 'there');
    const yes = presence.filter(({ answer }) => answer === 'yes').length;
    expect(yes / presence.length).toBeCloseTo(0.5, 1);
    expect(() => askAboutScenes(scenes, { perScene: 0 })).toThrow('0 questions for each scene');
  });
});
