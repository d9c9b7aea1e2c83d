/**
 * Maximal marginal relevance: picks one after another, each time the candidate with the largest
 * (1 − D) · relevance − D · (largest similarity to what was picked before).
 * D in [0, 1] is the wish for diversity: 0 is the order of relevance. Cost: picks · candidates similarities.
 * Source: Carbonell and Goldstein, SIGIR 1998, with D = 1 − λ.
 */

/**
 * @param relevance - one number for each candidate, in the range of the similarities
 * @param similarity - of two candidates, by index
 * @returns indices of at most `count` candidates in the order of the picks; of equal candidates the first
 */
export function diversify(
  relevance: ArrayLike<number>,
  similarity: (a: number, b: number) => number,
  count: number,
  diversity: number,
): number[] {
  const picked: number[] = [];
  const open = new Set(Array.from({ length: relevance.length }, (_, index) => index));
  const nearest = new Float64Array(relevance.length).fill(Number.NEGATIVE_INFINITY);
  while (picked.length < count && open.size > 0) {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const candidate of open) {
      const penalty = picked.length === 0 ? 0 : diversity * nearest[candidate]!;
      const score = (1 - diversity) * relevance[candidate]! - penalty;
      if (best >= 0 && score <= bestScore) continue;
      best = candidate;
      bestScore = score;
    }
    picked.push(best);
    open.delete(best);
    for (const candidate of open) {
      nearest[candidate] = Math.max(nearest[candidate]!, similarity(candidate, best));
    }
  }
  return picked;
}
