/**
 * Every space as a unit cube, one coordinate for each setting, so that searches and models see neither units nor logarithms.
 * Whole numbers and categories own an interval of their coordinate each; its middle stands for them.
 */
import type { IntegerParameter, RangeParameter, SettingValue, Settings, Space, SpaceParameter } from './space.ts';

/**
 * The settings at a point of the unit cube.
 *
 * @param point a number from 0 to 1 for each setting of the space, in its order
 */
export function settingsAt(space: Space, point: ArrayLike<number>): Settings {
  return Object.fromEntries(
    space.parameters.map((parameter, index) => [parameter.name, valueAt(parameter, point[index]!)]),
  );
}

/**
 * The point of the unit cube that stands for settings.
 *
 * @throws when a setting is missing or not of its parameter's values
 */
export function pointOf(space: Space, settings: Settings): Float64Array {
  return Float64Array.from(space.parameters, (parameter) => coordinateOf(parameter, settings[parameter.name]));
}

/** The value of a setting at a coordinate from 0 to 1. */
export function valueAt(parameter: SpaceParameter, coordinate: number): SettingValue {
  if (parameter.kind === 'category') {
    return parameter.values[Math.min(Math.floor(coordinate * parameter.values.length), parameter.values.length - 1)]!;
  }
  const [low, high] = ends(parameter);
  const position = low + coordinate * (high - low);
  const value = parameter.scale === 'log' ? Math.exp(position) : position;
  // Rounding may leave a value a hair outside.
  return Math.min(Math.max(parameter.kind === 'integer' ? Math.round(value) : value, parameter.from), parameter.to);
}

/**
 * How many values a setting has, Infinity for a range.
 */
export function countOf(parameter: SpaceParameter): number {
  if (parameter.kind === 'category') return parameter.values.length;
  return parameter.kind === 'integer' ? parameter.to - parameter.from + 1 : Infinity;
}

function coordinateOf(parameter: SpaceParameter, value: SettingValue | undefined): number {
  if (parameter.kind === 'category') {
    const index = parameter.values.indexOf(value!);
    if (index < 0) refuse(parameter, value, `one of ${JSON.stringify(parameter.values)}`);
    return (index + 0.5) / parameter.values.length;
  }
  const whole = parameter.kind === 'integer';
  if (
    typeof value !== 'number' ||
    !(value >= parameter.from && value <= parameter.to) ||
    (whole && !Number.isInteger(value))
  ) {
    refuse(parameter, value, `a ${whole ? 'whole ' : ''}number from ${parameter.from} to ${parameter.to}`);
  }
  const [low, high] = ends(parameter);
  const position = parameter.scale === 'log' ? Math.log(value) : value;
  return Math.min(Math.max((position - low) / (high - low), 0), 1);
}

function refuse(parameter: SpaceParameter, value: SettingValue | undefined, wanted: string): never {
  const arrived = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
  throw new Error(`search: a trial's ${parameter.name} ${arrived}; the space wants ${wanted}.`);
}

// A whole number k owns the interval from k − ½ to k + ½, so that the outermost ones are drawn as often as the others.
function ends({ kind, from, to, scale }: RangeParameter | IntegerParameter): [number, number] {
  const half = kind === 'integer' ? 0.5 : 0;
  return scale === 'log' ? [Math.log(from - half), Math.log(to + half)] : [from - half, to + half];
}
