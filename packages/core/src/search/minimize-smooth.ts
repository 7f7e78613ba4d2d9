/**
 * The minimum of a smooth function of a few numbers between bounds: the quasi-Newton method BFGS (Nocedal and Wright 2006,
 * algorithm 6.1) with steps cut off at the bounds and halved until they descend.
 */

/** Where a number must stay. */
export interface Bounds {
  /** The smallest value. */
  readonly from: number;
  /** The largest value. */
  readonly to: number;
}

const ITERATIONS = 40;
const HALVINGS = 12;

/**
 * A local minimum near `start`.
 *
 * @param cost value and gradient at a point
 */
export function minimizeSmooth(
  cost: (point: Float64Array) => { value: number; gradient: Float64Array },
  start: Float64Array,
  bounds: readonly Bounds[],
): { point: Float64Array; value: number } {
  const size = start.length;
  let point = start;
  let { value, gradient } = cost(point);
  let inverseHessian = identity(size, 0.1);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    // At a bound that the descent pushes against, a number stays where it is.
    const free = point.map((number, index) => {
      const { from, to } = bounds[index]!;
      return (number <= from && gradient[index]! > 0) || (number >= to && gradient[index]! < 0) ? 0 : 1;
    });
    const masked = gradient.map((slope, index) => slope * free[index]!);
    if (Math.sqrt(dot(masked, masked)) < 1e-3) break;
    let direction = multiply(inverseHessian, masked).map((step, index) => -step * free[index]!);
    if (dot(direction, masked) >= 0) {
      inverseHessian = identity(size, 0.1);
      direction = masked.map((slope) => -0.1 * slope);
    }
    const next = descend(cost, point, value, masked, direction, bounds);
    if (next === undefined) break;
    const step = next.point.map((number, index) => number - point[index]!);
    const change = next.gradient.map((slope, index) => slope - gradient[index]!);
    const improvement = value - next.value;
    ({ point, value, gradient } = next);
    updateInverse(inverseHessian, step, change);
    if (improvement < 1e-5) break;
  }
  return { point, value };
}

function descend(
  cost: (point: Float64Array) => { value: number; gradient: Float64Array },
  point: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  bounds: readonly Bounds[],
): { point: Float64Array; value: number; gradient: Float64Array } | undefined {
  // On logarithmic scales a step of 2 is a factor of 7: more is a leap of faith.
  let length = Math.min(1, 2 / Math.max(...direction.map(Math.abs)));
  for (let halving = 0; halving < HALVINGS; halving++, length /= 2) {
    const tried = point.map((number, index) => {
      const { from, to } = bounds[index]!;
      return Math.min(Math.max(number + length * direction[index]!, from), to);
    });
    const found = cost(tried);
    const expected = dot(
      gradient,
      tried.map((number, index) => number - point[index]!),
    );
    if (found.value <= value + 1e-4 * expected) return { point: tried, ...found };
  }
  return undefined;
}

/** H ← (I − ρ·s·yᵀ)·H·(I − ρ·y·sᵀ) + ρ·s·sᵀ with ρ = 1/(yᵀs), in place; skipped where the curvature yᵀs is not positive. */
function updateInverse(inverse: Float64Array, step: Float64Array, change: Float64Array): void {
  const curvature = dot(step, change);
  if (!(curvature > 1e-10)) return;
  const size = step.length;
  const product = multiply(inverse, change);
  const factor = (1 + dot(change, product) / curvature) / curvature;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      inverse[row * size + column]! +=
        factor * step[row]! * step[column]! -
        (product[row]! * step[column]! + step[row]! * product[column]!) / curvature;
    }
  }
}

function identity(size: number, diagonal: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? diagonal : 0));
}

function multiply(matrix: Float64Array, vector: Float64Array): Float64Array {
  return vector.map((_, row) => dot(matrix.subarray(row * vector.length, (row + 1) * vector.length), vector));
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index]! * right[index]!;
  return sum;
}
