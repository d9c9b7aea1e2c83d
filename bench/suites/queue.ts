/** A yard as a queue for plain async functions, against the queues that Node programs use; and the cost of one decision. */
import type { Contender, Suite, SuiteContext } from '../suite.js';
import {
  ASYNC,
  ASYNC_PRIORITY,
  BOTTLENECK,
  DROP_IN,
  FASTQ,
  OUR_STRICT,
  OURS,
  P_LIMIT,
  P_QUEUE,
} from './queue-contenders.js';
import type { DecisionInput } from './queue-decision-run.js';
import type { QueueRunInput, QueueWorkload } from './queue-run.js';

const FILE = new URL('./queue-run.js', import.meta.url);
const DECISION_FILE = new URL('./queue-decision-run.js', import.meta.url);

export const FIFO = 'first in, first out';
export const PRIORITIES = 'random priorities';
export const BACKLOG = 'steady backlog';
export const MEMORY = 'memory';
export const LOOP = 'event loop';
export const ABORT = 'aborts';
export const FAIRNESS = 'fairness';
export const DECISION = 'decision';
export const CORE = 'agentyard core, vtc(aged)';

const TASKS = 100_000;
const FAIRNESS_TASKS = 10_000;
/** Enough that the yard gives the loop back, that its event log wraps, and that p-queue's list is worth sorting. */
const SMOKE_TASKS = 3_000;
/** p-queue moves half of the backlog in each cycle. */
const P_QUEUE_CYCLES = 2_000;

interface Entry {
  queue: string;
  /** As tables show it, with the size; default the queue's name. */
  name?: string;
  /** At most so many, where the queue's time grows with the square of them. */
  tasks?: number;
}

const SMALL_BOTTLENECK: Entry = { queue: BOTTLENECK, name: 'bottleneck, 1,000 tasks', tasks: 1_000 };
const SMALL_P_QUEUE: Entry = { queue: P_QUEUE, name: 'p-queue, 10,000 tasks', tasks: 10_000 };

const WORKLOADS: readonly { name: string; workload: QueueWorkload; queues: readonly (string | Entry)[] }[] = [
  {
    name: FIFO,
    workload: 'fifo',
    queues: [OURS, DROP_IN, P_QUEUE, FASTQ, ASYNC, P_LIMIT, SMALL_BOTTLENECK],
  },
  {
    name: PRIORITIES,
    workload: 'priorities',
    queues: [OURS, OUR_STRICT, DROP_IN, P_QUEUE, ASYNC_PRIORITY, SMALL_BOTTLENECK],
  },
  { name: BACKLOG, workload: 'backlog', queues: [OURS, OUR_STRICT, DROP_IN, P_QUEUE, ASYNC_PRIORITY] },
  {
    name: MEMORY,
    workload: 'memory',
    queues: [OURS, DROP_IN, P_QUEUE, FASTQ, ASYNC, ASYNC_PRIORITY, P_LIMIT, SMALL_BOTTLENECK],
  },
  { name: LOOP, workload: 'loop', queues: [OURS, DROP_IN, P_QUEUE, FASTQ, ASYNC, P_LIMIT] },
  { name: ABORT, workload: 'abort', queues: [OURS, DROP_IN, SMALL_P_QUEUE] },
  { name: FAIRNESS, workload: 'fairness', queues: [OURS, DROP_IN, P_QUEUE, FASTQ, ASYNC, P_LIMIT] },
];

export const suite: Suite = {
  name: 'queue',
  description: 'a yard as a queue for async functions against p-queue, fastq, async, p-limit, bottleneck; one decision',
  operation: [
    'Tasks are async functions that resolve at once; 64 run at a time, 100,000 are queued. Each process warms up before it measures and checks',
    'that every task ran and that the promised order was kept.',
    `${FIFO}: from the first add to the last settled promise, all added at once.`,
    `${PRIORITIES}: the same, all added behind running tasks, with uniform real priorities (bottleneck: ten levels).`,
    `${BACKLOG}: 100,000 wait throughout; a cycle adds one with a random priority, ends one, and lasts until the next has started (p-queue: 2,000 cycles).`,
    `${MEMORY}: bytes a waiting task with its promise and its closure, after a garbage collection.`,
    `${LOOP}: from the last add on, the longest time between two turns of the event loop.`,
    `${ABORT}: 50,000 of 100,000 waiting tasks are aborted, each by its own controller; less what Node takes for the events alone.`,
    `${FAIRNESS}: one tenant queues 10,000 tasks, then another 100; queues without tenants take them as they come.`,
    `${DECISION}: one "ended" event with what it starts, 100,000 waiting tasks of 1,000 tenants, 8 demands on 3 pools; each timed alone.`,
  ].join('\n'),
  async run(context) {
    for (const { name, workload, queues } of WORKLOADS) {
      await context.compare(
        name,
        queues.map((queue) => contenderOf(context, workload, queue)),
      );
    }
    const size = context.smoke ? { tasks: SMOKE_TASKS, decisions: 2_000 } : { tasks: TASKS, decisions: 200_000 };
    await context.compare(DECISION, [
      {
        name: CORE,
        file: DECISION_FILE,
        input: { ...size, tenants: 1_000, seed: context.seed } satisfies DecisionInput,
      },
    ]);
  },
};

function contenderOf({ smoke, seed }: SuiteContext, workload: QueueWorkload, entry: string | Entry): Contender {
  const { queue, name = queue, tasks: tasksMax = TASKS } = typeof entry === 'string' ? { queue: entry } : entry;
  const isFairness = workload === 'fairness';
  const tasks = smoke ? Math.min(tasksMax / 10, SMOKE_TASKS) : Math.min(tasksMax, isFairness ? FAIRNESS_TASKS : TASKS);
  const cycles = smoke ? 200 : queue === P_QUEUE ? P_QUEUE_CYCLES : TASKS;
  const more = isFairness ? tasks / 100 : cycles;
  return { name, file: FILE, input: { workload, queue, tasks, more, seed } satisfies QueueRunInput };
}
