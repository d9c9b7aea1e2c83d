/**
 * The one record of who holds what. Nothing runs without a lease; a lease is taken all or nothing and returned once.
 *
 * Thread safety: one owner. Invariants: 1. `leased` of a pool is the sum of the leases on it. 2. No take brings a pool below
 * zero. 3. A release without a lease throws. Complexity: O(pools of the demand).
 */
import { invariant } from '../base/errors.js';
import type { DemandShape } from './demand-shape.js';
import type { Pool } from './pool.js';

export class Ledger {
  readonly pools: Pool[] = [];

  add(pool: Pool): number {
    return this.pools.push(pool) - 1;
  }

  /** Could a task of this shape start now? */
  fits(shape: DemandShape): boolean {
    for (let i = 0; i < shape.pools.length; i++) {
      if (this.pools[shape.pools[i]!]!.freeFor(shape.classIndex) < shape.amounts[i]!) return false;
    }
    return true;
  }

  /** Would it fit only because something is kept for its class? */
  fitsByKeeping(shape: DemandShape): boolean {
    for (let i = 0; i < shape.pools.length; i++) {
      const pool = this.pools[shape.pools[i]!]!;
      const keptForIt = Math.max(0, pool.kept[shape.classIndex]! - pool.leasedByClass[shape.classIndex]!);
      if (keptForIt > 0 && pool.freeFor(shape.classIndex) - keptForIt < shape.amounts[i]!) return true;
    }
    return false;
  }

  take(shape: DemandShape): void {
    invariant(this.fits(shape), `shape ${shape.index} is leased although it does not fit`);
    for (let i = 0; i < shape.pools.length; i++) {
      const pool = this.pools[shape.pools[i]!]!;
      pool.leased += shape.amounts[i]!;
      pool.leasedByClass[shape.classIndex]! += shape.amounts[i]!;
    }
  }

  release(shape: DemandShape): void {
    for (let i = 0; i < shape.pools.length; i++) {
      const pool = this.pools[shape.pools[i]!]!;
      pool.leased -= shape.amounts[i]!;
      pool.leasedByClass[shape.classIndex]! -= shape.amounts[i]!;
      invariant(pool.leased >= 0 && pool.leasedByClass[shape.classIndex]! >= 0, `pool ${pool.name} is released twice`);
    }
  }
}

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
