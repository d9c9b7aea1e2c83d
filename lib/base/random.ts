/**
 * Seeded pseudo-random numbers: the same seed gives the same numbers on every machine.
 * Algorithm: mulberry32 (32 bits of state; for tests, simulations and generated data, not for secrets).
 */
export class Random {
  #state: number;

  /** @param seed - any integer; its low 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform integer in [0, below). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of `items`, which is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
