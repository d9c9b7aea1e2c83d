/**
 * Exponential aging: run the task with the largest (R/C) · 2^(W/H). The default order.
 *
 * R urgency weight (> 0, no unit; log2 R is given as `urgency`) · C service estimate (s, > 0) · W waiting time (s) · H half-life (s, > 0).
 * Key: log2 R − log2 C − arrival/H. It does not change while a task waits, so a task is pushed once and never re-keyed.
 * Starvation bound: a later task j overtakes i only if it arrives within H · log2((Rj/Cj) / (Ri/Ci)) seconds of i.
 * Cost: O(log n) per task. Not for: hard deadlines. Source: docs/policies.md, "aged"; the small-job form of gamma-Boost (Yu & Scully 2024).
 */
import { InvalidOptionError } from '../base/errors.js';
import type { Order } from './policy.js';

/** Half-life of waiting: after this long a task counts as twice as urgent. */
export const DEFAULT_HALF_LIFE_MS = 20_000;

/** @throws {@link InvalidOptionError} unless `halfLifeMs` is finite and > 0 */
export function aged(halfLifeMs: number = DEFAULT_HALF_LIFE_MS): Order {
  if (!(halfLifeMs > 0) || !Number.isFinite(halfLifeMs)) {
    throw new InvalidOptionError(
      'halfLifeMs',
      `halfLifeMs must be a finite number above 0; got ${String(halfLifeMs)}.`,
    );
  }
  return {
    name: 'aged',
    parameters: { halfLifeMs },
    keyKind: 'static',
    key: (tasks, task, urgency) =>
      urgency - Math.log2(tasks.serviceSeconds[task]!) - tasks.arrivalsMs[task]! / halfLifeMs,
  };
}
