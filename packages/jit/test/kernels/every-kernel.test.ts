/**
 * Every kernel of the table, and its gradient where tfjs has one, against tfjs's cpu engine on random cases.
 *
 * More cases: `MILESTONES_TEST_ROUNDS=200 npx vitest run packages/jit/test/kernels/every-kernel.test.ts`; other ones:
 * `MILESTONES_TEST_SEED=2`. A failure names seed, kernel, shapes and attributes.
 */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
// Programs have these gradients, not tfjs's faulty ones.
import { installGradientRepairs } from '../../../backend/src/repairs/index.ts';
import { plainCpu } from '../../src/graph/target.ts';
import { kernels } from '../../src/kernels/index.ts';
import { Comparison, expectSameAsCpu, expectSameGradientAsCpu, Generator } from './against-cpu.ts';
import { allTargets } from './targets.ts';
import { references } from './fused-references.ts';
import { randomCases } from './random-cases.ts';

const ROUNDS = Number(process.env['MILESTONES_TEST_ROUNDS'] ?? 8);
const SEED = Number(process.env['MILESTONES_TEST_SEED'] ?? 1);
/** So many cases make one graph. */
const BATCH = 20;

/** Kernels that are built differently where there is a blocked layout. */
const withLayouts = new Set([...kernels.keys()].filter((name) => /Conv2d|Conv2D|Pool|BatchNorm|LRN/.test(name)));

const targets = await allTargets();

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
  installGradientRepairs();
});

/** Random cases of a kernel. */
function casesOf(kernel: string, random: Generator, block: number, count: number): Comparison {
  const comparison = new Comparison();
  for (let attempt = 0; comparison.cases.length < count; attempt++) {
    if (attempt > 50 * count) throw new Error(`${kernel}: hardly a random case is one.`);
    const made = randomCases[kernel]!(random, block);
    if (made === undefined) continue;
    comparison.add(kernel, made.operands, made.attributes, made.tolerance, references[kernel]);
  }
  return comparison;
}

/** A seed for each kernel, so that one more kernel leaves the cases of the others as they are. */
const seedOf = (kernel: string): number =>
  [...kernel].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), SEED) % 1e6;

async function inBatches(check: (count: number) => Promise<unknown>): Promise<void> {
  try {
    for (let left = ROUNDS; left > 0; left -= BATCH) await check(Math.min(BATCH, left));
  } catch (error) {
    throw new Error(`seed ${SEED}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

it('has random cases of every kernel, and of no other', () => {
  expect(Object.keys(randomCases).toSorted()).toEqual([...kernels.keys()].toSorted());
});

describe.each(targets)('on $name with blocks of $block', (target) => {
  const names = target === plainCpu || target.name === 'webgpu' ? [...kernels.keys()] : [...withLayouts];
  it.each(names)('%s', async (kernel) => {
    const random = new Generator(seedOf(kernel));
    await inBatches((count) => expectSameAsCpu(casesOf(kernel, random, target.block, count), target));
  });

  const differentiable = names.filter((kernel) => tf.getGradient(kernel) !== undefined);
  it.each(differentiable)('the gradient of %s', async (kernel) => {
    const random = new Generator(seedOf(kernel) + 1);
    let refused = 0;
    await inBatches(async (count) => {
      refused += await expectSameGradientAsCpu(casesOf(kernel, random, target.block, count), random, target);
    });
    // Some of tfjs's gradients throw for sizes of 0, and that of batch norm without a scale.
    expect(refused).toBeLessThan(ROUNDS);
  });
});
