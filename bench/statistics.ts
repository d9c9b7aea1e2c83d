/** The few statistics that tables show. */

/** The middle value, or the mean of the two middle ones. Does not change `values`, which must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('There is no median of nothing.');
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/**
 * Median of the pairwise ratios a[i] / b[i]. Repetition i of both ran side by side, so what slowed the machine then slowed
 * both, and the ratio keeps still where the values do not.
 */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError(`There are ${a.length} samples to compare with ${b.length}.`);
  return median(a.map((value, i) => value / b[i]!));
}

/**
 * The value that a share `ratio` of `values` does not exceed, by nearest rank: `quantile(v, 0.99)` is the p99.
 * @param ratio - in (0, 1]
 */
export function quantile(values: readonly number[], ratio: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('There is no quantile of nothing.');
  return value;
}
