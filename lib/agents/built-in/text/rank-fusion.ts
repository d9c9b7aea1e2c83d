/**
 * Reciprocal rank fusion: one ranking out of several whose scores cannot be compared.
 * score(d) = Σ over the rankings of 1 / (K + rank(d)), rank 1 for the first; who is not in a ranking gets nothing for it.
 * Source: Cormack, Clarke and Büttcher, SIGIR 2009, with their K = 60.
 */
export const FUSION_K = 60;

/**
 * @param rankings - items, best first; no item twice in one ranking
 * @returns items, best first, with scores scaled so that the first of every ranking has 1; equal scores in the order of the first ranking that has one of them
 */
export function fuseRankings<T>(rankings: readonly (readonly T[])[]): { item: T; score: number }[] {
  const scores = new Map<T, number>();
  for (const ranking of rankings) {
    for (const [index, item] of ranking.entries()) {
      scores.set(item, (scores.get(item) ?? 0) + 1 / (FUSION_K + index + 1));
    }
  }
  const best = rankings.length / (FUSION_K + 1);
  return [...scores]
    .map(([item, score]) => ({ item, score: Math.min(1, score / best) }))
    .sort((a, b) => b.score - a.score);
}
