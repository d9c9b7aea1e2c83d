/** Arithmetic on embedding vectors. Vectors of one model are of one length; mixing models is a mistake that is said, not computed. */

/** Any list of numbers that can be read by index. */
export type Vector = Float32Array | Float64Array;

/**
 * Sum of products; for vectors of length 1 it is the cosine of their angle.
 * @throws RangeError when they have different numbers of elements: they come from different models
 */
export function dot(a: Vector, b: Vector): number {
  if (a.length !== b.length) {
    throw new RangeError(
      `A vector of ${a.length} numbers was compared with one of ${b.length}: they come from different embedding models.`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** A copy of length 1. The zero vector has no direction and stays zero. */
export function toUnit(vector: Vector): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? Float32Array.from(vector) : Float32Array.from(vector, (value) => value / length);
}

/**
 * The direction of the mean of `vectors`, of length 1.
 * @throws RangeError without vectors
 */
export function centroid(vectors: readonly Vector[]): Float32Array {
  const [first] = vectors;
  if (first === undefined) throw new RangeError('A centroid needs at least one vector.');
  const sum = new Float64Array(first.length);
  for (const vector of vectors) addScaled(sum, vector, 1);
  return toUnit(sum);
}

/** `sum += vector · factor`, in place. */
export function addScaled(sum: Float64Array, vector: Vector, factor: number): void {
  if (sum.length !== vector.length) {
    throw new RangeError(
      `A vector of ${vector.length} numbers was added to one of ${sum.length}: they come from different embedding models.`,
    );
  }
  for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]! * factor;
}

/** exp(scores) scaled to a sum of 1, without overflow for any finite scores. */
export function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** Indices of the `count` largest numbers, largest first; equal ones in the order of their index. */
export function indicesOfLargest(numbers: ArrayLike<number>, count: number): number[] {
  const order = Array.from({ length: numbers.length }, (_, index) => index);
  order.sort((a, b) => numbers[b]! - numbers[a]! || a - b);
  return order.slice(0, count);
}
