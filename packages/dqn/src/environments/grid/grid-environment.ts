/**
 * Small games on a grid of 10 × 10 cells. Young and Tian 2019, "MinAtar": Atari's games with the pixels taken out and the
 * decisions left in. An observation has one plane of zeros and ones for each kind of thing. Six actions in every game, of
 * which some do nothing, and "sticky" ones: with probability 0.1 the last action is repeated (Machado et al. 2018).
 *
 * Written from the published descriptions. Breakout follows measured facts of the original to the move, and so do its
 * scores. The descriptions of the other four leave the timing open; the constants are ours, so that their scores compare
 * with each other and not with published ones.
 */
import type { Random } from '@milestones/core';
import { Canvas, type Colour, type Picture } from '../../picture/picture.ts';
import { SeededEnvironment, type EnvironmentOptions, type ObservationSpace, type Outcome } from '../environment.ts';

/** Rows and columns of every grid. */
export const gridSize = 10;

/** What a grid environment can be told. */
export interface GridOptions extends EnvironmentOptions {
  /** Probability that the last action is made in place of the one that is asked for. Default 0.1. */
  stickyProbability?: number;
}

/** The actions of every grid game, by their indices. */
export const gridActions = ['wait', 'left', 'up', 'right', 'down', 'fire'] as const;

/** Name of an action. */
export type GridAction = (typeof gridActions)[number];

const columnsMoved: readonly number[] = [0, -1, 0, 1, 0, 0];
const rowsMoved: readonly number[] = [0, 0, -1, 0, 1, 0];

/** How far an action moves a thing to the right: −1, 0 or 1. */
export function columnMove(action: number): number {
  return columnsMoved[action]!;
}

/** How far an action moves a thing down: −1, 0 or 1. */
export function rowMove(action: number): number {
  return rowsMoved[action]!;
}

/** A coordinate held within the grid, or within narrower bounds. */
export function clamped(value: number, low = 0, high = gridSize - 1): number {
  return value < low ? low : value > high ? high : value;
}

/** Whether a cell lies in the grid. */
export function inside(row: number, column: number): boolean {
  return row >= 0 && row < gridSize && column >= 0 && column < gridSize;
}

/** One kind of thing: a plane of the observation, and its colour in pictures. */
export interface Plane {
  name: string;
  colour: Colour;
}

/** Every game knows the action that was made last. */
export interface GridGame {
  lastAction: number;
}

/** Marks a cell of a plane. */
export type Mark = (row: number, column: number, plane: number) => void;

/** Observations that share one allocation: making an array of 400 bytes takes longer than a move of the game. */
const observationsPerSlab = 64;

/** What the grid games share: sticky actions, planes, pictures. */
export abstract class GridEnvironment<Game extends GridGame> extends SeededEnvironment<Game> {
  readonly actions = gridActions;
  readonly space: ObservationSpace;
  readonly planes: readonly Plane[];
  readonly #stickyProbability: number;
  #slab = new ArrayBuffer(0);
  #slabUsed = 0;

  protected constructor(planes: readonly Plane[], options: GridOptions, maximumSteps: number) {
    super(options.maximumSteps ?? maximumSteps);
    const { stickyProbability = 0.1 } = options;
    if (!(stickyProbability >= 0 && stickyProbability < 1)) {
      throw new Error(
        `grid environment: stickyProbability ${stickyProbability} arrived; give a number from 0 to below 1.`,
      );
    }
    this.#stickyProbability = stickyProbability;
    this.planes = planes;
    this.space = { shape: [gridSize, gridSize, planes.length], type: 'uint8' };
  }

  /** Makes the move `action`, which is the one that counts. */
  protected abstract move(game: Game, action: number, random: Random, outcome: Outcome): void;
  /** Marks everything that is to be seen. */
  protected abstract show(game: Game, mark: Mark): void;

  /** @internal */
  protected override advance(game: Game, action: number, random: Random, outcome: Outcome): void {
    const repeated = this.#stickyProbability > 0 && random.uniform() < this.#stickyProbability;
    if (!repeated) game.lastAction = action;
    this.move(game, game.lastAction, random, outcome);
  }

  /** @internal */
  protected override observe(game: Game): Uint8Array {
    const P = this.planes.length;
    const cells = this.emptyPlanes();
    this.show(game, (row, column, plane) => {
      cells[(row * gridSize + column) * P + plane] = 1;
    });
    return cells;
  }

  /** Zeros, [10, 10, planes]. */
  protected emptyPlanes(): Uint8Array {
    const size = gridSize * gridSize * this.planes.length;
    if (this.#slabUsed + size > this.#slab.byteLength) {
      this.#slab = new ArrayBuffer(size * observationsPerSlab);
      this.#slabUsed = 0;
    }
    const cells = new Uint8Array(this.#slab, this.#slabUsed, size);
    this.#slabUsed += size;
    return cells;
  }

  /** @internal */
  protected override draw(game: Game): Picture {
    const canvas = new Canvas(gridSize, gridSize, [16, 18, 24]);
    // Later planes lie below earlier ones: the player is always to be seen.
    const order: [number, number, number][] = [];
    this.show(game, (row, column, plane) => order.push([row, column, plane]));
    order.sort((left, right) => right[2] - left[2]);
    for (const [row, column, plane] of order) canvas.point(column, row, this.planes[plane]!.colour);
    return canvas;
  }
}
