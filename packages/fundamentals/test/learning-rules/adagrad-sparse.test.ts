import { describe, expect, it } from 'vitest';
import { adagradSparse, train } from '../../src/learning-rules/adagrad-sparse.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

describe('adagrad-sparse', () => {
  it('takes a first step of α in every feature that occurs', () => {
    const example = { at: [1], values: [5], label: 1 };
    // θ = 0 costs log 2; after a step of 0.2 the logit is 1.
    const [first, second] = train('adagrad', 0.2, [example], 3, 2);
    expect(first).toBeCloseTo(Math.log(2), 12);
    expect(second).toBeCloseTo(Math.log1p(Math.exp(-1)), 9);
  });

  it('shows that AdaGrad leads on sparse features', async () => {
    expectClaims(adagradSparse, await runQuick(adagradSparse));
  });
});
