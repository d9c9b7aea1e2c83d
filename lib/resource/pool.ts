/** One resource that is shared: a set of slots, a physical memory, or an amount per window of time. Amounts are in the pool's own unit. */
import { CLASS_COUNT, NONE } from '../task/index.js';

export type PoolUnit = 'slots' | 'bytes' | 'units';

export class Pool {
  readonly name: string;
  readonly unit: PoolUnit;
  /** What there is in all. 0 while the engine behind it is not up. May fall below what is leased: then nothing more is granted. */
  capacity: number;
  /** What is not free: the sum of the leases, or, in a window, what was taken from it. */
  leased = 0;
  /** Part of `leased` by the class of the task that holds it. */
  readonly leasedByClass = new Float64Array(CLASS_COUNT);
  /** Leases that hold something of it. */
  holders = 0;
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
  /** Changes whenever more may be free than before: what did not fit at a version need not be looked at again. */
  version = 0;
  /** The task that has this pool reserved, or NONE. */
  reservedFor: number = NONE;
  /** No new reservation before this instant, ms: the last one held the pool long enough. */
  reservableFromMs = Number.NEGATIVE_INFINITY;
  readonly #keepsAny: boolean;

  constructor(name: string, unit: PoolUnit, capacity: number, kept: readonly number[] = [], margin = 0) {
    this.name = name;
    this.unit = unit;
    this.capacity = capacity;
    this.margin = margin;
    this.kept = Float64Array.from({ length: CLASS_COUNT }, (_, index) => kept[index] ?? 0);
    this.#keepsAny = this.kept.some((amount) => amount > 0);
  }

  /** What a task of `classIndex` may still take. Never negative. */
  freeFor(classIndex: number): number {
    let free = this.capacity - this.leased;
    if (this.#keepsAny) free -= this.#keptFromOthers(classIndex, NONE, 0);
    return Math.max(0, free);
  }

  /** What a task of `classIndex` could still take if one of class `takenBy` took `amount` first. May be negative. */
  freeForAfter(classIndex: number, takenBy: number, amount: number): number {
    const free = this.capacity - this.leased - amount;
    return this.#keepsAny ? free - this.#keptFromOthers(classIndex, takenBy, amount) : free;
  }

  /** What a task of `classIndex` could take once holders had returned so much, by their classes. May be negative. */
  freeForOnceReturned(classIndex: number, returned: Float64Array): number {
    let free = this.capacity - this.leased;
    for (let other = 0; other < CLASS_COUNT; other++) {
      free += returned[other]!;
      const used = this.leasedByClass[other]! - returned[other]!;
      if (other !== classIndex && this.kept[other]! > used) free -= this.kept[other]! - used;
    }
    return free;
  }

  /** What is there at most for one task of `classIndex`, when nobody holds anything. */
  capacityFor(classIndex: number): number {
    let { capacity } = this;
    if (!this.#keepsAny) return capacity;
    for (let other = 0; other < CLASS_COUNT; other++) if (other !== classIndex) capacity -= this.kept[other]!;
    return Math.max(0, capacity);
  }

  /** Part of what is free for the class that is so only because it is kept for it. */
  keptFor(classIndex: number): number {
    return this.#keepsAny ? Math.max(0, this.kept[classIndex]! - this.leasedByClass[classIndex]!) : 0;
  }

  take(classIndex: number, amount: number, _nowMs: number): void {
    this.leased += amount;
    this.leasedByClass[classIndex]! += amount;
    this.holders++;
  }

  /** @param isLast - the holder has nothing of the pool any more */
  giveBack(classIndex: number, amount: number, isLast: boolean): void {
    this.version++;
    // Sums of amounts of very different size may come out below nought.
    this.leased = Math.max(0, this.leased - amount);
    this.leasedByClass[classIndex] = Math.max(0, this.leasedByClass[classIndex]! - amount);
    if (isLast) this.holders--;
    // Sums of fractions do not come back to nought by themselves.
    if (this.holders === 0 && this.unit !== 'bytes') {
      this.leased = 0;
      this.leasedByClass.fill(0);
    }
  }

  /** The next instant at which time alone brings something back, ms; Infinity for none. */
  nextRollMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Takes into account what time has brought back. */
  roll(_nowMs: number): void {}

  /**
   * Memory that a load may still take: min(capacity − leases, observed free − what is leased but not yet visible) − margin.
   * Both terms matter: the ledger alone misses foreign users, the probe alone is late. NaN while nothing was observed.
   */
  admissibleBytes(): number {
    const byLedger = this.capacity - this.leased;
    const byProbe = this.observedFree - this.unmaterialised;
    return Math.max(0, Math.min(byLedger, byProbe) - this.margin);
  }

  #keptFromOthers(classIndex: number, takenBy: number, amount: number): number {
    let kept = 0;
    for (let other = 0; other < CLASS_COUNT; other++) {
      if (other === classIndex) continue;
      const used = this.leasedByClass[other]! + (other === takenBy ? amount : 0);
      if (this.kept[other]! > used) kept += this.kept[other]! - used;
    }
    return kept;
  }
}
