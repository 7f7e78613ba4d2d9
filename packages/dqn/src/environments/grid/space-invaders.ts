/**
 * Space Invaders on a grid: a cannon shoots at aliens that march from side to side, come one row down at each turn, and
 * shoot back. Reward 1 for each alien. A bullet or an alien that meets the cannon ends the episode, and so does an alien
 * at the bottom. The fewer aliens are left, the faster they march, and each new wave is a little faster from the start.
 */
import type { Random } from '@milestones/core';
import type { Outcome } from '../environment.ts';
import {
  clamped,
  columnMove,
  GridEnvironment,
  gridSize,
  type GridGame,
  type GridOptions,
  type Mark,
} from './grid-environment.ts';

const bottom = gridSize - 1;
const wave = { rows: 4, columns: 6, firstColumn: 2 };
const slowestMarch = 12;
const fastestWave = 6;
const cannonPause = 5;
const alienShotEvery = 10;
const fire = 5;

interface SpaceInvadersGame extends GridGame {
  cannon: number;
  /** 1 where an alien is, by cell of the grid. */
  aliens: number[];
  right: number;
  marchIn: number;
  /** Moves between two steps of a whole wave. */
  marchEvery: number;
  ownBullets: [row: number, column: number][];
  theirBullets: [row: number, column: number][];
  cannonReadyIn: number;
  alienShotIn: number;
}

/**
 * See the file's head. Planes: cannon, aliens, aliens marching left, aliens marching right, own bullets, their bullets.
 * Truncated after 5,000 moves by default.
 */
export class SpaceInvaders extends GridEnvironment<SpaceInvadersGame> {
  readonly name = 'SpaceInvaders';

  constructor(options: GridOptions = {}) {
    const planes = [
      { name: 'cannon', colour: [90, 160, 250] },
      { name: 'aliens', colour: [120, 210, 110] },
      { name: 'marching left', colour: [120, 210, 110] },
      { name: 'marching right', colour: [120, 210, 110] },
      { name: 'own bullets', colour: [250, 240, 120] },
      { name: 'their bullets', colour: [220, 70, 70] },
    ] as const;
    super(planes, options, 5000);
  }

  /** @internal */
  protected override begin(): SpaceInvadersGame {
    return {
      lastAction: 0,
      cannon: 5,
      aliens: newWave(),
      right: -1,
      marchIn: slowestMarch,
      marchEvery: slowestMarch,
      ownBullets: [],
      theirBullets: [],
      cannonReadyIn: 0,
      alienShotIn: alienShotEvery,
    };
  }

  /** @internal */
  protected override move(game: SpaceInvadersGame, action: number, _random: Random, outcome: Outcome): void {
    if (game.cannonReadyIn > 0) game.cannonReadyIn--;
    game.cannon = clamped(game.cannon + columnMove(action));
    if (action === fire && game.cannonReadyIn === 0) {
      game.ownBullets.push([bottom, game.cannon]);
      game.cannonReadyIn = cannonPause;
    }
    game.ownBullets = game.ownBullets
      .map(([row, column]) => [row - 1, column] as [number, number])
      .filter(([row]) => row >= 0);
    this.#strike(game, outcome);
    game.theirBullets = game.theirBullets
      .map(([row, column]) => [row + 1, column] as [number, number])
      .filter(([row]) => row <= bottom);
    if (--game.marchIn <= 0) {
      this.#march(game);
      game.marchIn = Math.min(game.marchEvery, Math.max(1, countOf(game.aliens)));
      this.#strike(game, outcome);
    }
    if (--game.alienShotIn === 0) {
      this.#shoot(game);
      game.alienShotIn = alienShotEvery;
    }
    const hit = game.theirBullets.some(([row, column]) => row === bottom && column === game.cannon);
    outcome.terminated = hit || game.aliens.lastIndexOf(1) >= bottom * gridSize;
    if (!outcome.terminated && countOf(game.aliens) === 0) {
      game.marchEvery = Math.max(fastestWave, game.marchEvery - 1);
      game.marchIn = game.marchEvery;
      game.aliens = newWave();
    }
  }

  /** Takes the aliens that a bullet has reached, and the bullets. */
  #strike(game: SpaceInvadersGame, outcome: Outcome): void {
    game.ownBullets = game.ownBullets.filter(([row, column]) => {
      const cell = row * gridSize + column;
      if (game.aliens[cell] !== 1) return true;
      game.aliens[cell] = 0;
      outcome.reward += 1;
      return false;
    });
  }

  #march(game: SpaceInvadersGame): void {
    const edge = game.right === 1 ? gridSize - 1 : 0;
    const turns = game.aliens.some((alien, cell) => alien === 1 && cell % gridSize === edge);
    if (turns) game.right = -game.right;
    const by = turns ? gridSize : game.right;
    const marched = new Array<number>(game.aliens.length).fill(0);
    game.aliens.forEach((alien, cell) => {
      if (alien === 1) marched[Math.min(marched.length - 1, cell + by)] = 1;
    });
    game.aliens = marched;
  }

  /** The lowest alien of the column nearest to the cannon shoots. */
  #shoot(game: SpaceInvadersGame): void {
    const from = game.aliens.reduce((best, alien, cell) => {
      if (alien !== 1) return best;
      const distance = (other: number): number => Math.abs((other % gridSize) - game.cannon);
      return best < 0 || distance(cell) <= distance(best) ? cell : best; // Later cells lie lower.
    }, -1);
    if (from >= 0) game.theirBullets.push([Math.floor(from / gridSize), from % gridSize]);
  }

  /** @internal */
  protected override show(game: SpaceInvadersGame, mark: Mark): void {
    mark(bottom, game.cannon, 0);
    game.aliens.forEach((alien, cell) => {
      if (alien !== 1) return;
      const [row, column] = [Math.floor(cell / gridSize), cell % gridSize];
      mark(row, column, 1);
      mark(row, column, game.right === 1 ? 3 : 2);
    });
    for (const [row, column] of game.ownBullets) mark(row, column, 4);
    for (const [row, column] of game.theirBullets) mark(row, column, 5);
  }
}

function newWave(): number[] {
  return Array.from({ length: gridSize * gridSize }, (_, cell) => {
    const [row, column] = [Math.floor(cell / gridSize), (cell % gridSize) - wave.firstColumn];
    return row < wave.rows && column >= 0 && column < wave.columns ? 1 : 0;
  });
}

function countOf(aliens: readonly number[]): number {
  let count = 0;
  for (const alien of aliens) count += alien;
  return count;
}
