/**
 * The TypeScript twin of native/core/priority_heap.h: a 4-ary heap in typed arrays, with the same order, handles and refusals.
 *
 * Invariants:
 * 1. Order is (priority descending, sequence ascending); no two entries share a sequence.
 * 2. An entry is live iff its sequence equals its slot's. A stale entry is a tombstone, dropped when it surfaces or at the next
 *    compaction, so cancel is O(1) and update does not search.
 * 3. live ≤ capacity, and entries ≤ 2 · live + TOMBSTONE_SLACK after every operation.
 * 4. A handle is generation · 2^26 + slot. The generation changes when the slot is freed; it starts at 1, so no handle is 0.
 * Not for sharing between threads. Cost as in {@link PriorityHeap}.
 */
import { InvalidOptionError, InvalidPriorityError } from '../base/index.js';
import type { PriorityHeap } from './priority-heap.js';
import { requireRoom } from './require-room.js';

const SLOTS = 2 ** 26;
const SLOT_MASK = SLOTS - 1;
const NO_SLOT = -1;
const TOMBSTONE_SLACK = 64;
const FIRST_SIZE = 16;

export class TypedArrayHeap implements PriorityHeap {
  readonly capacity: number;
  /** Entries, in heap order. Sequences are safe integers, kept as doubles. */
  #priorities = new Float64Array(FIRST_SIZE);
  #sequences = new Float64Array(FIRST_SIZE);
  #slots = new Int32Array(FIRST_SIZE);
  #entries = 0;
  /** Slots; a free one has sequence 0 and links to the next free one in #nextFree. */
  #values = new Float64Array(FIRST_SIZE);
  #slotSequences = new Float64Array(FIRST_SIZE);
  #generations = new Int32Array(FIRST_SIZE);
  #nextFree = new Int32Array(FIRST_SIZE);
  #slotsUsed = 0;
  #freeHead = NO_SLOT;
  #live = 0;
  #nextSequence = 1;
  #lastPriority = Number.NaN;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#live;
  }

  get lastPriority(): number {
    return this.#lastPriority;
  }

  push(priority: number, value: number): number {
    requirePriority(priority);
    return this.#push(priority, value);
  }

  pop(): number | undefined {
    if (!this.#dropTombstones()) return undefined;
    this.#lastPriority = this.#priorities[0] as number;
    return this.#takeTop();
  }

  peek(): number | undefined {
    if (!this.#dropTombstones()) return undefined;
    this.#lastPriority = this.#priorities[0] as number;
    return this.#values[this.#slots[0] as number];
  }

  cancel(handle: number): boolean {
    const slot = this.#slotOf(handle);
    if (slot === NO_SLOT) return false;
    this.#freeSlot(slot);
    this.#compactIfNeeded();
    return true;
  }

  update(handle: number, priority: number): boolean {
    requirePriority(priority);
    const slot = this.#slotOf(handle);
    if (slot === NO_SLOT) return false;
    this.#insert(priority, slot); // the slot's new sequence turns the old entry into a tombstone
    this.#compactIfNeeded();
    return true;
  }

  pushMany(priorities: Float64Array, values: Float64Array, handles?: Float64Array): number {
    requireRoom(priorities, values, handles);
    for (let i = 0; i < priorities.length; i++) requirePriority(priorities[i] as number);
    for (let i = 0; i < priorities.length; i++) {
      const handle = this.#push(priorities[i] as number, values[i] as number);
      if (handle === 0) return i;
      if (handles !== undefined) handles[i] = handle;
    }
    return priorities.length;
  }

  popMany(priorities: Float64Array, values: Float64Array): number {
    if (!(priorities instanceof Float64Array) || !(values instanceof Float64Array)) {
      throw new InvalidOptionError('priorities', 'popMany fills two Float64Arrays.');
    }
    const limit = Math.min(priorities.length, values.length);
    let popped = 0;
    while (popped < limit && this.#dropTombstones()) {
      priorities[popped] = this.#priorities[0] as number;
      values[popped] = this.#takeTop();
      popped++;
    }
    return popped;
  }

  #push(priority: number, value: number): number {
    if (this.#live === this.capacity) return 0;
    let slot = this.#freeHead;
    if (slot !== NO_SLOT) {
      this.#freeHead = this.#nextFree[slot] as number;
    } else {
      slot = this.#slotsUsed++;
      if (slot === this.#values.length) this.#growSlots();
      this.#generations[slot] = 1;
    }
    this.#values[slot] = value;
    this.#live++;
    this.#insert(priority, slot);
    return (this.#generations[slot] as number) * SLOTS + slot;
  }

  /** Removes the entry at the top, which must be live, and frees its slot. */
  #takeTop(): number {
    const slot = this.#slots[0] as number;
    const value = this.#values[slot] as number;
    this.#removeTop();
    this.#freeSlot(slot);
    this.#compactIfNeeded();
    return value;
  }

  /** Brings a live entry to the top; false when there is none. */
  #dropTombstones(): boolean {
    while (this.#entries > 0) {
      if (this.#slotSequences[this.#slots[0] as number] === this.#sequences[0]) return true;
      this.#removeTop();
    }
    return false;
  }

  #slotOf(handle: number): number {
    if (!Number.isSafeInteger(handle) || handle < SLOTS) return NO_SLOT;
    const generation = Math.floor(handle / SLOTS);
    const slot = handle - generation * SLOTS;
    if (slot >= this.#slotsUsed || this.#slotSequences[slot] === 0) return NO_SLOT;
    return this.#generations[slot] === generation ? slot : NO_SLOT;
  }

  #freeSlot(slot: number): void {
    const generation = this.#generations[slot] as number;
    this.#slotSequences[slot] = 0;
    this.#generations[slot] = generation === SLOT_MASK ? 1 : generation + 1;
    this.#nextFree[slot] = this.#freeHead;
    this.#freeHead = slot;
    this.#live--;
  }

  #insert(priority: number, slot: number): void {
    if (this.#entries === this.#priorities.length) this.#growEntries();
    const sequence = this.#nextSequence++;
    this.#slotSequences[slot] = sequence;
    const priorities = this.#priorities;
    const sequences = this.#sequences;
    const slots = this.#slots;
    const key = priority + 0; // -0 + 0 is +0
    let hole = this.#entries++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      // The newest entry has the largest sequence: among equal priorities it stays below.
      if (!(key > (priorities[parent] as number))) break;
      priorities[hole] = priorities[parent] as number;
      sequences[hole] = sequences[parent] as number;
      slots[hole] = slots[parent] as number;
      hole = parent;
    }
    priorities[hole] = key;
    sequences[hole] = sequence;
    slots[hole] = slot;
  }

  #removeTop(): void {
    const last = --this.#entries;
    if (last > 0) this.#siftDown(0, last);
  }

  /** Places the entry that lies at index `from` into the hole at `hole` or below. */
  #siftDown(hole: number, from: number): void {
    const priorities = this.#priorities;
    const sequences = this.#sequences;
    const slots = this.#slots;
    const count = this.#entries;
    const key = priorities[from] as number;
    const sequence = sequences[from] as number;
    const slot = slots[from] as number;
    for (;;) {
      const first = hole * 4 + 1;
      if (first >= count) break;
      const end = Math.min(first + 4, count);
      let best = first;
      let bestKey = priorities[first] as number;
      for (let child = first + 1; child < end; child++) {
        const childKey = priorities[child] as number;
        if (
          childKey > bestKey ||
          (childKey === bestKey && (sequences[child] as number) < (sequences[best] as number))
        ) {
          best = child;
          bestKey = childKey;
        }
      }
      if (bestKey < key || (bestKey === key && (sequences[best] as number) > sequence)) break;
      priorities[hole] = bestKey;
      sequences[hole] = sequences[best] as number;
      slots[hole] = slots[best] as number;
      hole = best;
    }
    priorities[hole] = key;
    sequences[hole] = sequence;
    slots[hole] = slot;
  }

  /** Drops all tombstones once they outnumber the live items: O(n), paid for by the cancels and updates that made them. */
  #compactIfNeeded(): void {
    if (this.#entries <= 2 * this.#live + TOMBSTONE_SLACK) return;
    let kept = 0;
    for (let i = 0; i < this.#entries; i++) {
      const slot = this.#slots[i] as number;
      const sequence = this.#sequences[i] as number;
      if (this.#slotSequences[slot] !== sequence) continue;
      this.#priorities[kept] = this.#priorities[i] as number;
      this.#sequences[kept] = sequence;
      this.#slots[kept] = slot;
      kept++;
    }
    this.#entries = kept;
    for (let i = (kept - 2) >> 2; i >= 0; i--) this.#siftDown(i, i);
  }

  #growEntries(): void {
    const size = this.#priorities.length * 2;
    this.#priorities = grownFloats(this.#priorities, size);
    this.#sequences = grownFloats(this.#sequences, size);
    this.#slots = grownInts(this.#slots, size);
  }

  #growSlots(): void {
    const size = Math.min(this.#values.length * 2, Math.max(this.capacity, FIRST_SIZE));
    this.#values = grownFloats(this.#values, size);
    this.#slotSequences = grownFloats(this.#slotSequences, size);
    this.#generations = grownInts(this.#generations, size);
    this.#nextFree = grownInts(this.#nextFree, size);
  }
}

function requirePriority(priority: number): void {
  if (typeof priority !== 'number' || Number.isNaN(priority)) throw new InvalidPriorityError(priority);
}

function grownFloats(from: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(size);
  grown.set(from);
  return grown;
}

function grownInts(from: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(size);
  grown.set(from);
  return grown;
}
