/** The checks that optimizers and losses make of their options, once, when they are built. */

/** Returns `value` when it is finite and at least 0. */
export function nonNegative(owner: string, name: string, value: number): number {
  if (!Number.isFinite(value) || value < 0) {
    throw new Error(`${owner}: ${name} is ${value}; give a finite number of at least 0.`);
  }
  return value;
}

/** Returns `value` when it is a decay rate: at least 0 and below 1. */
export function decayRate(owner: string, name: string, value: number): number {
  if (!(value >= 0 && value < 1)) {
    throw new Error(`${owner}: ${name} is ${value}; give a number from 0 up to, but not including, 1.`);
  }
  return value;
}
