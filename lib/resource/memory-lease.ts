/** A model's hold on a memory pool. */
import { invariant } from '../base/errors.js';
import type { Pool } from './pool.js';

/**
 * A model's hold on a memory pool, through its whole life: reserved (leased, pages not touched) → resident (the probe sees
 * them) → released.
 */
export class MemoryLease {
  readonly pool: Pool;
  #reservedBytes = 0;
  #residentBytes = 0;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  get bytes(): number {
    return this.#reservedBytes + this.#residentBytes;
  }

  /** Takes more; false, with nothing taken, when it does not fit or the pool's free memory is unknown. */
  grow(bytes: number): boolean {
    if (!(bytes <= this.pool.admissibleBytes())) return false;
    this.pool.leased += bytes;
    this.pool.unmaterialised += bytes;
    this.#reservedBytes += bytes;
    return true;
  }

  /**
   * `bytes` of it are in use now, so probes see them. The rest stays reserved: weights that are mapped from a file, say, which
   * a probe counts as reclaimable although the model needs them.
   */
  materialise(bytes: number): void {
    const visible = Math.min(bytes, this.#reservedBytes);
    this.pool.unmaterialised -= visible;
    this.#residentBytes += visible;
    this.#reservedBytes -= visible;
  }

  /** Gives all of it back. Nothing to give back is fine: an engine may die before it held anything. */
  release(): void {
    this.pool.leased -= this.bytes;
    this.pool.unmaterialised -= this.#reservedBytes;
    this.#reservedBytes = 0;
    this.#residentBytes = 0;
    invariant(this.pool.leased >= 0 && this.pool.unmaterialised >= 0, `pool ${this.pool.name} is released twice`);
  }
}
