/**
 * The figures that agentyard promises, each measured inside one run: as a ratio of two contenders side by side, or of one contender to
 * a time of its own, because a ratio holds on other machines where a rate would not; and in a unit where the promise is about the
 * unit (bytes, the longest hold of the event loop). `npm run bench -- gate` measures them again.
 */
import { AGENT, CALL, EQUAL, RUNNABLE } from './suites/agents.js';
import { ENGINE_OURS, ENGINE_THEIRS, engineWorkload, SMOLLM2 } from './suites/engine.js';
import { NATIVE, TYPESCRIPT, workloadName } from './suites/heap-lock.js';
import { ABORT, BACKLOG, CORE, DECISION, FAIRNESS, FIFO, LOOP, MEMORY, PRIORITIES } from './suites/queue.js';
import { ASYNC_PRIORITY, P_QUEUE, OURS as QUEUE_OURS } from './suites/queue-contenders.js';
import { FIRST_COME, OURS, RESPONSIVENESS_WORKLOAD } from './suites/responsiveness.js';

export interface Bar {
  /** Short name, kebab-case. */
  id: string;
  /** The promise in words, as the documentation gives it. */
  says: string;
  suite: string;
  workload: string;
  metric: string;
  /** Contender whose value is divided … */
  numerator: string;
  /** … by this one's; null where the metric is promised as it is: a ratio already, or in `unit`. */
  denominator: string | null;
  /** Which side of `bound` is kept. */
  must: 'reach' | 'stay within';
  bound: number;
  /** The row's unit, where the metric is promised as it is; absent for a ratio. */
  unit?: string;
  /** Part of `bound` that noise may take, in [0, 1): 0.1 lets a promise of 2 be kept by 1.8. */
  toleranceRatio: number;
}

export const BARS: readonly Bar[] = [
  engineBar(8, 1.8),
  engineBar(16, 2.1),
  {
    id: 'gap',
    says: 'Pauses of running streams, p99, stay within one chunk and one decode step, half as much again',
    suite: 'responsiveness',
    workload: RESPONSIVENESS_WORKLOAD,
    metric: 'gap p99 / (chunk + step)',
    numerator: OURS,
    denominator: null,
    must: 'stay within',
    bound: 1.5,
    toleranceRatio: 0.1,
  },
  {
    id: 'interactive-first-token',
    says: 'First token of an interactive prompt among batch work, against first come, first served',
    suite: 'responsiveness',
    workload: RESPONSIVENESS_WORKLOAD,
    metric: 'first token, median',
    numerator: OURS,
    denominator: FIRST_COME,
    must: 'stay within',
    bound: 0.2,
    toleranceRatio: 0.25,
  },
  heapBar(1_000, 0.85),
  heapBar(100_000, 0.9),
  {
    ...queueRatio('queue-fifo', FIFO, QUEUE_OURS, P_QUEUE),
    says: 'Plain functions, first in, first out: no more time than p-queue takes',
    must: 'stay within',
    bound: 1,
  },
  {
    ...queueRatio('queue-priorities', PRIORITIES, P_QUEUE, QUEUE_OURS),
    says: 'Plain functions with random priorities: as many times as fast as p-queue',
    must: 'reach',
    bound: 8,
  },
  {
    ...queueRatio('queue-priorities-heap', PRIORITIES, QUEUE_OURS, ASYNC_PRIORITY),
    says: 'The same, against the bare heap of async.priorityQueue',
    must: 'stay within',
    bound: 1.5,
  },
  {
    ...queueRatio('queue-backlog', BACKLOG, P_QUEUE, QUEUE_OURS),
    says: 'A steady backlog of 100,000 functions: as many times as fast as p-queue',
    must: 'reach',
    bound: 60,
  },
  {
    ...queueRatio('queue-backlog-heap', BACKLOG, QUEUE_OURS, ASYNC_PRIORITY),
    says: 'The same, against the bare heap of async.priorityQueue',
    must: 'stay within',
    bound: 2,
  },
  {
    ...queueLimit('queue-memory', MEMORY, 'memory a waiting task', 'B'),
    says: 'Memory of a waiting function, with its promise and its closure',
    bound: 450,
    // Bytes do not depend on the machine; V8 versions differ a little.
    toleranceRatio: 0.02,
  },
  {
    ...queueLimit('queue-loop', LOOP, 'longest hold', 'ms'),
    says: '100,000 functions that resolve at once: longest hold of the event loop',
    bound: 20,
  },
  {
    ...queueLimit('queue-abort', ABORT, 'aborts, beyond an empty listener', 'ms'),
    says: '50,000 of 100,000 waiting functions aborted one by one, beyond what Node takes for the events',
    bound: 100,
  },
  {
    ...queueLimit('queue-fairness', FAIRNESS, 'share of the many done when the few were', '%'),
    says: 'Work of a tenant with 10,000 functions that goes before the last of another one with 100',
    bound: 2.5,
    toleranceRatio: 0,
  },
  {
    ...queueLimit('queue-decision', DECISION, 'one decision, p99', 'µs'),
    says: 'One decision of the scheduler with 100,000 waiting tasks of 1,000 tenants, p99',
    numerator: CORE,
    bound: 50,
  },
  {
    ...agentsBar('agent-call', CALL, 'beyond yard.add'),
    says: 'A trivial agent call beyond the bare task, with its input and output checked by zod',
    bound: 5,
    unit: 'µs',
    toleranceRatio: 0.25,
  },
  {
    ...agentsBar('agent-langchain', CALL, 'time a call'),
    says: 'The whole call, against a RunnableLambda that checks nothing',
    denominator: RUNNABLE,
    bound: 0.25,
    toleranceRatio: 0.1,
  },
  {
    ...agentsBar('agent-equal', EQUAL, 'runs'),
    says: '100 equal calls of a pure agent at once: one run',
    bound: 1,
    unit: 'runs',
    toleranceRatio: 0,
  },
];

