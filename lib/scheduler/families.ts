/**
 * Parents and children. A child inherits its parent's tenant, deadline and budget; it ends when its parent ends without success.
 *
 * Only tasks that have a parent, children or a budget have a record, so all others cost nothing.
 * Invariants: 1. No chain of parents is longer than the configured depth, so none is circular. 2. A run's `spent` is the work of all
 * descendants that were ever admitted below it: of one that is open what it may take at most, of a settled one what it took.
 * Complexity: O(depth) per child.
 */

/** What the descendants of a task may use together. */
export interface Run {
  /** The run that this one is part of. */
  readonly parent: Run | undefined;
  /** Work; Infinity for no limit of its own. */
  readonly budget: number;
  spent: number;
}

export interface Kin {
  readonly task: number;
  readonly parent: Kin | undefined;
  /** 0 for a task without a parent. */
  readonly depth: number;
  /** The innermost run that its descendants are charged to. */
  readonly run: Run;
  /** Unsettled children. */
  readonly children: Set<number>;
  /** Submission number of the run's outermost task: how old the run is. */
  readonly since: number;
  /** Work that the runs above it were charged for it. */
  charged: number;
}

export class Families {
  readonly #kin = new Map<number, Kin>();

  get size(): number {
    return this.#kin.size;
  }

  of(task: number): Kin | undefined {
    return this.#kin.get(task);
  }

  /**
   * The record of a task that has become a parent, or declares a budget.
   * @param since - its submission number
   */
  founderOf(task: number, since: number, budget = Number.POSITIVE_INFINITY): Kin {
    let kin = this.#kin.get(task);
    if (kin === undefined) {
      const run = { parent: undefined, budget, spent: 0 };
      kin = { task, parent: undefined, depth: 0, run, children: new Set(), since, charged: 0 };
      this.#kin.set(task, kin);
    }
    return kin;
  }

  /** Takes a child in and charges its work to every run above it. */
  adopt(child: number, parent: Kin, work: number, budget: number): Kin {
    const run = budget === Number.POSITIVE_INFINITY ? parent.run : { parent: parent.run, budget, spent: 0 };
    const { since, depth } = parent;
    const kin = { task: child, parent, depth: depth + 1, run, children: new Set<number>(), since, charged: 0 };
    this.#kin.set(child, kin);
    parent.children.add(child);
    this.charge(kin, work);
    return kin;
  }

  /** The work of a child is so much more than was known, or less. */
  charge(kin: Kin, work: number): void {
    kin.charged += work;
    for (let run = kin.parent?.run; run !== undefined; run = run.parent) run.spent += work;
  }

  /** Its outcome is out: its parent no longer counts it. */
  settled(task: number): void {
    const kin = this.#kin.get(task);
    kin?.parent?.children.delete(task);
  }

  forget(task: number): void {
    this.#kin.delete(task);
  }
}

/** Is there budget for so much more work, in this run and every run above it? */
export function hasBudget(run: Run, work: number): boolean {
  for (let above: Run | undefined = run; above !== undefined; above = above.parent) {
    if (above.spent + work > above.budget) return false;
  }
  return true;
}

/** Does its work still go before new runs? While it has spent no more than its budget, or than `limit` if it declares none. */
export function goesFirst(run: Run, limit: number): boolean {
  for (let above: Run | undefined = run; above !== undefined; above = above.parent) {
    const most = above.budget === Number.POSITIVE_INFINITY ? limit : above.budget;
    if (above.spent > most) return false;
  }
  return true;
}
