import { expect, it } from 'vitest';
import { Random } from '../../../lib/base/random.js';
import { retryPauseMs } from '../../../lib/dispatch/function/retry-pause.js';

it.each([
  [{ attempts: 9 }, 1, 1_000],
  [{ attempts: 9 }, 3, 4_000],
  [{ attempts: 9 }, 8, 30_000],
  [{ attempts: 9, minMs: 10, factor: 3, maxMs: 50 }, 2, 30],
  [{ attempts: 9, minMs: 10, factor: 3, maxMs: 50 }, 9, 50],
  [{ attempts: 9, minMs: 0 }, 2, 0],
  [{ attempts: 255, minMs: 0, factor: 1e10 }, 200, 0],
])('of %j after attempt %i is %i ms, give or take a quarter', (retry, attempt, expectedMs) => {
  const random = new Random(7);
  const pauses = Array.from({ length: 1_000 }, () => retryPauseMs(retry, attempt, random));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.75 * expectedMs);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1.25 * expectedMs);
  if (expectedMs > 0) expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(0.45 * expectedMs);
});
