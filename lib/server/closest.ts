/** "Did you mean": the candidate nearest to a word that nobody knows. */
import leven from 'leven';

/** Two slips of the finger at most, and never more than a third of the word: past that a suggestion is a guess. */
const MAX_DISTANCE = 2;

/** The nearest candidate, or undefined when none is near enough. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = leven(word, candidate, { maxDistance: bestDistance });
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
