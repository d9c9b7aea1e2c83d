/**
 * Groups: of the tasks of one group only so many are queued or run at a time; the others wait here, most urgent first, and do not
 * stand in anybody's way.
 *
 * Invariants: 1. `inside` counts members that are queued or hold a lease, ≤ the limit. 2. A group exists exactly while it has
 * members. 3. No waiting member goes before a queued one. Complexity: O(log n + limit) per task.
 */
import { type HeapColumns, TaskHeap } from '../queue/index.js';

export interface Group {
  readonly number: number;
  /** Members that are queued or hold a lease. */
  inside: number;
  /** Those of them that are queued. */
  readonly queued: Set<number>;
  /** Members held back. */
  readonly held: TaskHeap;
  /** Unsettled members, and settled ones with a lease. */
  members: number;
}

export class Groups {
  readonly limit: number;
  readonly #columns: HeapColumns;
  readonly #byNumber = new Map<number, Group>();
  readonly #byTask = new Map<number, Group>();

  constructor(limit: number, columns: HeapColumns) {
    this.limit = limit;
    this.#columns = columns;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  all(): IterableIterator<Group> {
    return this.#byNumber.values();
  }

  of(task: number): Group | undefined {
    return this.#byTask.size === 0 ? undefined : this.#byTask.get(task);
  }

  join(task: number, number: number): void {
    let group = this.#byNumber.get(number);
    if (group === undefined) {
      group = { number, inside: 0, queued: new Set(), held: new TaskHeap(this.#columns), members: 0 };
      this.#byNumber.set(number, group);
    }
    group.members++;
    this.#byTask.set(task, group);
  }

  leave(task: number): void {
    const group = this.#byTask.get(task);
    if (group === undefined) return;
    this.#byTask.delete(task);
    if (--group.members === 0) this.#byNumber.delete(group.number);
  }
}
