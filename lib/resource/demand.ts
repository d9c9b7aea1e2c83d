/**
 * What a task asks for: an exact vector over pools, by number, and the shape that it waits in.
 *
 * Tasks of one shape wait together, so that "the head does not fit" answers for all behind it. So amounts are rounded, up to
 * sixteenths of the next power of two, and interned. The class is part of a shape because kept slots make it part of what fits; so is
 * the power of two above the declared bound, because a bound decides who may pass a reservation. The lease takes the exact amounts.
 */
import { invariant } from '../base/errors.js';
import { CLASS_COUNT } from '../task/index.js';

/** An exact demand. Amounts are > 0 and finite, in the pools' own units. */
export interface Demand {
  /** Pool indices, ascending. */
  readonly pools: readonly number[];
  /** Parallel to `pools`. */
  readonly amounts: readonly number[];
  /** Live tasks that use it. */
  uses: number;
  /** By class and bound bucket: its shape, when it has waited before. */
  readonly shapes: (DemandShape | undefined)[];
}

/** A rounded demand of one class, with a queue of its own. */
export interface DemandShape {
  /** Its queue; NONE once the shape was given up for another. */
  index: number;
  readonly key: string;
  readonly classIndex: number;
  readonly pools: readonly number[];
  /** What no task of the shape asks more than, parallel to `pools`. */
  readonly amounts: readonly number[];
  /** What every task of the shape asks more than: while no more is free, nobody behind the head fits either. */
  readonly above: readonly number[];
  /** Beyond the cap: holds demands of all kinds, so its head does not answer for those behind. */
  readonly isCatchAll: boolean;
  /** The pool that was too small when this shape last did not fit, and its version then: until that changes it still does not. */
  blockedPool: number;
  blockedVersion: number;
}

export function makeDemand(pools: readonly number[], amounts: readonly number[]): Demand {
  return { pools, amounts, uses: 0, shapes: [] };
}

/** Sum of several demands. */
export function sumOfDemands(demands: readonly Demand[]): Demand {
  const sums = new Map<number, number>();
  for (const { pools, amounts } of demands) {
    for (let i = 0; i < pools.length; i++) sums.set(pools[i]!, (sums.get(pools[i]!) ?? 0) + amounts[i]!);
  }
  const sorted = [...sums].sort(([a], [b]) => a - b);
  return makeDemand(
    sorted.map(([pool]) => pool),
    sorted.map(([, amount]) => amount),
  );
}

/** Up to the next sixteenth of a power of two: exact for integers to 16, at most 12.5 % more beyond. */
export function roundUp(amount: number): number {
  const step = stepAt(amount);
  return Math.ceil(amount / step) * step;
}

/** The largest amount that is not rounded up to `rounded` any more, but to something less. */
export function below(rounded: number): number {
  return rounded - stepAt(rounded);
}

function stepAt(amount: number): number {
  let step = 1;
  while (amount > 16 * step) step *= 2;
  while (amount <= 8 * step) step /= 2;
  return step;
}

/** 0 without a bound, else 1 + the power of two that the bound does not exceed, 1…32. */
export function boundBucket(boundMs: number): number {
  return boundMs === 0 ? 0 : 33 - Math.clz32(boundMs - 1);
}

const BUCKETS = 34;

export class DemandShapes {
  /** By index. */
  readonly all: DemandShape[] = [];
  readonly #max: number;
  readonly #isIdle: (index: number) => boolean;
  readonly #byKey = new Map<string, DemandShape>();
  readonly #catchAll: (DemandShape | undefined)[] = new Array(CLASS_COUNT).fill(undefined);
  #idleFrom = 0;

  /**
   * @param max - shapes with queues of their own
   * @param isIdle - does nobody wait in the shape of that index? Then it may be given up for another.
   */
  constructor(max: number, isIdle: (index: number) => boolean) {
    this.#max = max;
    this.#isIdle = isIdle;
  }

  /** The shape in which a task of this demand, class and bound waits. */
  of(demand: Demand, classIndex: number, boundMs: number): DemandShape {
    const slot = classIndex * BUCKETS + boundBucket(boundMs);
    const known = demand.shapes[slot];
    if (known !== undefined && known.index >= 0) return known;
    const shape = this.#intern(demand, classIndex, boundBucket(boundMs));
    // A demand is not bound to the catch-all for good: a shape may become free.
    if (!shape.isCatchAll) demand.shapes[slot] = shape;
    return shape;
  }

  #intern(demand: Demand, classIndex: number, bucket: number): DemandShape {
    const amounts = demand.amounts.map(roundUp);
    const key = `${classIndex}|${bucket}|${demand.pools.join()}|${amounts.join()}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const index = this.#byKey.size < this.#max ? this.all.length : this.#giveUpIdle();
    if (index === undefined) return this.#catchAllOf(classIndex);
    const shape = makeShape(index, key, classIndex, demand.pools, amounts, false);
    this.all[index] = shape;
    this.#byKey.set(key, shape);
    return shape;
  }

  /** Frees the index of a shape in which nobody waits; undefined when all are in use. */
  #giveUpIdle(): number | undefined {
    for (let tried = 0; tried < this.all.length; tried++) {
      const index = this.#idleFrom;
      this.#idleFrom = (index + 1) % this.all.length;
      const shape = this.all[index]!;
      if (shape.isCatchAll || !this.#isIdle(index)) continue;
      invariant(shape.index === index, 'a shape knows its queue');
      this.#byKey.delete(shape.key);
      shape.index = -1;
      return index;
    }
    return undefined;
  }

  #catchAllOf(classIndex: number): DemandShape {
    let shape = this.#catchAll[classIndex];
    if (shape === undefined) {
      shape = makeShape(this.all.length, `${classIndex}|*`, classIndex, [], [], true);
      this.#catchAll[classIndex] = shape;
      this.all.push(shape);
    }
    return shape;
  }
}

function makeShape(
  index: number,
  key: string,
  classIndex: number,
  pools: readonly number[],
  amounts: readonly number[],
  isCatchAll: boolean,
): DemandShape {
  const above = amounts.map(below);
  return { index, key, classIndex, pools, amounts, above, isCatchAll, blockedPool: -1, blockedVersion: -1 };
}
