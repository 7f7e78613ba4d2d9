import { expect, it } from 'vitest';
import { inputConditioning } from '../../src/deep-nets/input-conditioning.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

it('input-conditioning: the rate that the condition number foretells', async () => {
  const outcome = await runQuick(inputConditioning, { count: 300, blocks: 4, steps: 8000 });
  expectClaims(inputConditioning, outcome);
  expect(outcome.metrics['whitenedCondition']).toBeCloseTo(1, 8);
});
