/**
 * A priority queue of task indices that can remove any task by its index.
 *
 * Order: larger key first, then smaller sequence (first submitted first). With `earliestFirst` the smaller key is first.
 * A task that is behind all before it (first come first served, equal priorities, equal time-outs) joins the end of a sorted line; any
 * other goes into a 4-ary heap beside it. So work that comes in order costs O(1), whatever the order is called.
 * Invariants: 1. `at[task]` is the task's index in the heap, or −2 − its place in the line, or NONE for tasks outside. 2. No child is
 * ahead of its parent. 3. The line is sorted, holes (NONE) aside, and neither begins nor ends with a hole.
 * Keys are kept beside the tasks and not looked up in the table: the four children of a parent are then one cache line, where their
 * rows would be four at random places.
 * Complexity: push, remove, update O(log n), O(1) in the line; peek O(1). Memory: 12 bytes a task.
 */
import { NONE } from '../task/index.js';

/** The table's columns that a heap reads and writes. They are looked up at each use, because the table replaces them when it grows. */
export interface HeapColumns {
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
  /** Of the tasks in the heap, the larger the sooner. */
  #keys = new Float64Array(4);
  /** Tasks in the heap. */
  #count = 0;
  /** A ring, its length a power of two: the places from `#head` to `#tail`, both counted on for ever. */
  #line = new Int32Array(4);
  #lineKeys = new Float64Array(4);
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

  /** The key of a task that is inside. */
  keyOf(task: number): number {
    const at = this.#columns.at()[task]!;
    return (at < NONE ? this.#lineKeys[NONE - 1 - at]! : this.#keys[at]!) * this.#sign;
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

  push(task: number, key: number): void {
    const rank = key * this.#sign;
    this.size++;
    this.#isFirstKnown = false;
    const last = (this.#tail - 1) & (this.#line.length - 1);
    if (this.#head === this.#tail || this.#isAhead(this.#line[last]!, this.#lineKeys[last]!, task, rank)) {
      this.#join(task, rank);
      return;
    }
    if (this.#count === this.#items.length) this.#resize(this.#items.length * 2);
    this.#up(this.#count++, task, rank);
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
    if (last !== task) this.#place(hole, last, this.#keys[this.#count]!);
    if (this.#items.length > 64 && this.#count * 4 < this.#items.length) this.#resize(this.#items.length / 2);
  }

  /** Gives a task that is inside another key. */
  update(task: number, key: number): void {
    const index = this.#columns.at()[task]!;
    if (index >= 0) {
      this.#isFirstKnown = false;
      this.#place(index, task, key * this.#sign);
      return;
    }
    this.remove(task);
    this.push(task, key);
  }

  #findFirst(): number {
    if (this.#head === this.#tail) return this.#count === 0 ? NONE : this.#items[0]!;
    const front = this.#head & (this.#line.length - 1);
    const first = this.#line[front]!;
    if (this.#count === 0) return first;
    return this.#isAhead(this.#items[0]!, this.#keys[0]!, first, this.#lineKeys[front]!) ? this.#items[0]! : first;
  }

  #countInHeap(isAhead: (task: number) => boolean, from: number): number {
    if (from >= this.#count || !isAhead(this.#items[from]!)) return 0;
    let count = 1;
    for (let child = from * ARITY + 1; child <= from * ARITY + ARITY; child++) {
      count += this.#countInHeap(isAhead, child);
    }
    return count;
  }

  #isAhead(a: number, keyOfA: number, b: number, keyOfB: number): boolean {
    if (keyOfA !== keyOfB) return keyOfA > keyOfB;
    const sequences = this.#columns.sequences();
    return sequences[a]! < sequences[b]!;
  }

  #join(task: number, rank: number): void {
    if (this.#tail - this.#head === this.#line.length) this.#relay(this.#line.length * 2);
    const index = this.#tail++ & (this.#line.length - 1);
    this.#line[index] = task;
    this.#lineKeys[index] = rank;
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
    const keys = new Float64Array(length);
    let tail = 0;
    for (let place = this.#head; place < this.#tail; place++) {
      const index = place & (this.#line.length - 1);
      const task = this.#line[index]!;
      if (task === NONE) continue;
      at[task] = NONE - 1 - tail;
      keys[tail] = this.#lineKeys[index]!;
      line[tail++] = task;
    }
    this.#line = line;
    this.#lineKeys = keys;
    this.#head = 0;
    this.#tail = tail;
  }

  /** Makes room for `length` tasks in the heap. */
  #resize(length: number): void {
    const items = new Int32Array(length);
    const keys = new Float64Array(length);
    items.set(this.#items.subarray(0, this.#count));
    keys.set(this.#keys.subarray(0, this.#count));
    this.#items = items;
    this.#keys = keys;
  }

  #place(index: number, task: number, key: number): void {
    if (this.#up(index, task, key) === index) this.#down(index, task, key);
  }

  /** @returns where the task came to rest */
  #up(from: number, task: number, key: number): number {
    const items = this.#items;
    const keys = this.#keys;
    const sequences = this.#columns.sequences();
    const at = this.#columns.at();
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 2;
      const parent = items[parentIndex]!;
      const parentKey = keys[parentIndex]!;
      if (key === parentKey ? sequences[task]! >= sequences[parent]! : key < parentKey) break;
      items[index] = parent;
      keys[index] = parentKey;
      at[parent] = index;
      index = parentIndex;
    }
    items[index] = task;
    keys[index] = key;
    at[task] = index;
    return index;
  }

  #down(from: number, task: number, key: number): void {
    const items = this.#items;
    const keys = this.#keys;
    const sequences = this.#columns.sequences();
    const at = this.#columns.at();
    const count = this.#count;
    let index = from;
    for (;;) {
      const first = index * ARITY + 1;
      if (first >= count) break;
      const end = Math.min(first + ARITY, count);
      let bestIndex = first;
      let bestKey = keys[first]!;
      for (let child = first + 1; child < end; child++) {
        const childKey = keys[child]!;
        if (childKey === bestKey ? sequences[items[child]!]! < sequences[items[bestIndex]!]! : childKey > bestKey) {
          bestIndex = child;
          bestKey = childKey;
        }
      }
      const best = items[bestIndex]!;
      if (bestKey === key ? sequences[best]! > sequences[task]! : bestKey < key) break;
      items[index] = best;
      keys[index] = bestKey;
      at[best] = index;
      index = bestIndex;
    }
    items[index] = task;
    keys[index] = key;
    at[task] = index;
  }
}
