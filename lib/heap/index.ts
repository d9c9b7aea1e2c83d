export { createPriorityHeap, type PriorityHeapOptions } from './create-priority-heap.js';
export { HEAP_CAPACITY_MAX, HEAP_FULL, type PriorityHeap } from './priority-heap.js';
