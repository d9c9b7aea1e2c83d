/** `agentyard/p-queue`: stands in for the package p-queue 9 by a change of the import. */
export type { EventName } from './events.js';
export type { Options, Queue, QueueAddOptions, RunFunction, TaskOptions } from './options.js';
export { PQueue, PQueue as default } from './p-queue.js';
export { PriorityQueue, type PriorityQueueOptions } from './priority-queue.js';
export type { RunningTask } from './running-task.js';
export { TimeoutError } from './timeout-error.js';
