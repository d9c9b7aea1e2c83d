/**
 * The one record of who holds what. Nothing runs without a lease; a lease is taken all or nothing and returned once.
 *
 * Thread safety: one owner. Invariants: 1. `leased` of a pool is the sum of the leases on it (of a window: what was taken in it).
 * 2. No take brings a pool below zero. 3. A release without a lease throws. Complexity: O(pools of the demand).
 */
import { invariant } from '../base/errors.js';
import type { Demand, DemandShape } from './demand.js';
import type { Pool } from './pool.js';

/** Fractions add up to a little less or more: a task fits although this part of what it asks for is missing. */
const ROUNDING_RATIO = 1e-9;

export class Ledger {
  readonly pools: Pool[] = [];

  add(pool: Pool): number {
    return this.pools.push(pool) - 1;
  }

  /** Might a task of this shape start now? Its exact demand has the last word. What did not fit is only looked at again when its pool changed. */
  fits(shape: DemandShape): boolean {
    const { blockedPool, classIndex } = shape;
    if (blockedPool >= 0 && this.pools[blockedPool]!.version === shape.blockedVersion) return false;
    for (let i = 0; i < shape.pools.length; i++) {
      const pool = this.pools[shape.pools[i]!]!;
      const free = pool.freeFor(classIndex);
      if (free <= 0 || free <= shape.above[i]! * (1 - ROUNDING_RATIO)) {
        shape.blockedPool = shape.pools[i]!;
        shape.blockedVersion = pool.version;
        return false;
      }
    }
    shape.blockedPool = -1;
    return true;
  }

  /** Could a task of this very demand start now? */
  fitsExactly({ pools, amounts }: Demand, classIndex: number): boolean {
    for (let i = 0; i < pools.length; i++) {
      if (this.isShort(pools[i]!, classIndex, amounts[i]!)) return false;
    }
    return true;
  }

  /** Is less of this pool free than `amount`? */
  isShort(index: number, classIndex: number, amount: number): boolean {
    const free = this.pools[index]!.freeFor(classIndex);
    return free <= 0 || free < amount * (1 - ROUNDING_RATIO);
  }

  /** The first pool that could not hold this demand even if nobody else held anything; undefined when all could. */
  tooSmallFor({ pools, amounts }: Demand, classIndex: number): number | undefined {
    for (let i = 0; i < pools.length; i++) {
      if (this.pools[pools[i]!]!.capacityFor(classIndex) < amounts[i]!) return pools[i];
    }
    return undefined;
  }

  /** Would it fit only because something is kept for its class? */
  fitsByKeeping({ pools, amounts }: Demand, classIndex: number): boolean {
    for (let i = 0; i < pools.length; i++) {
      const pool = this.pools[pools[i]!]!;
      const keptForIt = pool.keptFor(classIndex);
      if (keptForIt > 0 && pool.freeFor(classIndex) - keptForIt < amounts[i]!) return true;
    }
    return false;
  }

  take({ pools, amounts }: Demand, classIndex: number, nowMs: number): void {
    for (let i = 0; i < pools.length; i++) {
      const pool = this.pools[pools[i]!]!;
      invariant(!this.isShort(pools[i]!, classIndex, amounts[i]!), `pool ${pool.name} is over-committed`);
      pool.take(classIndex, amounts[i]!, nowMs);
    }
  }

  release({ pools, amounts }: Demand, classIndex: number): void {
    for (let i = 0; i < pools.length; i++) {
      const pool = this.pools[pools[i]!]!;
      invariant(pool.holders > 0, `pool ${pool.name} is released twice`);
      pool.giveBack(classIndex, amounts[i]!, true);
    }
  }
}
