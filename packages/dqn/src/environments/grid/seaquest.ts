/**
 * Seaquest on a grid: a submarine shoots enemy submarines and fish, gathers divers, and comes up for air. Reward 1 for each
 * enemy. At the surface one diver leaves the boat, or, when it is full with six, all do, for a reward of one for each cell
 * of air left; the air is then full again. To surface without a diver, to run out of air, or to meet an enemy or its
 * bullet ends the episode. With every surfacing enemies come sooner and move faster.
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

/** Row 0 is the surface, row 9 shows the gauges. */
const [firstRow, lastRow] = [1, gridSize - 2];
const gauges = gridSize - 1;
const fullAir = 200;
const room = 6;
const shotPause = 5;
const enemyShotEvery = 10;
const diverEvery = 30;
const diverPeriod = 5;
const fire = 5;
const start = { period: 5, spawnEvery: 20 };
const fastest = { period: 2, spawnEvery: 5 };

interface Swimmer {
  row: number;
  column: number;
  right: number;
  moveIn: number;
  /** Submarines only: moves until the next shot; 0 for fish and divers. */
  shotIn: number;
}

interface SeaquestGame extends GridGame {
  row: number;
  column: number;
  right: number;
  air: number;
  diversAboard: number;
  readyIn: number;
  enemies: Swimmer[];
  divers: Swimmer[];
  bullets: [row: number, column: number, right: number][];
  enemyBullets: [row: number, column: number, right: number][];
  period: number;
  spawnEvery: number;
  spawnIn: number;
  diverIn: number;
  atSurface: boolean;
}

/**
 * See the file's head. Planes: bow, stern, own bullets, enemy bullets, fish, submarines, divers, trails, air, divers
 * aboard. Truncated after 5,000 moves by default.
 */
export class Seaquest extends GridEnvironment<SeaquestGame> {
  readonly name = 'Seaquest';

  constructor(options: GridOptions = {}) {
    const planes = [
      { name: 'bow', colour: [90, 160, 250] },
      { name: 'stern', colour: [60, 110, 190] },
      { name: 'own bullets', colour: [250, 240, 120] },
      { name: 'enemy bullets', colour: [250, 150, 60] },
      { name: 'fish', colour: [120, 210, 110] },
      { name: 'submarines', colour: [220, 70, 70] },
      { name: 'divers', colour: [230, 230, 230] },
      { name: 'trails', colour: [70, 70, 80] },
      { name: 'air', colour: [110, 200, 220] },
      { name: 'divers aboard', colour: [200, 200, 200] },
    ] as const;
    super(planes, options, 5000);
  }

  /** @internal */
  protected override begin(): SeaquestGame {
    return {
      lastAction: 0,
      row: firstRow,
      column: 5,
      right: 1,
      air: fullAir,
      diversAboard: 0,
      readyIn: 0,
      enemies: [],
      divers: [],
      bullets: [],
      enemyBullets: [],
      period: start.period,
      spawnEvery: start.spawnEvery,
      spawnIn: start.spawnEvery,
      diverIn: diverEvery,
      atSurface: false,
    };
  }

  /** @internal */
  protected override move(game: SeaquestGame, action: number, random: Random, outcome: Outcome): void {
    this.#steer(game, action);
    this.#fly(game, outcome);
    this.#swim(game, outcome);
    this.#spawn(game, random);
    const aboard = game.divers.filter(({ row, column }) => game.diversAboard < room && isAt(game, row, column));
    if (aboard.length > 0) {
      game.diversAboard += aboard.length;
      game.divers = game.divers.filter((diver) => !aboard.includes(diver));
    }
    this.#breathe(game, outcome);
    if (game.enemies.some(({ row, column }) => isAt(game, row, column))) outcome.terminated = true;
    if (game.enemyBullets.some(([row, column]) => isAt(game, row, column))) outcome.terminated = true;
  }

