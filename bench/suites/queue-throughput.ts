/** Time a task: first in, first out; with priorities; and in a steady backlog. */
import { loadProduct } from '../product.js';
import { median } from '../statistics.js';
import type { Measurement } from '../suite.js';
import type { TaskQueue, Work } from './queue-contenders.js';
import { PRIORITY_MAX } from './queue-contenders.js';
import { CONCURRENCY, exposeCollector, holdPlaces, must } from './queue-support.js';

const METRIC = 'time a task';
const UNIT = 'µs';

/** All tasks at once from a loop; timed from the first `add` to the last settled promise. The median of three rounds after a short one. */
export async function measureFifo(queue: TaskQueue, tasks: number): Promise<Measurement[]> {
  const collect = exposeCollector();
  await fifoRound(queue, Math.ceil(tasks / 5));
  const roundMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    collect();
    roundMs.push(await fifoRound(queue, tasks));
  }
  return [{ metric: METRIC, unit: UNIT, value: (median(roundMs) * 1_000) / tasks }];
}

/** @returns ms */
async function fifoRound(queue: TaskQueue, tasks: number): Promise<number> {
  const promises = new Array<Promise<unknown>>(tasks);
  let started = 0;
  let isOrdered = true;
  const beginMs = performance.now();
  for (let i = 0; i < tasks; i++) {
    promises[i] = queue.add(async () => {
      if (i !== started++) isOrdered = false;
      return i;
    });
  }
  const results = await Promise.all(promises);
  const elapsedMs = performance.now() - beginMs;
  must(started === tasks, `${started} of ${tasks} tasks ran.`);
  must(isOrdered, 'The tasks did not start in the order in which they were added.');
  must(
    results.every((result, i) => result === i),
    'A promise resolved with the result of another task.',
  );
  return elapsedMs;
}

/** All tasks wait before the first may start; timed from the first `add` to the last settled promise. */
export async function measurePriorities(queue: TaskQueue, tasks: number, seed: number): Promise<Measurement[]> {
  const collect = exposeCollector();
  const draw = await priorityDraws(seed);
  await priorityRound(queue, draw(Math.ceil(tasks / 10)));
  const priorities = draw(tasks);
  collect();
  return [{ metric: METRIC, unit: UNIT, value: ((await priorityRound(queue, priorities)) * 1_000) / tasks }];
}

/** @returns ms */
async function priorityRound(queue: TaskQueue, priorities: Float64Array): Promise<number> {
  const tasks = priorities.length;
  const promises = new Array<Promise<unknown>>(tasks);
  const startOrder = new Int32Array(tasks);
  let started = 0;
  const gate = await holdPlaces((work) => addUrgent(queue, work, PRIORITY_MAX), CONCURRENCY);
  const beginMs = performance.now();
  for (let i = 0; i < tasks; i++) {
    promises[i] = addUrgent(
      queue,
      async () => {
        startOrder[started++] = i;
      },
      priorities[i]!,
    );
  }
  gate.open();
  await Promise.all(promises);
  const elapsedMs = performance.now() - beginMs;
  await gate.opened;
  must(started === tasks, `${started} of ${tasks} tasks ran.`);
  const tolerance = queue.priorityTolerance?.(elapsedMs) ?? 0;
  let least = Number.POSITIVE_INFINITY;
  for (const task of startOrder) {
    const priority = priorities[task]!;
    must(priority <= least + tolerance, `Priority ${priority} was started after ${least}.`);
    least = Math.min(least, priority);
  }
  return elapsedMs;
}

/**
 * As many tasks wait throughout: each cycle adds one with a random priority and ends one that runs; the queue starts the most urgent.
 * Timed from the first `add` of the cycles to the last start. Filling is excluded, and goes from the most urgent down, which is
 * quick for a sorted list too.
 */
