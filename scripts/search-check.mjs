/**
 * The searches of `@milestones/core/search` on two functions whose minima are known:
 *
 *   node scripts/search-check.mjs              ten seeds of each; a table, and exit status 1 on a miss
 *   node scripts/search-check.mjs --seeds 3    fewer seeds
 *
 * Branin (minimum 5/(4π) = 0.397887): the median best of 50 Bayesian trials must be at most 0.40. Hartmann-6 (minimum
 * −3.32237): that of 100 must be at most −3.2. Random search is held against its expected best.
 */
import { parseArgs } from 'node:util';
import { createSearch, parseSpace } from '../packages/core/dist/search.js';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10' } } });
const seeds = Number(values.seeds);
if (!Number.isInteger(seeds) || seeds < 1) {
  console.error(`search-check: --seeds ${values.seeds} arrived; give a whole number from 1 on.`);
  process.exit(2);
}

const branin = {
  name: 'Branin',
  trials: 50,
  target: 0.4,
  space: parseSpace({ x: { kind: 'range', from: -5, to: 10 }, y: { kind: 'range', from: 0, to: 15 } }),
  value: ({ x, y }) =>
    (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
    10,
};

// Exponents and centres of Hartmann's four Gaussian hills, from the collection of Surjanovic and Bingham.
const HEIGHTS = [1, 1.2, 3, 3.2];
const EXPONENTS = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const CENTRES = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];
const hartmann = {
  name: 'Hartmann-6',
  trials: 100,
  target: -3.2,
  space: parseSpace(
    Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`x${index}`, { kind: 'range', from: 0, to: 1 }])),
  ),
  value: (settings) => {
    const point = Object.values(settings);
    return -HEIGHTS.reduce((sum, height, hill) => {
      const squares = point.map((x, index) => EXPONENTS[hill][index] * (x - CENTRES[hill][index]) ** 2);
      return sum + height * Math.exp(-squares.reduce((total, square) => total + square, 0));
    }, 0);
  },
};

/** The best value after each trial. */
function bestSoFar(kind, { space, value }, trials, seed) {
  const search = createSearch({ kind, space, seed, trials, goal: 'minimize' });
  const history = [];
  let best = Infinity;
  return Array.from({ length: trials }, (_, index) => {
    const settings = search.suggest(history, index);
    history.push({ index, settings, state: 'finished', value: value(settings) });
    best = Math.min(best, history[index].value);
    return best;
  });
}

const seedNumbers = Array.from({ length: seeds }, (_, index) => index + 1);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
function median(numbers) {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

let ok = true;
console.log('function     search  trials  median best      worst   trials to the target (median)  seconds');
for (const problem of [branin, hartmann]) {
  for (const kind of ['bayes', 'random']) {
    const start = performance.now();
    const curves = seedNumbers.map((seed) => bestSoFar(kind, problem, problem.trials, seed));
    const ends = curves.map((curve) => curve.at(-1));
    const needed = median(
      curves.map((curve) => {
        const first = curve.findIndex((best) => best <= problem.target);
        return first < 0 ? Infinity : first + 1;
      }),
    );
    const seconds = (performance.now() - start) / 1000;
    if (kind === 'bayes' && !(median(ends) <= problem.target)) ok = false;
    console.log(
      `${problem.name.padEnd(12)} ${kind.padEnd(7)} ${String(problem.trials).padStart(6)} ${median(ends).toFixed(6).padStart(12)} ` +
        `${Math.max(...ends)
          .toFixed(6)
          .padStart(10)} ${(needed === Infinity ? 'not reached' : String(needed)).padStart(20)} ` +
        `${seconds.toFixed(1).padStart(20)}`,
    );
  }
}

/** The expected best of n random points on Branin, and how far the mean of 400 searches may be from it. */
const EXPECTED = [
  [10, 5.71, 1.2],
  [20, 3.04, 0.6],
  [30, 2.12, 0.4],
  [50, 1.42, 0.25],
  [100, 0.913, 0.12],
  [200, 0.658, 0.07],
];
const curves = Array.from({ length: 400 }, (_, seed) => bestSoFar('random', branin, 200, seed));
console.log('\nBranin, random search, mean best of 400 searches:');
for (const [count, expected, spread] of EXPECTED) {
  const measured = mean(curves.map((curve) => curve[count - 1]));
  if (Math.abs(measured - expected) > spread) ok = false;
  console.log(`  after ${String(count).padStart(3)}  ${measured.toFixed(3)}  (expected ${expected} ± ${spread})`);
}
console.log(ok ? 'ok' : 'FAILED: see the targets in the head of scripts/search-check.mjs');
process.exitCode = ok ? 0 : 1;