  #steer(game: SeaquestGame, action: number): void {
    const right = columnMove(action);
    if (right !== 0) game.right = right;
    game.column = clamped(game.column + right);
    game.row = clamped(game.row + rowMove(action), 0, lastRow);
    if (game.readyIn > 0) game.readyIn--;
    if (action === fire && game.readyIn === 0) {
      game.bullets.push([game.row, game.column, game.right]);
      game.readyIn = shotPause;
    }
  }

  /** Moves all bullets, and takes what ours have hit. */
  #fly(game: SeaquestGame, outcome: Outcome): void {
    const flown = (bullets: SeaquestGame['bullets']): SeaquestGame['bullets'] =>
      bullets
        .map(([row, column, right]) => [row, column + right, right] as [number, number, number])
        .filter(([row, column]) => inside(row, column));
    game.bullets = flown(game.bullets);
    game.enemyBullets = flown(game.enemyBullets);
    this.#strike(game, outcome);
  }

  #strike(game: SeaquestGame, outcome: Outcome): void {
    game.bullets = game.bullets.filter(([row, column]) => {
      const hit = game.enemies.findIndex((enemy) => enemy.row === row && enemy.column === column);
      if (hit < 0) return true;
      game.enemies.splice(hit, 1);
      outcome.reward += 1;
      return false;
    });
  }

  #swim(game: SeaquestGame, outcome: Outcome): void {
    const swum = (swimmers: Swimmer[], period: number): Swimmer[] =>
      swimmers.filter((swimmer) => {
        if (--swimmer.moveIn > 0) return true;
        swimmer.moveIn = period;
        swimmer.column += swimmer.right;
        return inside(swimmer.row, swimmer.column);
      });
    game.enemies = swum(game.enemies, game.period);
    game.divers = swum(game.divers, diverPeriod);
    this.#strike(game, outcome);
    for (const enemy of game.enemies) {
      if (enemy.shotIn === 0 || --enemy.shotIn > 0) continue;
      enemy.shotIn = enemyShotEvery;
      const column = enemy.column + enemy.right;
      if (inside(enemy.row, column)) game.enemyBullets.push([enemy.row, column, enemy.right]);
    }
  }

  #spawn(game: SeaquestGame, random: Random): void {
    const swimmer = (period: number, shotIn: number): Swimmer => {
      const right = random.uniform() < 0.5 ? 1 : -1;
      const row = firstRow + 1 + random.integer(lastRow - firstRow);
      return { row, column: right === 1 ? 0 : gridSize - 1, right, moveIn: period, shotIn };
    };
    if (--game.spawnIn <= 0) {
      game.spawnIn = game.spawnEvery;
      game.enemies.push(swimmer(game.period, random.uniform() < 1 / 3 ? enemyShotEvery : 0));
    }
    if (--game.diverIn <= 0) {
      game.diverIn = diverEvery;
      game.divers.push(swimmer(diverPeriod, 0));
    }
  }

  #breathe(game: SeaquestGame, outcome: Outcome): void {
    if (game.row > 0) {
      game.atSurface = false;
      if (--game.air <= 0) outcome.terminated = true;
      return;
    }
    if (game.atSurface) return;
    game.atSurface = true;
    if (game.diversAboard === 0) {
      outcome.terminated = true;
      return;
    }
    if (game.diversAboard === room) {
      outcome.reward += airCells(game.air);
      game.diversAboard = 0;
    } else {
      game.diversAboard--;
    }
    game.air = fullAir;
    game.period = Math.max(fastest.period, game.period - 1);
    game.spawnEvery = Math.max(fastest.spawnEvery, game.spawnEvery - 2);
  }

  /** @internal */
  protected override show(game: SeaquestGame, mark: Mark): void {
    mark(game.row, game.column, 0);
    const stern = game.column - game.right;
    if (inside(game.row, stern)) mark(game.row, stern, 1);
    for (const [row, column] of game.bullets) mark(row, column, 2);
    for (const [row, column] of game.enemyBullets) mark(row, column, 3);
    const swimmer = ({ row, column, right }: Swimmer, plane: number): void => {
      mark(row, column, plane);
      if (inside(row, column - right)) mark(row, column - right, 7);
    };
    for (const enemy of game.enemies) swimmer(enemy, enemy.shotIn > 0 ? 5 : 4);
    for (const diver of game.divers) swimmer(diver, 6);
    for (let cell = 0; cell < airCells(game.air); cell++) mark(gauges, cell, 8);
    for (let cell = 0; cell < game.diversAboard; cell++) mark(gauges, gridSize - 1 - cell, 9);
  }
}

/** Cells of the gauge for the air; four columns, the others belong to the divers. */
function airCells(air: number): number {
  return Math.ceil((4 * Math.max(0, air)) / fullAir);
}

/** The boat is its bow and the cell behind it. */
function isAt(game: SeaquestGame, row: number, column: number): boolean {
  return game.row === row && (game.column === column || game.column - game.right === column);
}
