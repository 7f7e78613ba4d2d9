/**
 * Breakout on a grid: a paddle keeps a ball in play that takes bricks out of a wall. Reward 1 for each brick.
 *
 * The ball moves one cell diagonally with every move, after the paddle; it starts at a side of row 3. Three rows of
 * bricks; when they are gone and the ball is back at the bottom, there are new ones.
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

const firstBrickRow = 1;
const brickRows = 3;
const bottom = gridSize - 1;

interface BreakoutGame extends GridGame {
  paddle: number;
  row: number;
  column: number;
  /** Where the ball was: its trail. */
  lastRow: number;
  lastColumn: number;
  down: number;
  right: number;
  /** 1 where a brick stands: three rows from row 1 on. */
  bricks: number[];
  bricksLeft: number;
  /** Whether the last move took a brick; the next one then takes none. */
  struck: boolean;
}

/** See the file's head. Planes: paddle, ball, trail, bricks. Truncated after 5,000 moves by default. */
export class Breakout extends GridEnvironment<BreakoutGame> {
  readonly name = 'Breakout';

  constructor(options: GridOptions = {}) {
    const planes = [
      { name: 'paddle', colour: [90, 160, 250] },
      { name: 'ball', colour: [250, 240, 120] },
      { name: 'trail', colour: [110, 105, 60] },
      { name: 'bricks', colour: [200, 90, 60] },
    ] as const;
    super(planes, options, 5000);
  }

  /** @internal */
  protected override begin(random: Random): BreakoutGame {
    const fromLeft = random.uniform() < 0.5;
    const column = fromLeft ? 0 : gridSize - 1;
    return {
      lastAction: 0,
      paddle: 4,
      row: 3,
      column,
      lastRow: 3,
      lastColumn: column,
      down: 1,
      right: fromLeft ? 1 : -1,
      bricks: new Array<number>(brickRows * gridSize).fill(1),
      bricksLeft: brickRows * gridSize,
      struck: false,
    };
  }

  /** @internal */
  protected override move(game: BreakoutGame, action: number, _random: Random, outcome: Outcome): void {
    game.paddle = clamped(game.paddle + columnMove(action));
    game.lastRow = game.row;
    game.lastColumn = game.column;
    const { lastRow, lastColumn } = game;
    let row = lastRow + game.down;
    let column = lastColumn + game.right;
    if (column < 0 || column >= gridSize) {
      column = clamped(column);
      game.right = -game.right;
    }
    if (row < 0) {
      row = 0;
      game.down = -game.down;
    }
    const brick = (row - firstBrickRow) * gridSize + column;
    const strikes = row >= firstBrickRow && game.bricks[brick] === 1 && !game.struck;
    game.struck = strikes;
    if (strikes) {
      outcome.reward = 1;
      game.bricks[brick] = 0;
      game.bricksLeft--;
      row = lastRow;
      game.down = -game.down;
    } else if (row === bottom) {
      if (game.bricksLeft === 0) {
        game.bricks.fill(1);
        game.bricksLeft = brickRows * gridSize;
      }
      if (game.paddle === lastColumn) {
        game.down = -game.down;
        row = lastRow;
      } else if (game.paddle === column) {
        game.down = -game.down;
        game.right = -game.right;
        row = lastRow;
      } else {
        outcome.terminated = true;
      }
    }
    game.row = row;
    game.column = column;
  }

  // The general way, by show(), costs as much as all the rest of a move.
  /** @internal */
  protected override observe(game: BreakoutGame): Uint8Array {
    const cells = this.emptyPlanes();
    const { bricks } = game;
    for (let brick = 0; brick < bricks.length; brick++) {
      cells[(firstBrickRow * gridSize + brick) * 4 + 3] = bricks[brick]!;
    }
    cells[(bottom * gridSize + game.paddle) * 4] = 1;
    cells[(game.row * gridSize + game.column) * 4 + 1] = 1;
    cells[(game.lastRow * gridSize + game.lastColumn) * 4 + 2] = 1;
    return cells;
  }

  /** @internal */
  protected override show({ paddle, row, column, lastRow, lastColumn, bricks }: BreakoutGame, mark: Mark): void {
    mark(bottom, paddle, 0);
    mark(row, column, 1);
    mark(lastRow, lastColumn, 2);
    for (let brick = 0; brick < bricks.length; brick++) {
      if (bricks[brick] === 1) mark(firstBrickRow + Math.floor(brick / gridSize), brick % gridSize, 3);
    }
  }
}
