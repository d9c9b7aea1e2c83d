/**
 * The ledger, kept a second time: sums of what the tasks hold, and windows from the history of what was taken.
 *
 * Between events every figure is summed anew, so nothing here can drift.
 */
import type { SchedulerConfig } from '../../../lib/scheduler/index.js';
import { broken } from './broken-invariant.js';
import { heldIn, type SeenTask, type Vector } from './seen-task.js';

const CLASSES = 4;
/** Fractions add up with an error of this part of a pool, as the product's ledger allows. */
const ROUNDING = 1e-9;
/** Amounts that are multiples of this add up without any error. */
const EXACT_STEP = 1 / 1_024;

export class SeenPool {
  readonly name: string;
  capacity: number;
  readonly kept: Float64Array;
  readonly keepsAny: boolean;
  readonly isWindow: boolean;
  readonly windowMs: number;
  readonly isSliding: boolean;
  readonly carriesOver: boolean;
  leased = 0;
  readonly leasedByClass = new Float64Array(CLASSES);
  /** Windows: what was taken and when, as long as it counts. */
  readonly takenMs: number[] = [];
  readonly taken: number[] = [];
  /** Fixed windows: since when one is open; NaN while none is. */
  openSinceMs = Number.NaN;
  grantsSinceOverdue = 0;
  reservableFromMs = Number.NEGATIVE_INFINITY;
  /** All amounts add up without error, so that a comparison is one. */
  isExact = true;

  constructor(
    name: string,
    capacity: number,
    kept: readonly number[] = [],
    window?: { windowMs: number; mode: string; carriesOver: boolean },
  ) {
    this.name = name;
    this.capacity = capacity;
    this.kept = Float64Array.from({ length: CLASSES }, (_, index) => kept[index] ?? 0);
    this.keepsAny = this.kept.some((amount) => amount > 0);
    this.isWindow = window !== undefined;
    this.windowMs = window?.windowMs ?? 0;
    this.isSliding = window?.mode === 'sliding';
    this.carriesOver = window?.carriesOver === true;
    this.noteAmount(capacity);
  }

  noteAmount(amount: number): void {
    if (amount < Number.POSITIVE_INFINITY && (amount / EXACT_STEP) % 1 !== 0) this.isExact = false;
  }

  /** Of a fixed window: what was taken in one says nothing about the next. */
  get beginsAfresh(): boolean {
    return this.isWindow && !this.isSliding && !this.carriesOver;
  }

  /** Is there so much for a class, errors of adding up aside? */
  has(amount: number, free: number): boolean {
    return free > 0 && free >= amount * (1 - ROUNDING);
  }

  /** What a class may take, if of `takenBy` so much were taken before. Negative when less than nothing is left. */
  freeFor(classIndex: number, takenBy = -1, amount = 0): number {
    let free = this.capacity - this.leased - amount;
    if (!this.keepsAny) return free;
    for (let other = 0; other < CLASSES; other++) {
      if (other === classIndex) continue;
      const unused = this.kept[other]! - this.leasedByClass[other]! - (other === takenBy ? amount : 0);
      if (unused > 0) free -= unused;
    }
    return free;
  }

  /** The most that one task of a class can ever have. */
  capacityFor(classIndex: number): number {
    let capacity = this.capacity;
    for (let other = 0; other < CLASSES; other++) if (other !== classIndex) capacity -= this.kept[other]!;
    return Math.max(0, capacity);
  }

  /** How much of what the class may take is there only because it is kept for it. */
  keptFor(classIndex: number): number {
    return Math.max(0, this.kept[classIndex]! - this.leasedByClass[classIndex]!);
  }

  take(classIndex: number, amount: number, nowMs: number): void {
    this.leased += amount;
    if (!this.isWindow) {
      this.leasedByClass[classIndex]! += amount;
      return;
    }
    this.takenMs.push(nowMs);
    this.taken.push(amount);
    if (Number.isNaN(this.openSinceMs)) this.openSinceMs = nowMs;
  }

  giveBack(classIndex: number, amount: number): void {
    if (this.isWindow) return;
    this.leased -= amount;
    this.leasedByClass[classIndex]! -= amount;
  }

  /** Forgets what is too old to count. @param runningAmount - what tasks with a lease hold of it */
  roll(nowMs: number, runningAmount: number): void {
    if (this.isSliding) {
      let old = 0;
      while (old < this.takenMs.length && this.takenMs[old]! + this.windowMs <= nowMs) old++;
      if (old > 0) {
        this.takenMs.splice(0, old);
        this.taken.splice(0, old);
      }
    } else if (nowMs >= this.openSinceMs + this.windowMs) {
      this.takenMs.length = 0;
      this.taken.length = 0;
      this.openSinceMs = Number.NaN;
      if (this.carriesOver && runningAmount > 0) {
        this.takenMs.push(nowMs);
        this.taken.push(runningAmount);
        this.openSinceMs = nowMs;
      }
    }
    this.leased = 0;
    for (let i = 0; i < this.taken.length; i++) this.leased += this.taken[i]!;
  }

  /** When time alone next brings something back. */
  get nextRollMs(): number {
    if (!this.isSliding)
      return Number.isNaN(this.openSinceMs) ? Number.POSITIVE_INFINITY : this.openSinceMs + this.windowMs;
    return this.takenMs.length === 0 ? Number.POSITIVE_INFINITY : this.takenMs[0]! + this.windowMs;
  }