export async function measureBacklog(
  queue: TaskQueue,
  tasks: number,
  cycles: number,
  seed: number,
): Promise<Measurement[]> {
  const collect = exposeCollector();
  const draw = await priorityDraws(seed);
  const warmUp = Math.ceil(cycles / 10);
  const total = warmUp + cycles;
  const priorities = new Float64Array(CONCURRENCY + tasks + total);
  priorities.fill(PRIORITY_MAX, 0, CONCURRENCY);
  priorities.set(draw(tasks).sort().reverse(), CONCURRENCY);
  priorities.set(draw(total), CONCURRENCY + tasks);

  const promises = new Array<Promise<unknown>>(priorities.length);
  const startOrder = new Int32Array(priorities.length);
  const ends: (() => void)[] = [];
  let started = 0;
  let isDraining = false;
  let onStart: (() => void) | undefined;
  const add = (task: number) => {
    promises[task] = addUrgent(
      queue,
      () => {
        startOrder[started++] = task;
        onStart?.();
        if (isDraining) return Promise.resolve();
        return new Promise<void>((resolve) => {
          ends.push(resolve);
        });
      },
      priorities[task]!,
    );
  };
  const cycle = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const start = new Promise<void>((resolve) => {
        onStart = resolve;
      });
      add(CONCURRENCY + tasks + i);
      ends[i]!();
      await start;
    }
    onStart = undefined;
  };

  const firstMs = performance.now();
  await new Promise<void>((resolve) => {
    onStart = () => {
      if (started === CONCURRENCY) resolve();
    };
    for (let task = 0; task < CONCURRENCY; task++) add(task);
  });
  onStart = undefined;
  for (let i = 0; i < tasks; i++) add(CONCURRENCY + i);
  await cycle(0, warmUp);
  collect();
  const beginMs = performance.now();
  await cycle(warmUp, total);
  const endMs = performance.now();

  must(started === CONCURRENCY + total, `${started - CONCURRENCY} tasks were started in ${total} cycles.`);
  await checkBacklogOrder(startOrder, priorities, tasks, queue.priorityTolerance?.(endMs - firstMs) ?? 0);
  isDraining = true;
  for (const end of ends.slice(total)) end();
  await Promise.all(promises);
  must(started === priorities.length, `${started} of ${priorities.length} tasks ran.`);
  return [{ metric: METRIC, unit: UNIT, value: ((endMs - beginMs) * 1_000) / cycles }];
}

/** Goes through the cycles again with a heap: was the most urgent task started each time? */
async function checkBacklogOrder(
  startOrder: Int32Array,
  priorities: Float64Array,
  tasks: number,
  tolerance: number,
): Promise<void> {
  const { createPriorityHeap } = await loadProduct<typeof import('../../lib/heap/index.js')>('heap/index.js');
  const waiting = createPriorityHeap({ capacity: tasks + 1, core: 'typescript' });
  const handles = new Float64Array(priorities.length);
  const push = (task: number) => {
    handles[task] = waiting.push(priorities[task]!, task);
  };
  for (let task = CONCURRENCY; task < CONCURRENCY + tasks; task++) push(task);
  for (let added = CONCURRENCY + tasks; added < priorities.length; added++) {
    push(added);
    const task = startOrder[added - tasks]!;
    waiting.peek();
    must(
      priorities[task]! + tolerance >= waiting.lastPriority,
      `Priority ${priorities[task]} was started while ${waiting.lastPriority} waited.`,
    );
    must(waiting.cancel(handles[task]!), 'A task was started twice.');
  }
}

function addUrgent(queue: TaskQueue, work: Work, priority: number): Promise<unknown> {
  must(queue.addUrgent !== undefined, 'This queue has no priorities.');
  return queue.addUrgent(work, priority);
}

/** Uniform in ± {@link PRIORITY_MAX}. */
async function priorityDraws(seed: number): Promise<(count: number) => Float64Array> {
  const { Random } = await loadProduct<typeof import('../../lib/base/random.js')>('base/random.js');
  const random = new Random(seed);
  return (count) => Float64Array.from({ length: count }, () => (2 * random.next() - 1) * PRIORITY_MAX);
}
