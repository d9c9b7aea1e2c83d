import { InvalidOptionError, nativeCore } from '../base/index.js';
import { NativeHeapAdapter } from './native-heap.js';
import { HEAP_CAPACITY_MAX, type PriorityHeap } from './priority-heap.js';
import { TypedArrayHeap } from './ts-heap.js';

export interface PriorityHeapOptions {
  /** Most items at one time, 1 to {@link HEAP_CAPACITY_MAX}. */
  capacity: number;
  /** Default: the core that runs, see `nativeStatus()`. */
  core?: 'native' | 'typescript';
}

/**
 * Makes an empty heap for the calling thread.
 *
 * Which core? One call at a time, a call into the compiled heap costs more than the TypeScript heap's whole operation on small
 * queues; the compiled heap wins with `pushMany` and `popMany`, and keeps what is queued out of the JavaScript heap.
 * @throws {@link InvalidOptionError} when the capacity is out of range, or `core: 'native'` is asked for and not available
 */
export function createPriorityHeap(options: PriorityHeapOptions): PriorityHeap {
  const { capacity } = options;
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > HEAP_CAPACITY_MAX) {
    throw new InvalidOptionError(
      'capacity',
      `A heap's capacity is a whole number from 1 to ${HEAP_CAPACITY_MAX}; got ${String(capacity)}.`,
    );
  }
  const core = options.core === 'typescript' ? undefined : nativeCore();
  if (core !== undefined) {
    const heap = core.createHeap(capacity);
    if (heap !== undefined) return new NativeHeapAdapter(heap, capacity);
  }
  if (options.core === 'native') {
    throw new InvalidOptionError('core', 'The compiled heap is not available here; nativeStatus() says why.');
  }
  return new TypedArrayHeap(capacity);
}
