/** "Did you mean": the candidate nearest to a word that nobody knows. */
import leven from 'leven';

const DISTANCE_MAX = 3;
/** No word that somebody mistyped is longer; what is has no neighbour worth the search. */
const LENGTH_MAX = 128;

/** The nearest of `candidates`, when it is at most three slips and half the word away. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LENGTH_MAX) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(DISTANCE_MAX, Math.floor(word.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = leven(word, candidate, { maxDistance: bestDistance });
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}
