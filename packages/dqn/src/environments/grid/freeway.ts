/**
 * Freeway on a grid: cross eight lanes of cars, from the bottom to the top. Reward 1 for each arrival, after which the cars
 * get new speeds. A car sends the player back to the bottom. The player takes one step in three moves at most. There is no
 * end but the time limit.
 */
import type { Random } from '@milestones/core';
import type { Outcome } from '../environment.ts';
import {
  clamped,
  GridEnvironment,
  gridSize,
  rowMove,
  type GridGame,
  type GridOptions,
  type Mark,
} from './grid-environment.ts';

const column = 4;
const bottom = gridSize - 1;
const lanes = gridSize - 2;
const playerPause = 3;
const slowest = 5;

interface Car {
  column: number;
  right: number;
  /** Moves for each cell. */
  period: number;
  moveIn: number;
}

interface FreewayGame extends GridGame {
  row: number;
  /** Moves until the player may step again. */
  pause: number;
  cars: Car[];
}

/**
 * See the file's head. Planes: player, cars, and five of trails, one for each speed (one to five moves for a cell).
 * Truncated after 2,500 moves by default.
 */
export class Freeway extends GridEnvironment<FreewayGame> {
  readonly name = 'Freeway';

  constructor(options: GridOptions = {}) {
    const trails = Array.from({ length: slowest }, (_, index) => ({
      name: `trails of ${index + 1}`,
      colour: [60 + 20 * index, 60, 60] as const,
    }));
    super(
      [{ name: 'player', colour: [250, 240, 120] }, { name: 'cars', colour: [220, 70, 70] }, ...trails],
      options,
      2500,
    );
  }

  /** @internal */
  protected override begin(random: Random): FreewayGame {
    const cars = Array.from({ length: lanes }, () => newCar(random, random.integer(gridSize)));
    return { lastAction: 0, row: bottom, pause: 0, cars };
  }

  /** @internal */
  protected override move(game: FreewayGame, action: number, random: Random, outcome: Outcome): void {
    if (game.pause > 0) game.pause--;
    const step = rowMove(action);
    if (step !== 0 && game.pause === 0) {
      game.row = clamped(game.row + step);
      game.pause = playerPause;
    }
    if (game.row === 0) {
      outcome.reward = 1;
      game.row = bottom;
      game.cars = game.cars.map((car) => newCar(random, car.column));
    }
    game.cars.forEach((car, lane) => {
      const hit = (): boolean => car.column === column && game.row === lane + 1;
      if (hit()) game.row = bottom;
      if (--car.moveIn > 0) return;
      car.moveIn = car.period;
      car.column = (car.column + car.right + gridSize) % gridSize;
      if (hit()) game.row = bottom;
    });
  }

  /** @internal */
  protected override show({ row, cars }: FreewayGame, mark: Mark): void {
    mark(row, column, 0);
    cars.forEach((car, lane) => {
      mark(lane + 1, car.column, 1);
      mark(lane + 1, (car.column - car.right + gridSize) % gridSize, 1 + car.period);
    });
  }
}

function newCar(random: Random, at: number): Car {
  const period = 1 + random.integer(slowest);
  return { column: at, right: random.uniform() < 0.5 ? 1 : -1, period, moveIn: period };
}
