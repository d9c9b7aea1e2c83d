/**
 * The figures that agentyard promises, each measured inside one run: as a ratio of two contenders side by side, or of one contender to
 * a time of its own, because a ratio holds on other machines where a rate would not; and in a unit where the promise is about the
 * unit (bytes, the longest hold of the event loop). `npm run bench -- gate` measures them again.
 */
import { AGENT, CALL, EQUAL, RUNNABLE } from './suites/agents.js';
import { ENGINE_OURS, ENGINE_THEIRS, engineWorkload, SMOLLM2 } from './suites/engine.js';
import { NATIVE, TYPESCRIPT, workloadName } from './suites/heap-lock.js';
import { ACCURACY_LOSS, FEED, HISTORY_TIME, IN_TIME, OURS as NEWS_OURS } from './suites/news.js';
import { ABORT, BACKLOG, CORE, DECISION, FAIRNESS, FIFO, LOOP, MEMORY, PRIORITIES } from './suites/queue.js';
import { ASYNC_PRIORITY, P_QUEUE, OURS as QUEUE_OURS } from './suites/queue-contenders.js';
import { FIRST_COME, OURS, RESPONSIVENESS_WORKLOAD } from './suites/responsiveness.js';
import {
  BUDGET_METRIC,
  CANCEL_BUSY_METRIC,
  CANCEL_IDLE_METRIC,
  ENDINGS,
  FAN_OUT,
  FIRST_COME as RUNS_FIRST_COME,
  OURS as RUNS_OURS,
} from './suites/runs.js';
import {
  CACHED_SHARE,
  DESK,
  FIFTH_TO_SECOND,
  IDLE,
  FIRST_COME as SERVICE_FIRST_COME,
  OURS as SERVICE_OURS,
  URGENT_P95,
} from './suites/service.js';

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
  {
    ...runsRatio('runs-mean', 'mean time to a result'),
    says: 'Runs that fan out, all started at once: mean time to a result, against first come, first served',
    bound: 0.65,
    toleranceRatio: 0.05,
  },
  {
    ...runsRatio('runs-makespan', 'makespan'),
    says: 'The same: time until the last result',
    bound: 1.05,
    toleranceRatio: 0.05,
  },
  {
    ...runsLimit('runs-cancel-busy', CANCEL_BUSY_METRIC, 'ms'),
    says: 'A run that is cancelled on a busy machine: until all its chats are settled',
    bound: 250,
  },
  {
    ...runsLimit('runs-cancel', CANCEL_IDLE_METRIC, 'ms'),
    says: 'A run that is cancelled: until nothing is leased',
    bound: 250,
  },
  {
    ...runsLimit('runs-budget', BUDGET_METRIC, 'runs'),
    says: 'Of 16 runs four have too small a budget, and no other ends over budget',
    bound: 4,
  },
  {
    ...applicationBar('service-urgent', 'service', DESK, URGENT_P95, SERVICE_OURS),
    says: 'First token of urgent turns of a service desk, p95, while 100 summaries wait, against first come, first served',
    denominator: SERVICE_FIRST_COME,
    must: 'stay within',
    bound: 0.1,
  },
  {
    ...applicationBar('service-earlier-turns', 'service', DESK, CACHED_SHARE, SERVICE_OURS),
    says: 'Tokens of earlier turns of 16 conversations on 8 sequences that are not computed again',
    must: 'reach',
    bound: 0.8,
    unit: 'share',
  },
  {
    ...applicationBar('service-idle', 'service', IDLE, FIFTH_TO_SECOND, SERVICE_OURS),
    says: 'First token of the fifth turn of a conversation on an idle machine, against the second',
    must: 'stay within',
    bound: 1.5,
    toleranceRatio: 0.1,
  },
  {
    ...applicationBar('news-in-time', 'news', FEED, IN_TIME, NEWS_OURS),
    says: 'Live news items that are classified within 3 s while 2,000 items of history wait',
    must: 'reach',
    bound: 0.99,
    unit: 'share',
  },
  {
    ...applicationBar('news-accuracy', 'news', FEED, ACCURACY_LOSS, NEWS_OURS),
    says: 'Accuracy that live items lose by the history, late ones counted as wrong',
    must: 'stay within',
    bound: 0.01,
    unit: 'share',
  },
  {
    ...applicationBar('news-history', 'news', FEED, HISTORY_TIME, NEWS_OURS),
    says: 'Time of the history beside the feed, against its time without the feed and the work of the feed',
    must: 'stay within',
    bound: 1.1,
    toleranceRatio: 0.05,
  },
];

function applicationBar(id: string, suite: string, workload: string, metric: string, numerator: string) {
  return { id, suite, workload, metric, numerator, denominator: null as string | null, toleranceRatio: 0 } as const;
}

/** Runs of agents by the same chats without them. */
function runsRatio(id: string, metric: string) {
  return {
    id,
    suite: 'runs',
    workload: FAN_OUT,
    metric,
    numerator: RUNS_OURS,
    denominator: RUNS_FIRST_COME,
    must: 'stay within',
  } as const;
}

function runsLimit(id: string, metric: string, unit: string) {
  return {
    id,
    suite: 'runs',
    workload: ENDINGS,
    metric,
    numerator: RUNS_OURS,
    denominator: null,
    must: 'stay within',
    unit,
    toleranceRatio: 0,
  } as const;
}

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
