/**
 * Asterix on a grid: gather treasure, keep clear of enemies. Both come in from the sides, one at most in each row, and cross
 * the screen; the player moves in the four directions. Reward 1 for each treasure; an enemy ends the episode. Every hundred
 * moves it all gets faster, and the next thing comes sooner.
 */
import type { Random } from '@milestones/core';
import type { Outcome } from '../environment.ts';
import {
  clamped,
  columnMove,
  GridEnvironment,
  gridSize,
  inside,
  rowMove,
  type GridGame,
  type GridOptions,
  type Mark,
} from './grid-environment.ts';

/** Things cross the rows 1 to 8. */
const [firstLane, lastLane] = [1, gridSize - 2];
const treasureProbability = 1 / 3;
const rampEvery = 100;
const fastest = { move: 1, spawn: 4 };

interface Crossing {
  column: number;
  right: number;
  treasure: boolean;
}

interface AsterixGame extends GridGame {
  row: number;
  column: number;
  /** What crosses each row, or null. */
  lanes: (Crossing | null)[];
  /** Moves between two steps of the things, and between two new ones; and what is left of each. */
  moveEvery: number;
  spawnEvery: number;
  moveIn: number;
  spawnIn: number;
  rampIn: number;
}

/** See the file's head. Planes: player, enemies, treasure, trails. Truncated after 5,000 moves by default. */
export class Asterix extends GridEnvironment<AsterixGame> {
  readonly name = 'Asterix';

  constructor(options: GridOptions = {}) {
    const planes = [
      { name: 'player', colour: [90, 160, 250] },
      { name: 'enemies', colour: [220, 70, 70] },
      { name: 'treasure', colour: [250, 220, 90] },
      { name: 'trails', colour: [90, 90, 100] },
    ] as const;
    super(planes, options, 5000);
  }

  /** @internal */
  protected override begin(): AsterixGame {
    return {
      lastAction: 0,
      row: 5,
      column: 5,
      lanes: new Array<Crossing | null>(lastLane - firstLane + 1).fill(null),
      moveEvery: 5,
      spawnEvery: 10,
      moveIn: 5,
      spawnIn: 1,
      rampIn: rampEvery,
    };
  }

  /** @internal */
  protected override move(game: AsterixGame, action: number, random: Random, outcome: Outcome): void {
    if (--game.spawnIn === 0) {
      this.#spawn(game, random);
      game.spawnIn = game.spawnEvery;
    }
    game.row = clamped(game.row + rowMove(action), firstLane, lastLane);
    game.column = clamped(game.column + columnMove(action));
    this.#meet(game, outcome);
    if (--game.moveIn === 0) {
      game.moveIn = game.moveEvery;
      game.lanes.forEach((crossing, lane) => {
        if (crossing === null) return;
        crossing.column += crossing.right;
        if (!inside(lane, crossing.column)) game.lanes[lane] = null;
      });
      this.#meet(game, outcome);
    }
    if (--game.rampIn === 0) {
      game.rampIn = rampEvery;
      if (game.moveEvery > fastest.move) game.moveEvery--;
      if (game.spawnEvery > fastest.spawn) game.spawnEvery--;
    }
  }

  #spawn(game: AsterixGame, random: Random): void {
    const free = game.lanes.flatMap((crossing, lane) => (crossing === null ? [lane] : []));
    if (free.length === 0) return;
    const lane = free[random.integer(free.length)]!;
    const right = random.uniform() < 0.5 ? 1 : -1;
    const treasure = random.uniform() < treasureProbability;
    game.lanes[lane] = { column: right === 1 ? 0 : gridSize - 1, right, treasure };
  }

  #meet(game: AsterixGame, outcome: Outcome): void {
    const lane = game.row - firstLane;
    const met = game.lanes[lane];
    if (met === null || met!.column !== game.column) return;
    if (met!.treasure) outcome.reward += 1;
    else outcome.terminated = true;
    game.lanes[lane] = null;
  }

  /** @internal */
  protected override show({ row, column, lanes }: AsterixGame, mark: Mark): void {
    mark(row, column, 0);
    lanes.forEach((crossing, lane) => {
      if (crossing === null) return;
      mark(lane + firstLane, crossing.column, crossing.treasure ? 2 : 1);
      const behind = crossing.column - crossing.right;
      if (inside(lane, behind)) mark(lane + firstLane, behind, 3);
    });
  }
}
