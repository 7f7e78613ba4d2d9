/** The guard against a run that goes on with NaN or infinite numbers. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';
  readonly step: number;
  /** The names of the values that were not finite, and what they were. */
  readonly values: Readonly<Record<string, number>>;

  constructor(step: number, values: Readonly<Record<string, number>>, advice: string) {
    const list = Object.entries(values).map(([name, value]) => `${name} is ${value}`);
    super(`step ${step}: ${list.join(', ')}; ${advice}`);
    this.step = step;
    this.values = values;
  }
}

/** The values among the given ones that are NaN or infinite; undefined where all is well. */
export function findNotFinite(values: Readonly<Record<string, number>>): Record<string, number> | undefined {
  const bad = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
  return bad.length === 0 ? undefined : Object.fromEntries(bad);
}
