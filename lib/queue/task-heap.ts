/**
 * A priority queue of task indices that is ordered by columns of the task table and can remove any task by its index.
 *
 * Order: larger key first, then smaller sequence (first submitted first). With `earliestFirst` the smaller key is first.
 * A task that is behind all before it (first come first served, equal priorities, equal time-outs) joins the end of a sorted line; any
 * other goes into a 4-ary heap beside it. So work that comes in order costs O(1), whatever the order is called.
 * Invariants: 1. `at[task]` is the task's index in the heap, or −2 − its place in the line, or NONE for tasks outside. 2. No child is
 * ahead of its parent. 3. The line is sorted, holes (NONE) aside, and neither begins nor ends with a hole.
 * Complexity: push, remove, update O(log n), O(1) in the line; peek O(1). Memory: 4 bytes a task.
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

/** Holes in the line are closed when they are more than this part of it. */
const HOLES_MAX_RATIO = 3 / 4;
const LINE_LENGTH_MIN = 64;

export class TaskHeap {
  /** Tasks inside. */
  size = 0;
  #items = new Int32Array(4);
  /** Tasks in the heap. */
  #count = 0;
  /** A ring, its length a power of two: the places from `#head` to `#tail`, both counted on for ever. */
  #line = new Int32Array(4);
  #head = 0;
  #tail = 0;
  /** The first task, or NONE, where `#isFirstKnown`. Asked far more often than it changes. */
  #first: number = NONE;
  #isFirstKnown = true;
  readonly #columns: HeapColumns;
  readonly #sign: 1 | -1;

  constructor(columns: HeapColumns, earliestFirst = false) {
    this.#columns = columns;
    this.#sign = earliestFirst ? -1 : 1;
  }

  /** The first task, or NONE. */
  peek(): number {
    if (!this.#isFirstKnown) {
      this.#first = this.#findFirst();
      this.#isFirstKnown = true;
    }
    return this.#first;
  }

  /**
   * How many tasks, from the front, `isAhead` holds of. It must hold of every task that is ahead of one that it holds of: what is
   * behind a task that it does not hold of is not looked at. O(tasks that it holds of, and holes among them).
   */
  countAhead(isAhead: (task: number) => boolean): number {
    let count = this.#countInHeap(isAhead, 0);
    for (let place = this.#head; place < this.#tail; place++) {
      const task = this.#line[place & (this.#line.length - 1)]!;
      if (task === NONE) continue;
      if (!isAhead(task)) break;
      count++;
    }
    return count;
  }