function agentsBar(id: string, workload: string, metric: string) {
  return {
    id,
    suite: 'agents',
    workload,
    metric,
    numerator: AGENT,
    denominator: null as string | null,
    must: 'stay within',
  } as const;
}

function engineBar(sequences: number, ratio: number): Bar {
  return {
    id: `engine-${sequences}`,
    says: `Generation rate of ${sequences} sequences, against free-running sequences`,
    suite: 'engine',
    workload: engineWorkload(SMOLLM2, sequences),
    metric: 'generation rate, the better setting',
    numerator: ENGINE_OURS,
    denominator: ENGINE_THEIRS,
    must: 'reach',
    bound: ratio,
    toleranceRatio: 0.08,
  };
}

/** Measured on two virtual cores of an EPYC: 0.74 with 1,000 waiting, 0.81 with 100,000. */
function heapBar(items: number, ratio: number): Bar {
  return {
    id: `heap-batches-${items}`,
    says: `Batches of 64 with ${items.toLocaleString('en-US')} waiting: the compiled heap takes less time than its twin`,
    suite: 'heap-lock',
    workload: workloadName(items, 64),
    metric: 'operation',
    numerator: NATIVE,
    denominator: TYPESCRIPT,
    must: 'stay within',
    bound: ratio,
    toleranceRatio: 0.1,
  };
}

/** Time a task of one queue by that of another. */
function queueRatio(id: string, workload: string, numerator: string, denominator: string) {
  return { id, suite: 'queue', workload, metric: 'time a task', numerator, denominator, toleranceRatio: 0.1 } as const;
}

/** A figure of our own queue in its own unit. */
function queueLimit(id: string, workload: string, metric: string, unit: string) {
  return {
    id,
    suite: 'queue',
    workload,
    metric,
    numerator: QUEUE_OURS,
    denominator: null,
    must: 'stay within',
    unit,
    toleranceRatio: 0.25,
  } as const;
}
