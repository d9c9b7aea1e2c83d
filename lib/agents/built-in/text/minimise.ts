/**
 * Minimises a smooth function of many numbers by L-BFGS: steps along the gradient, bent by what the last few steps taught about the
 * curvature. Deterministic. Finds the minimum of a convex function.
 * Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 (two loops) and 3.1 (backtracking, c = 1e-4).
 */

/** Value of the function at `point`; writes its gradient into `gradient`. May give the event loop a turn. */
export type Objective = (point: Float64Array, gradient: Float64Array) => Promise<number>;

export interface MinimiseOptions {
  /** Ends when no element of the gradient is larger than this. */
  tolerance: number;
  maxIterations: number;
}

const MEMORY = 8;
const SUFFICIENT_DECREASE = 1e-4;
const MAX_HALVINGS = 30;

interface Step {
  move: Float64Array;
  change: Float64Array;
  /** 1 / (move · change). */
  inverse: number;
}

/** Moves `point` to the minimum, in place; resolves with the number of steps. Rejects with what the objective rejects with. */
export async function minimise(point: Float64Array, objective: Objective, options: MinimiseOptions): Promise<number> {
  const gradient = new Float64Array(point.length);
  let value = await objective(point, gradient);
  const steps: Step[] = [];
  const next = new Float64Array(point.length);
  const nextGradient = new Float64Array(point.length);
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    if (largest(gradient) <= options.tolerance) return iteration;
    const direction = directionOf(gradient, steps);
    const slope = product(direction, gradient);
    // Without history the gradient's length says nothing about a good step.
    let stride = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(product(gradient, gradient))) : 1;
    let nextValue = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings < MAX_HALVINGS; halvings++) {
      for (let i = 0; i < point.length; i++) next[i] = point[i]! + stride * direction[i]!;
      nextValue = await objective(next, nextGradient);
      if (nextValue <= value + SUFFICIENT_DECREASE * stride * slope) break;
      stride /= 2;
    }
    // No step goes down any more: the numbers' own precision is reached.
    if (halvings === MAX_HALVINGS) return iteration;
    remember(steps, point, next, gradient, nextGradient);
    point.set(next);
    gradient.set(nextGradient);
    value = nextValue;
  }
  return options.maxIterations;
}

function directionOf(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = Float64Array.from(gradient, (element) => -element);
  const factors: number[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { move, change, inverse } = steps[i]!;
    const factor = inverse * product(move, direction);
    factors[i] = factor;
    add(direction, change, -factor);
  }
  const last = steps.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.inverse * product(last.change, last.change));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (let i = 0; i < steps.length; i++) {
    const { move, change, inverse } = steps[i]!;
    add(direction, move, factors[i]! - inverse * product(change, direction));
  }
  return direction;
}

function remember(
  steps: Step[],
  from: Float64Array,
  to: Float64Array,
  gradientFrom: Float64Array,
  gradientTo: Float64Array,
): void {
  const move = to.map((element, i) => element - from[i]!);
  const change = gradientTo.map((element, i) => element - gradientFrom[i]!);
  const curvature = product(move, change);
  // A step that saw no curvature would divide by zero below.
  if (curvature <= 1e-12 * product(change, change)) return;
  if (steps.length === MEMORY) steps.shift();
  steps.push({ move, change, inverse: 1 / curvature });
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(sum: Float64Array, vector: Float64Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]! * factor;
}

function largest(vector: Float64Array): number {
  let most = 0;
  for (const element of vector) most = Math.max(most, Math.abs(element));
  return most;
}
