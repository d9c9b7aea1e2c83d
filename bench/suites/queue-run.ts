/** One run of the queue suite: one workload on one queue. */
import { serveContender } from '../contender.js';
import type { Measurement } from '../suite.js';
import { measureAbort } from './queue-abort.js';
import { openQueue, type TaskQueue } from './queue-contenders.js';
import { measureFairness } from './queue-fairness.js';
import { measureLoop } from './queue-loop.js';
import { measureMemory } from './queue-memory.js';
import { CONCURRENCY } from './queue-support.js';
import { measureBacklog, measureFifo, measurePriorities } from './queue-throughput.js';

export type QueueWorkload = 'fifo' | 'priorities' | 'backlog' | 'memory' | 'loop' | 'abort' | 'fairness';

export type QueueRunInput = {
  workload: QueueWorkload;
  /** One of the names in `queue-contenders.ts`. */
  queue: string;
  /** Tasks of the workload; those that wait throughout, in a backlog. */
  tasks: number;
  /** Of a backlog: tasks added and ended while it is measured. Of fairness: tasks of the second tenant. */
  more: number;
  seed: number;
};

serveContender<QueueRunInput>(async (input) => {
  const queue = await openQueue(input.queue, CONCURRENCY);
  const measurements = await measure(queue, input);
  await queue.close?.();
  return measurements;
});

function measure(queue: TaskQueue, { workload, tasks, more, seed }: QueueRunInput): Promise<Measurement[]> {
  switch (workload) {
    case 'fifo':
      return measureFifo(queue, tasks);
    case 'priorities':
      return measurePriorities(queue, tasks, seed);
    case 'backlog':
      return measureBacklog(queue, tasks, more, seed);
    case 'memory':
      return measureMemory(queue, tasks);
    case 'loop':
      return measureLoop(queue, tasks);
    case 'abort':
      return measureAbort(queue, tasks, seed);
    case 'fairness':
      return measureFairness(queue, tasks, more);
    default:
      return workload satisfies never;
  }
}
