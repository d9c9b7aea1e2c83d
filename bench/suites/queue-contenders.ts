/**
 * The queues that are compared, each at its best documented setting, behind one narrow face. A method that is missing is a thing that
 * the queue cannot do. Each library is loaded in the processes that measure it only.
 */
import { loadProduct } from '../product.js';

export type Work = () => Promise<unknown>;

export interface TaskQueue {
  /** Resolves with what the work resolves with. */
  add(work: Work): Promise<unknown>;
  /** @param priority - in [-{@link PRIORITY_MAX}, {@link PRIORITY_MAX}], higher first */
  addUrgent?(work: Work, priority: number): Promise<unknown>;
  /** The promise rejects when the signal aborts while the work waits. */
  addAbortable?(work: Work, signal: AbortSignal): Promise<unknown>;
  addFor?(work: Work, tenant: string): Promise<unknown>;
  /**
   * How far below the most urgent waiting task a started one may be, in units of priority; undefined: not at all.
   * @param elapsedMs - since the first task was added
   */
  priorityTolerance?(elapsedMs: number): number;
  close?(): Promise<unknown>;
}

/** Priorities are drawn within ± this: the default order counts them that far (`maxPrioritySpread`), the strict ones do not care. */
export const PRIORITY_MAX = 8;

/** Names as the tables show them. */
export const OURS = 'agentyard';
export const OUR_STRICT = 'agentyard, order priority';
export const DROP_IN = 'agentyard/p-queue';
export const P_QUEUE = 'p-queue';
export const P_LIMIT = 'p-limit';
export const FASTQ = 'fastq.promise';
export const ASYNC = 'async.queue';
export const ASYNC_PRIORITY = 'async.priorityQueue';
export const BOTTLENECK = 'bottleneck';

/** Waiting counts as urgency in the default order: a unit of priority is worth this long (`aged`, docs/policies.md). */
const HALF_LIFE_MS = 20_000;
/** bottleneck knows ten levels, 0 first. */
const BOTTLENECK_LEVELS = 10;

type Open = (concurrency: number) => Promise<TaskQueue>;

const OPENERS: Readonly<Record<string, Open>> = {
  [OURS]: (concurrency) => openYard({ concurrency }),
  [OUR_STRICT]: async (concurrency) => ({
    ...(await openYard({ concurrency, order: 'priority' })),
    priorityTolerance: () => 0,
  }),
  async [DROP_IN](concurrency) {
    const { default: PQueue } = await loadProduct<typeof import('../../lib/p-queue/index.js')>('p-queue/index.js');
    const queue = new PQueue({ concurrency });
    return {
      add: (work) => queue.add(work),
      addUrgent: (work, priority) => queue.add(work, { priority }),
      addAbortable: (work, signal) => queue.add(work, { signal }),
    };
  },
  async [P_QUEUE](concurrency) {
    const { default: PQueue } = await import('p-queue');
    const queue = new PQueue({ concurrency });
    return {
      add: (work) => queue.add(work),
      addUrgent: (work, priority) => queue.add(work, { priority }),
      addAbortable: (work, signal) => queue.add(work, { signal }),
    };
  },
  async [P_LIMIT](concurrency) {
    const { default: pLimit } = await import('p-limit');
    const limit = pLimit(concurrency);
    return { add: (work) => limit(work) };
  },
  async [FASTQ](concurrency) {
    const { default: fastq } = await import('fastq');
    const queue = fastq.promise((work: Work) => work(), concurrency);
    return { add: (work) => queue.push(work) };
  },
  async [ASYNC](concurrency) {
    const { default: async } = await import('async');
    const queue = async.queue<Work>(async (work: Work) => work(), concurrency);
    return { add: (work) => queue.push(work) };
  },
  async [ASYNC_PRIORITY](concurrency) {
    const { default: async } = await import('async');
    const queue = async.priorityQueue<Work>(async (work: Work) => work(), concurrency);
    return {
      add: (work) => queue.push(work, 0),
      // Lower goes first there.
      addUrgent: (work, priority) => queue.push(work, -priority),
    };
  },
  async [BOTTLENECK](concurrency) {
    const { default: Bottleneck } = await import('bottleneck');
    const limiter = new Bottleneck({ maxConcurrent: concurrency });
    const levelSpan = (2 * PRIORITY_MAX) / BOTTLENECK_LEVELS;
    return {
      add: (work) => limiter.schedule(work),
      addUrgent: (work, priority) =>
        limiter.schedule(
          { priority: Math.min(BOTTLENECK_LEVELS - 1, Math.floor((PRIORITY_MAX - priority) / levelSpan)) },
          work,
        ),
      // It takes tasks in one by one, about one a millisecond, and orders only what it has taken in.
      priorityTolerance: () => Number.POSITIVE_INFINITY,
      close: () => limiter.disconnect(),
    };
  },
};

async function openYard(options: { concurrency: number; order?: 'aged' | 'priority' }): Promise<TaskQueue> {
  const { Yard } = await loadProduct<typeof import('../../lib/index.js')>('index.js');
  const yard = new Yard(options);
  return {
    add: (work) => yard.add(work),
    addUrgent: (work, priority) => yard.add(work, { priority }),
    addAbortable: (work, signal) => yard.add(work, { signal }),
    addFor: (work, tenant) => yard.add(work, { tenant }),
    priorityTolerance: (elapsedMs) => elapsedMs / HALF_LIFE_MS,
    close: () => yard.close(),
  };
}

/** @throws RangeError for a name that is not one of the constants above */
export function openQueue(name: string, concurrency: number): Promise<TaskQueue> {
  const open = OPENERS[name];
  if (open === undefined) throw new RangeError(`There is no queue "${name}".`);
  return open(concurrency);
}
