/** Asks the scheduler's own rules about a state that is not, and leaves no trace. */
import { NONE } from '../task/index.js';
import type { SchedulerState } from './state.js';

/** So much of a pool that is missing. */
export interface Lack {
  readonly pool: number;
  /** What must be free, > 0, for a task of `classIndex`. */
  readonly amount: number;
  readonly classIndex: number;
}

/**
 * What `ask` says if at `atMs` just enough of what is leased had come back in each of these pools. `ask` may look, choose and reserve, but not
 * grant. Cost: O(pools + shapes) besides.
 */
export function asIfFree<T>(state: SchedulerState, lacks: readonly Lack[], atMs: number, ask: () => T): T {
  const { reservations, nextMs, nowMs } = state;
  const { pools } = state.ledger;
  const shapes = state.shapes.all;
  const leased = pools.map((pool) => pool.leased);
  const blockedPools = shapes.map(({ blockedPool }) => blockedPool);
  const blockedVersions = shapes.map(({ blockedVersion }) => blockedVersion);
  const before = reservations.length;
  try {
    state.nowMs = atMs;
    for (const { pool: index, amount, classIndex } of lacks) {
      const pool = pools[index]!;
      pool.leased += pool.freeForAfter(classIndex, classIndex, 0) - amount;
      // Rounding must not leave a hair less.
      while (pool.freeFor(classIndex) < amount) pool.leased -= Math.max(1, Math.abs(pool.leased)) * Number.EPSILON;
    }
    // What did not fit is to be looked at again.
    for (const shape of shapes) shape.blockedPool = NONE;
    return ask();
  } finally {
    for (const { task } of reservations.splice(before)) {
      for (const pool of pools) if (pool.reservedFor === task) pool.reservedFor = NONE;
    }
    for (const [index, pool] of pools.entries()) pool.leased = leased[index]!;
    for (const [index, shape] of shapes.entries()) {
      shape.blockedPool = blockedPools[index]!;
      shape.blockedVersion = blockedVersions[index]!;
    }
    state.nextMs = nextMs;
    state.nowMs = nowMs;
  }
}
