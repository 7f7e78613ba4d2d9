import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  completeConfig,
  finiteNumber,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from '../src/index.ts';

describe('kinds of number', () => {
  it.each([
    ['finiteNumber', finiteNumber, [-1.5, 0, 1e300], [Number.NaN, Infinity, '1', null]],
    ['wholeNumber', wholeNumber, [-3, 0, 7], [0.5, 2 ** 53, Infinity, Number.NaN]],
    ['positiveInteger', positiveInteger, [1, 12], [0, -1, 1.5]],
    ['nonNegativeInteger', nonNegativeInteger, [0, 1], [-1, 0.5]],
    ['positiveNumber', positiveNumber, [1e-12, 3], [0, -1, Infinity]],
    ['nonNegativeNumber', nonNegativeNumber, [0, 0.5], [-1e-9, Infinity]],
    ['fraction', fraction, [0, 0.999], [1, -0.1, Number.NaN]],
  ])('%s accepts its values and no others', (_, schema, good, bad) => {
    for (const value of good) expect(v.parse(schema, value)).toBe(value);
    for (const value of bad) expect(v.safeParse(schema, value).success, String(value)).toBe(false);
  });
});

describe('completeConfig', () => {
  const schema = v.strictObject({
    model: v.optional(
      v.pipe(
        v.strictObject({ features: option(positiveInteger, 12, 'width'), heads: option(positiveInteger, 3, 'heads') }),
        v.forward(
          v.check(
            ({ features, heads }) => features % heads === 0,
            ({ input }) => `${input.features} features do not divide by ${input.heads} heads`,
          ),
          ['features'],
        ),
      ),
      {},
    ),
    name: v.string(),
    kind: option(v.picklist(['a', 'b']), 'a', 'which'),
  });

  it('fills in the defaults', () => {
    const config = completeConfig('Net', schema, { name: 'x', model: { heads: 4 } });
    expect(config).toEqual({ name: 'x', model: { features: 12, heads: 4 }, kind: 'a' });
    const kind: 'a' | 'b' = config.kind;
    expect(kind).toBe('a');
  });

  it.each([
    [{ name: 'x', model: { heads: 5 } }, 'Net: model.features: 12 features do not divide by 5 heads.'],
    [{ name: 'x', model: { heads: 0.5 } }, 'model.heads: Invalid value: Expected a whole number but received 0.5'],
    [{ name: 'x', model: { haeds: 3 } }, 'Net: model.haeds: there is no such key; remove it or correct its name.'],
    [{}, 'Net: name: it is missing; add it.'],
    [{ name: 3, kind: 'c' }, 'kind: Invalid type: Expected ("a" | "b") but received "c"'],
    [7, 'Net: config: Invalid type: Expected Object but received 7.'],
  ])('says of %j what is wrong and where', (options, message) => {
    expect(() => completeConfig('Net', schema, options)).toThrow(message);
  });
});
