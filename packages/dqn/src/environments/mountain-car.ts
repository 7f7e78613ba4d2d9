/**
 * Mountain car: a car too weak for the hill must swing to and fro to reach its top. Moore 1990; as in Sutton and Barto 1998,
 * example 8.2, and Gymnasium's MountainCar-v0.
 *
 *     v ← v + 0.001 · (action − 1) − 0.0025 cos 3x        x ← x + v
 */
import type { Random } from '@milestones/core';
import { Canvas, type Picture } from '../picture/picture.ts';
import { SeededEnvironment, type EnvironmentOptions, type Outcome } from './environment.ts';

const [leftEnd, rightEnd] = [-1.2, 0.6];
const goal = 0.5;
const velocityLimit = 0.07;

interface MountainCarGame {
  x: number;
  velocity: number;
}

/** See the file's head. Reward −1 for every move; truncated after 200 moves by default. */
export class MountainCar extends SeededEnvironment<MountainCarGame> {
  readonly name = 'MountainCar';
  readonly space = { shape: [2], type: 'float32' } as const;
  readonly actions = ['drive left', 'roll', 'drive right'];

  constructor(options: EnvironmentOptions = {}) {
    super(options.maximumSteps ?? 200);
  }

  /** @internal */
  protected override begin(random: Random): MountainCarGame {
    return { x: random.uniform() * 0.2 - 0.6, velocity: 0 };
  }

  /** @internal */
  protected override advance(game: MountainCarGame, action: number, _random: Random, outcome: Outcome): void {
    const velocity = game.velocity + 0.001 * (action - 1) - 0.0025 * Math.cos(3 * game.x);
    game.velocity = Math.min(velocityLimit, Math.max(-velocityLimit, velocity));
    game.x = Math.min(rightEnd, Math.max(leftEnd, game.x + game.velocity));
    if (game.x === leftEnd && game.velocity < 0) game.velocity = 0; // The left end is a wall.
    outcome.reward = -1;
    outcome.terminated = game.x >= goal && game.velocity >= 0;
  }

  /** @internal */
  protected override observe({ x, velocity }: MountainCarGame): Float32Array {
    return Float32Array.of(x, velocity);
  }

  /** @internal */
  protected override draw({ x }: MountainCarGame): Picture {
    const canvas = new Canvas(120, 60);
    const column = (place: number): number => ((place - leftEnd) / (rightEnd - leftEnd)) * 118;
    const row = (place: number): number => 32 - 20 * Math.sin(3 * place);
    for (let place = leftEnd; place < rightEnd; place += 0.01) canvas.point(column(place), row(place), [120, 120, 120]);
    canvas.line(column(goal), row(goal), column(goal), row(goal) - 8, [30, 140, 60], 2);
    canvas.disc(column(x), row(x) - 3, 3, [40, 60, 90]);
    return canvas;
  }
}
