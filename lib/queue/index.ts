export * from './flow.js';
export * from './task-heap.js';
export * from './task-queue.js';
