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

/** The flag that continues a run at a third of its learning rate, as far as the configuration tells its name. */
export function lowerLearningRate(config: unknown): string {
  const found = findLearningRateKey(config);
  if (found === undefined) return '--set <learning rate key>=<smaller value>';
  return `--set ${found.key}=${Number((found.value / 3).toPrecision(2))}`;
}

/** The first key of a configuration that is called learningRate (or ends so), with its value. */
function findLearningRateKey(config: unknown, path = ''): { key: string; value: number } | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  for (const [name, value] of Object.entries(config)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'number' && /learningRate$/i.test(name)) return { key, value };
    const found = findLearningRateKey(value, key);
    if (found) return found;
  }
  return undefined;
}
