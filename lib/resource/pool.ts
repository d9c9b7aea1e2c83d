/** One resource that is shared: a set of slots, or a physical memory. Amounts are in the pool's own unit. */
import { CLASS_COUNT } from '../task/index.js';

export type PoolUnit = 'slots' | 'bytes';

export class Pool {
  readonly name: string;
  readonly unit: PoolUnit;
  /** What there is in all. 0 while the engine behind it is not up. May fall below what is leased: then nothing more is granted. */
  capacity: number;
  /** Sum of the leases. */
  leased = 0;
  /** Part of `leased` by the class of the task that holds it. */
  readonly leasedByClass = new Float64Array(CLASS_COUNT);
  /** What is kept for a class: others may not take it while the class uses less than this. */
  readonly kept: Float64Array;
  /** Memory only: free bytes as a probe saw them; NaN while unknown. */
  observedFree = Number.NaN;
  /** Memory only: part of `leased` that the probe cannot see yet, because the pages are not touched. */
  unmaterialised = 0;
  /** Memory only: bytes that are never leased. */
  readonly margin: number;
  /** Grants since an overdue task was served from this pool. */
  grantsSinceOverdue = 0;

  constructor(name: string, unit: PoolUnit, capacity: number, kept: readonly number[] = [], margin = 0) {
    this.name = name;
    this.unit = unit;
    this.capacity = capacity;
    this.margin = margin;
    this.kept = Float64Array.from({ length: CLASS_COUNT }, (_, index) => kept[index] ?? 0);
  }

  /** What a task of `classIndex` may still take. Never negative. */
  freeFor(classIndex: number): number {
    let free = this.capacity - this.leased;
    for (let other = 0; other < CLASS_COUNT; other++) {
      if (other !== classIndex) free -= Math.max(0, this.kept[other]! - this.leasedByClass[other]!);
    }
    return Math.max(0, free);
  }

  /**
   * Memory that a load may still take: min(capacity − leases, observed free − what is leased but not yet visible) − margin.
   * Both terms matter: the ledger alone misses foreign users, the probe alone is late. NaN while nothing was observed.
   */
  admissibleBytes(): number {
    const byLedger = this.capacity - this.leased;
    const byProbe = this.observedFree - this.unmaterialised;
    return Math.max(0, Math.min(byLedger, byProbe) - this.margin);
  }
}
