/**
 * How much an item suits somebody, by what they like and dislike. People have several interests, so an item need only be close to one
 * of them: the mean of all likes would lie between the interests, close to none.
 *
 * relevance = pull − DISLIKE · max(0, push); pull is the soft maximum of the cosines with the likes, push that with the dislikes:
 * ln(mean(exp(S · cosine))) / S. S → 0 is the mean, S → ∞ the maximum.
 */
import { dot } from '../text/vectors.js';

/** Likes whose cosine is 0.1 higher count e times as much. */
const SHARPNESS = 10;
/** One dislike does not rule out what several likes speak for. */
const DISLIKE = 0.5;

export interface Profile {
  likes: readonly Float32Array[];
  dislikes: readonly Float32Array[];
}

/** In about [-1, 1]. Without likes it is what the dislikes leave. */
export function relevanceOf(item: Float32Array, { likes, dislikes }: Profile): number {
  const pull = likes.length === 0 ? 0 : softMaximum(likes.map((like) => dot(like, item)));
  const push = dislikes.length === 0 ? 0 : softMaximum(dislikes.map((dislike) => dot(dislike, item)));
  return pull - DISLIKE * Math.max(0, push);
}

export function softMaximum(numbers: readonly number[]): number {
  const largest = Math.max(...numbers);
  const sum = numbers.reduce((total, number) => total + Math.exp(SHARPNESS * (number - largest)), 0);
  return largest + Math.log(sum / numbers.length) / SHARPNESS;
}
