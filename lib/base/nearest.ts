/** "Did you mean": the known name nearest to one that nobody knows. */
import leven from 'leven';

/** How far a suggestion may be from what was written. */
export interface NearestLimits {
  /** Characters that may be wrong, missing or too many. */
  slips: number;
  /** The same as a part of the word, in (0, 1]. */
  share: number;
}

/** For names that a person types: three slips, and no more than half of the word. */
const TYPED: NearestLimits = { slips: 3, share: 1 / 2 };
/** No word that somebody mistyped is longer; what is has no neighbour worth the search. */
const LENGTH_MAX = 256;

/** The nearest of `known`, the first of several as near; undefined when none is within `limits`: past that a suggestion is a guess. */
export function nearest(word: string, known: Iterable<string>, limits: NearestLimits = TYPED): string | undefined {
  if (word.length > LENGTH_MAX) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(limits.slips, Math.floor(word.length * limits.share)) + 1;
  for (const name of known) {
    const distance = leven(word, name, { maxDistance: bestDistance });
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}
