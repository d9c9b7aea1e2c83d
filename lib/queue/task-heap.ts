/**
 * A 4-ary heap of task indices that is ordered by columns of the task table and can remove any task by its index.
 *
 * Order: larger key first, then smaller sequence (first submitted first). With `earliestFirst` the smaller key is first.
 * Invariants: 1. `at[task]` is the task's index in the heap, NONE for tasks outside. 2. No child is ahead of its parent.
 * Complexity: push, pop, remove, update O(log n), peek O(1). Memory: 4 bytes a task.
 */
import { NONE } from '../task/index.js';

/** The table's columns that a heap reads and writes. They are looked up at each use, because the table replaces them when it grows. */
export interface HeapColumns {
  /** Sort key per task. */
  keys(): Float64Array;
  /** Tie-break per task: smaller is ahead. */
  sequences(): Float64Array;
  /** Where each task is in the heap. */
  at(): Int32Array;
}

const ARITY = 4;

export class TaskHeap {
  size = 0;
  #items = new Int32Array(4);
  readonly #columns: HeapColumns;
  readonly #sign: 1 | -1;

  constructor(columns: HeapColumns, earliestFirst = false) {
    this.#columns = columns;
    this.#sign = earliestFirst ? -1 : 1;
  }

  /** The first task, or NONE. */
  peek(): number {
    return this.size === 0 ? NONE : this.#items[0]!;
  }

  push(task: number): void {
    if (this.size === this.#items.length) {
      const items = new Int32Array(this.#items.length * 2);
      items.set(this.#items);
      this.#items = items;
    }
    this.#up(this.size++, task);
  }

  /** Takes out a task that is in this heap. */
  remove(task: number): void {
    const at = this.#columns.at();
    const hole = at[task]!;
    at[task] = NONE;
    const last = this.#items[--this.size]!;
    if (last !== task) this.#place(hole, last);
    if (this.#items.length > 64 && this.size * 4 < this.#items.length) {
      this.#items = this.#items.slice(0, this.#items.length / 2);
    }
  }

  /** Restores the order after a task's key changed. */
  update(task: number): void {
    this.#place(this.#columns.at()[task]!, task);
  }

  #place(index: number, task: number): void {
    if (index > 0 && this.#ahead(task, this.#items[(index - 1) >> 2]!)) this.#up(index, task);
    else this.#down(index, task);
  }

  #up(from: number, task: number): void {
    const items = this.#items;
    const at = this.#columns.at();
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 2;
      const parent = items[parentIndex]!;
      if (!this.#ahead(task, parent)) break;
      items[index] = parent;
      at[parent] = index;
      index = parentIndex;
    }
    items[index] = task;
    at[task] = index;
  }

  #down(from: number, task: number): void {
    const items = this.#items;
    const at = this.#columns.at();
    let index = from;
    for (;;) {
      const first = index * ARITY + 1;
      if (first >= this.size) break;
      const end = Math.min(first + ARITY, this.size);
      let best = first;
      for (let child = first + 1; child < end; child++) if (this.#ahead(items[child]!, items[best]!)) best = child;
      const candidate = items[best]!;
      if (!this.#ahead(candidate, task)) break;
      items[index] = candidate;
      at[candidate] = index;
      index = best;
    }
    items[index] = task;
    at[task] = index;
  }

  #ahead(a: number, b: number): boolean {
    const keys = this.#columns.keys();
    const difference = (keys[a]! - keys[b]!) * this.#sign;
    if (difference !== 0 && !Number.isNaN(difference)) return difference > 0;
    const sequences = this.#columns.sequences();
    return sequences[a]! < sequences[b]!;
  }
}
