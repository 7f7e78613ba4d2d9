/** Grid search: every combination of a few values of each setting. */
import type { Settings, SettingValue, Space, SpaceParameter } from './space.ts';
import { countOf } from './unit-cube.ts';

const MOST_VALUES = 10_000;

/** All points of a grid, by number; the last setting of the space changes fastest. */
export class Grid {
  /** How many points there are: the product of the settings' numbers of values. */
  readonly size: number;
  readonly #axes: { name: string; values: readonly SettingValue[] }[];

  /**
   * @throws when a range says no number of points, or the grid has more points than a number can count
   */
  constructor(space: Space) {
    this.#axes = space.parameters.map((parameter) => ({ name: parameter.name, values: gridValues(parameter) }));
    this.size = this.#axes.reduce((product, { values }) => product * values.length, 1);
    if (!Number.isSafeInteger(this.size)) {
      throw new Error(`grid: ${this.size} combinations are too many; give fewer settings or "points".`);
    }
  }

  /** The settings of point `index`, 0 to size − 1. */
  settings(index: number): Settings {
    const chosen: [string, SettingValue][] = [];
    let rest = index;
    for (const { name, values } of this.#axes.toReversed()) {
      chosen.push([name, values[rest % values.length]!]);
      rest = Math.floor(rest / values.length);
    }
    return Object.fromEntries(chosen.reverse());
  }
}

/**
 * The values of one setting on a grid, ends included: `points` of equal differences (linear) or equal ratios (log), rounded
 * for whole numbers and then each once; all whole numbers and all categories where there is no `points`.
 */
function gridValues(parameter: SpaceParameter): readonly SettingValue[] {
  if (parameter.kind === 'category') return parameter.values;
  const { name, kind, from, to, scale } = parameter;
  if (kind === 'range' && parameter.points === undefined) {
    throw new Error(`grid: ${name} is a range, which has no end of values; add how many to try, "points": 5.`);
  }
  const count = Math.min(parameter.points ?? Infinity, countOf(parameter));
  if (count > MOST_VALUES) {
    throw new Error(`grid: ${name} has ${count} values; add how many to try, "points": 5.`);
  }
  const values = Array.from({ length: count }, (_, index) => {
    // The ends exactly, whatever the rounding between them.
    if (index === 0) return from;
    if (index === count - 1) return to;
    const share = index / (count - 1);
    const value = scale === 'log' ? from * (to / from) ** share : from + share * (to - from);
    return kind === 'integer' ? Math.round(value) : value;
  });
  return [...new Set(values)];
}
