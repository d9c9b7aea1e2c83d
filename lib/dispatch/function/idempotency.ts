/**
 * Calls with one key are one task: they share its promise while it is unsettled, and for a while after its function ran to its end.
 *
 * A task that was cancelled, refused or expired did nothing that must not be done twice, so its key is free at once.
 * Memory: keys of unsettled tasks, and {@link SETTLED_MAX} others with their results.
 */
import { LRUCache } from 'lru-cache';
import { Outcome } from '../../task/index.js';

export const SETTLED_MAX = 1_000;
export const SETTLED_TTL_MS = 600_000;

export class Idempotency {
  readonly #unsettled = new Map<string, Promise<unknown>>();
  readonly #settled: LRUCache<string, Promise<unknown>>;

  /** @param nowMs - a clock */
  constructor(nowMs: () => number) {
    // The cache takes the instant 0 for "no limit".
    const now = () => nowMs() + 1;
    this.#settled = new LRUCache({ max: SETTLED_MAX, ttl: SETTLED_TTL_MS, ttlResolution: 0, perf: { now } });
  }

  find(key: string): Promise<unknown> | undefined {
    return this.#unsettled.get(key) ?? this.#settled.get(key);
  }

  begin(key: string, promise: Promise<unknown>): void {
    this.#unsettled.set(key, promise);
  }

  end(key: string, outcome: Outcome): void {
    const promise = this.#unsettled.get(key);
    this.#unsettled.delete(key);
    const hasRun = outcome === Outcome.completed || outcome === Outcome.failed;
    if (hasRun && promise !== undefined) this.#settled.set(key, promise);
  }
}
