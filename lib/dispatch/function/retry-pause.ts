/**
 * The pause before the next attempt, ms: min(maxMs, minMs · factor^(attempt − 1)) ± 25 %.
 *
 * attempt: the one that failed, 1 for the first. Exponential back-off gives what is overloaded time; the jitter keeps tasks that
 * failed together from coming back together. Worked example: minMs 1,000, factor 2, attempt 3 → 4,000 ms ± 1,000.
 */
import type { Random } from '../../base/random.js';
import type { RetryOptions } from './types.js';

const DEFAULT_MIN_MS = 1_000;
const DEFAULT_MAX_MS = 30_000;
const DEFAULT_FACTOR = 2;
const JITTER_RATIO = 0.25;

export function retryPauseMs(retry: RetryOptions, attempt: number, random: Random): number {
  const { minMs = DEFAULT_MIN_MS, maxMs = DEFAULT_MAX_MS, factor = DEFAULT_FACTOR } = retry;
  // 0 stays 0 where the power has no number any more.
  const pauseMs = minMs === 0 ? 0 : Math.min(maxMs, minMs * factor ** (attempt - 1));
  return pauseMs * (1 + JITTER_RATIO * (2 * random.next() - 1));
}
