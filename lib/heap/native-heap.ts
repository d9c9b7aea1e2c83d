/** The compiled heap behind the {@link PriorityHeap} interface: turns refusal codes into typed errors. */
import { InvalidOptionError, InvalidPriorityError, type NativeHeap, NativeRefusal } from '../base/index.js';
import type { PriorityHeap } from './priority-heap.js';
import { requireRoom } from './require-room.js';

export class NativeHeapAdapter implements PriorityHeap {
  readonly capacity: number;
  readonly #heap: NativeHeap;
  readonly #priority: Float64Array;

  constructor(heap: NativeHeap, capacity: number) {
    this.capacity = capacity;
    this.#heap = heap;
    this.#priority = heap.priority;
    this.#priority[0] = Number.NaN;
  }

  get size(): number {
    return this.#heap.size();
  }

  get lastPriority(): number {
    return this.#priority[0] as number;
  }

  push(priority: number, value: number): number {
    const handle = this.#heap.push(priority, value);
    if (handle < 0) refuse(handle, priority);
    return handle;
  }

  pop(): number | undefined {
    return this.#heap.pop();
  }

  peek(): number | undefined {
    return this.#heap.peek();
  }

  cancel(handle: number): boolean {
    return this.#heap.cancel(handle);
  }

  update(handle: number, priority: number): boolean {
    const updated = this.#heap.update(handle, priority);
    if (updated < 0) refuse(updated, priority);
    return updated === 1;
  }

  pushMany(priorities: Float64Array, values: Float64Array, handles?: Float64Array): number {
    requireRoom(priorities, values, handles);
    const pushed = this.#heap.pushMany(priorities, values, handles);
    if (pushed < 0) refuse(pushed, Number.NaN);
    return pushed;
  }

  popMany(priorities: Float64Array, values: Float64Array): number {
    const popped = this.#heap.popMany(priorities, values);
    if (popped < 0) throw new InvalidOptionError('priorities', 'popMany fills two Float64Arrays.');
    return popped;
  }
}

function refuse(code: number, priority: unknown): never {
  if (code === NativeRefusal.noMemory) throw new RangeError('The process has no memory left for another queued item.');
  throw new InvalidPriorityError(priority);
}
