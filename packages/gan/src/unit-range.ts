/** @throws when a value is not a number from 0 to 1, which is what pixels are here */
export function requireUnitRange(where: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value >= 0 && value <= 1) continue;
    throw new Error(
      `${where}: the value ${value} arrived at place ${index}; pixels are numbers from 0 to 1: divide bytes by 255, and ` +
        'map (−1, 1) by (x + 1) / 2.',
    );
  }
}