  push(task: number): void {
    this.size++;
    this.#isFirstKnown = false;
    const last = this.#line[(this.#tail - 1) & (this.#line.length - 1)]!;
    if (this.#head === this.#tail || this.#isAhead(last, task)) {
      this.#join(task);
      return;
    }
    if (this.#count === this.#items.length) {
      const items = new Int32Array(this.#items.length * 2);
      items.set(this.#items);
      this.#items = items;
    }
    this.#up(this.#count++, task);
  }

  /** Takes out a task that is inside. */
  remove(task: number): void {
    const at = this.#columns.at();
    const hole = at[task]!;
    at[task] = NONE;
    this.size--;
    this.#isFirstKnown = false;
    if (hole < NONE) {
      this.#leave(NONE - 1 - hole);
      return;
    }
    const last = this.#items[--this.#count]!;
    if (last !== task) this.#place(hole, last);
    if (this.#items.length > 64 && this.#count * 4 < this.#items.length) {
      this.#items = this.#items.slice(0, this.#items.length / 2);
    }
  }

  /** Restores the order after a task's key changed. */
  update(task: number): void {
    const index = this.#columns.at()[task]!;
    if (index >= 0) {
      this.#isFirstKnown = false;
      this.#place(index, task);
      return;
    }
    this.remove(task);
    this.push(task);
  }

  #findFirst(): number {
    if (this.#head === this.#tail) return this.#count === 0 ? NONE : this.#items[0]!;
    const first = this.#line[this.#head & (this.#line.length - 1)]!;
    return this.#count > 0 && this.#isAhead(this.#items[0]!, first) ? this.#items[0]! : first;
  }

  #countInHeap(isAhead: (task: number) => boolean, from: number): number {
    if (from >= this.#count || !isAhead(this.#items[from]!)) return 0;
    let count = 1;
    for (let child = from * ARITY + 1; child <= from * ARITY + ARITY; child++) {
      count += this.#countInHeap(isAhead, child);
    }
    return count;
  }

  #isAhead(a: number, b: number): boolean {
    const keys = this.#columns.keys();
    if (keys[a] !== keys[b]) return (keys[a]! - keys[b]!) * this.#sign > 0;
    const sequences = this.#columns.sequences();
    return sequences[a]! < sequences[b]!;
  }

  #join(task: number): void {
    if (this.#tail - this.#head === this.#line.length) this.#relay(this.#line.length * 2);
    const index = this.#tail++ & (this.#line.length - 1);
    this.#line[index] = task;
    this.#columns.at()[task] = NONE - 1 - index;
  }

  /** @param index - in the ring */
  #leave(index: number): void {
    const line = this.#line;
    const mask = line.length - 1;
    line[index] = NONE;
    while (this.#head < this.#tail && line[this.#head & mask] === NONE) this.#head++;
    while (this.#head < this.#tail && line[(this.#tail - 1) & mask] === NONE) this.#tail--;
    const inLine = this.size - this.#count;
    const places = this.#tail - this.#head;
    if (places > LINE_LENGTH_MIN && places - inLine > places * HOLES_MAX_RATIO) this.#relay(line.length);
    else if (line.length > LINE_LENGTH_MIN && places * 4 < line.length) this.#relay(line.length / 2);
  }

  /** Moves the line into a ring of another length, or the same, without holes. */
  #relay(length: number): void {
    const at = this.#columns.at();
    const line = new Int32Array(length);
    let tail = 0;
    for (let place = this.#head; place < this.#tail; place++) {
      const task = this.#line[place & (this.#line.length - 1)]!;
      if (task === NONE) continue;
      at[task] = NONE - 1 - tail;
      line[tail++] = task;
    }
    this.#line = line;
    this.#head = 0;
    this.#tail = tail;
  }

  #place(index: number, task: number): void {
    if (this.#up(index, task) === index) this.#down(index, task);
  }

  /** @returns where the task came to rest */
  #up(from: number, task: number): number {
    const items = this.#items;
    const keys = this.#columns.keys();
    const sequences = this.#columns.sequences();
    const at = this.#columns.at();
    const sign = this.#sign;
    const key = keys[task]!;
    const sequence = sequences[task]!;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 2;
      const parent = items[parentIndex]!;
      const parentKey = keys[parent]!;
      if (key === parentKey ? sequence >= sequences[parent]! : (key - parentKey) * sign < 0) break;
      items[index] = parent;
      at[parent] = index;
      index = parentIndex;
    }
    items[index] = task;
    at[task] = index;
    return index;
  }

  #down(from: number, task: number): void {
    const items = this.#items;
    const keys = this.#columns.keys();
    const sequences = this.#columns.sequences();
    const at = this.#columns.at();
    const sign = this.#sign;
    const key = keys[task]!;
    const sequence = sequences[task]!;
    let index = from;
    for (;;) {
      const first = index * ARITY + 1;
      if (first >= this.#count) break;
      const end = Math.min(first + ARITY, this.#count);
      let best = items[first]!;
      let bestIndex = first;
      let bestKey = keys[best]!;
      for (let child = first + 1; child < end; child++) {
        const candidate = items[child]!;
        const candidateKey = keys[candidate]!;
        if (candidateKey === bestKey ? sequences[candidate]! < sequences[best]! : (candidateKey - bestKey) * sign > 0) {
          best = candidate;
          bestIndex = child;
          bestKey = candidateKey;
        }
      }
      if (bestKey === key ? sequences[best]! > sequence : (bestKey - key) * sign < 0) break;
      items[index] = best;
      at[best] = index;
      index = bestIndex;
    }
    items[index] = task;
    at[task] = index;
  }
}
