/** What a strict priority heap of numbers does, compiled or in TypeScript. */

/** Most items a heap can be made for: handles have 26 bits for the place of an item. */
export const HEAP_CAPACITY_MAX = 2 ** 26;

/** What {@link PriorityHeap.push} returns when the heap is full. No handle is 0. */
export const HEAP_FULL = 0;

/**
 * A bounded priority queue of numbers: the largest priority goes first, and among equal priorities the first pushed.
 *
 * An item is a priority and a value. The value is a number of the caller's (an index, an id) that the heap never looks at.
 * A *handle* names a queued item: a positive safe integer. Once the item is popped or cancelled its handle is refused with `false`,
 * and so is any number that never was a handle of this heap. A place is reused, so a kept handle would fit again after its place
 * was used 2^26 − 1 times more.
 *
 * Priorities are any number but NaN; −0 counts as 0 and ±Infinity are allowed.
 * Cost: push, pop and update O(log n) amortised; cancel and peek O(1) amortised. Memory grows with the items, up to the capacity.
 */
export interface PriorityHeap {
  /** Most items at one time. */
  readonly capacity: number;
  /** Items queued now. */
  readonly size: number;
  /** Priority of the item that the last `pop` or `peek` returned; NaN before the first. */
  readonly lastPriority: number;
  /**
   * @returns the item's handle, or {@link HEAP_FULL} (0) when the heap holds as many items as its capacity
   * @throws {@link InvalidPriorityError} when the priority is NaN or no number
   */
  push(priority: number, value: number): number;
  /** Removes the first item and returns its value; undefined when empty. */
  pop(): number | undefined;
  /** The first item's value, without removing it; undefined when empty. */
  peek(): number | undefined;
  /** Removes a queued item. False when the handle names none. */
  cancel(handle: number): boolean;
  /**
   * Gives a queued item another priority; it goes behind all items that have that priority already. False when the handle names none.
   * @throws {@link InvalidPriorityError} when the priority is NaN or no number
   */
  update(handle: number, priority: number): boolean;
  /**
   * Pushes `priorities[i]` with `values[i]` in order until all are in or the heap is full, and writes their handles when asked.
   * @returns how many were pushed
   * @throws {@link InvalidPriorityError} when any priority is NaN: then nothing was pushed
   * @throws {@link InvalidOptionError} when `values` or `handles` is shorter than `priorities`
   */
  pushMany(priorities: Float64Array, values: Float64Array, handles?: Float64Array): number;
  /**
   * Pops items, first to last, into both arrays until the shorter one is full or the heap is empty. `lastPriority` does not change.
   * @returns how many were popped
   */
  popMany(priorities: Float64Array, values: Float64Array): number;
}