  /** When so much is free if nobody takes anything. */
  freeFromMs(amount: number, runningAmount: number): number {
    if (amount > this.capacity) return Number.POSITIVE_INFINITY;
    if (!this.isSliding) {
      if (this.carriesOver && this.capacity - runningAmount < amount) return Number.POSITIVE_INFINITY;
      return this.nextRollMs;
    }
    let counted = this.leased;
    for (let i = 0; i < this.taken.length; i++) {
      counted -= this.taken[i]!;
      if (this.capacity - counted >= amount) return this.takenMs[i]! + this.windowMs;
    }
    return Number.POSITIVE_INFINITY;
  }
}

export class SeenPools {
  readonly all: SeenPool[] = [];

  constructor({ memory, models, pools, windows }: SchedulerConfig) {
    this.all.push(new SeenPool(memory.name, memory.capacityBytes));
    for (const { name, keptSlots } of models) this.all.push(new SeenPool(`slots:${name}`, 0, keptSlots));
    for (const { name, capacity, kept } of pools) this.all.push(new SeenPool(name, capacity, kept));
    for (const window of windows) this.all.push(new SeenPool(window.name, window.limit, [], window));
  }

  fits({ pools, amounts }: Vector, classIndex: number): boolean {
    for (let i = 0; i < pools.length; i++) {
      const pool = this.all[pools[i]!]!;
      if (!pool.has(amounts[i]!, pool.freeFor(classIndex))) return false;
    }
    return true;
  }

  isTooLarge({ pools, amounts }: Vector, classIndex: number): boolean {
    for (let i = 0; i < pools.length; i++) {
      if (this.all[pools[i]!]!.capacityFor(classIndex) < amounts[i]!) return true;
    }
    return false;
  }

  /** Would it not fit but for what is kept for its class? Undefined where only rounding can say. */
  needsKept({ pools, amounts }: Vector, classIndex: number): boolean | undefined {
    let isUnsure = false;
    for (let i = 0; i < pools.length; i++) {
      const pool = this.all[pools[i]!]!;
      const kept = pool.keptFor(classIndex);
      if (kept <= 0) continue;
      const spare = Math.max(0, pool.freeFor(classIndex)) - kept - amounts[i]!;
      if (!pool.isExact && Math.abs(spare) < 1e-9 * pool.capacity) isUnsure = true;
      else if (spare < 0) return true;
    }
    return isUnsure ? undefined : false;
  }

  /** Takes it, if that leaves every pool and every class what is theirs. */
  take({ pools, amounts }: Vector, classIndex: number, nowMs: number, who: string): void {
    for (let i = 0; i < pools.length; i++) {
      const pool = this.all[pools[i]!]!;
      const amount = amounts[i]!;
      if (!pool.has(amount, pool.capacity - pool.leased)) {
        const what = pool.isWindow ? 'no window sees more than its limit' : 'no pool is over-committed';
        broken(what, `${who} takes ${amount} of ${pool.name}, ${pool.leased} of ${pool.capacity} are taken`);
      }
      if (!pool.has(amount, pool.freeFor(classIndex))) {
        broken(
          'what is kept for a class is left to it',
          `${who} of class ${classIndex} takes ${amount} of ${pool.name}`,
        );
      }
      pool.take(classIndex, amount, nowMs);
    }
  }

  release(task: SeenTask): void {
    const { holding, grownPools, grownAmounts, classIndex } = task;
    for (let i = 0; i < holding.pools.length; i++)
      this.all[holding.pools[i]!]!.giveBack(classIndex, holding.amounts[i]!);
    for (let i = 0; i < grownPools.length; i++) this.all[grownPools[i]!]!.giveBack(classIndex, grownAmounts[i]!);
    grownPools.length = 0;
    grownAmounts.length = 0;
  }

  /** Sums everything anew. */
  sum(live: readonly SeenTask[]): void {
    for (const pool of this.all) {
      if (pool.isWindow) continue;
      pool.leased = 0;
      pool.leasedByClass.fill(0);
    }
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (!task.holdsLease) continue;
      const { holding, grownPools, grownAmounts, classIndex } = task;
      for (let i = 0; i < holding.pools.length; i++) this.#add(holding.pools[i]!, classIndex, holding.amounts[i]!);
      for (let i = 0; i < grownPools.length; i++) this.#add(grownPools[i]!, classIndex, grownAmounts[i]!);
    }
  }

  roll(live: readonly SeenTask[], nowMs: number): boolean {
    let hasRolled = false;
    for (let index = 0; index < this.all.length; index++) {
      const pool = this.all[index]!;
      if (!pool.isWindow) continue;
      if (pool.nextRollMs <= nowMs) hasRolled = true;
      pool.roll(nowMs, this.runningIn(live, index));
    }
    return hasRolled;
  }

  runningIn(live: readonly SeenTask[], index: number): number {
    let running = 0;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (task.holdsLease) running += heldIn(task, index);
    }
    return running;
  }

  #add(index: number, classIndex: number, amount: number): void {
    const pool = this.all[index]!;
    if (pool.isWindow) return;
    pool.leased += amount;
    pool.leasedByClass[classIndex]! += amount;
  }
}
