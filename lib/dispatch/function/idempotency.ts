/**
 * Calls with one key are one task: they share its promise while it is unsettled, and for a while after its function ran to its end.
 *
 * A task without an end of its own (cancelled, refused, expired, timed out) has no result that another call could use, so its key is
 * free at once.
 * Memory: keys of unsettled tasks, and {@link SETTLED_MAX} others with their results.
 */
import { LRUCache } from 'lru-cache';

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

  /** The promise is settled. @param hasRun - by the end of the function, and not by something that came before */
  end(key: string, hasRun: boolean): void {
    const promise = this.#unsettled.get(key);
    this.#unsettled.delete(key);
    if (hasRun && promise !== undefined) this.#settled.set(key, promise);
  }
}
