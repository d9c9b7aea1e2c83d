/** The queue suite refuses figures of a queue that does not do its work. */
import { describe, expect, it } from 'vitest';
import { measureAbort } from '../../bench/suites/queue-abort.js';
import type { TaskQueue, Work } from '../../bench/suites/queue-contenders.js';
import { measureFairness } from '../../bench/suites/queue-fairness.js';
import { delayQuantile, measureLoop } from '../../bench/suites/queue-loop.js';
import { measureMemory } from '../../bench/suites/queue-memory.js';
import { CONCURRENCY } from '../../bench/suites/queue-support.js';
import { measureBacklog, measureFifo, measurePriorities } from '../../bench/suites/queue-throughput.js';

interface Waiting {
  work: Work;
  priority: number;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/** @param choose - index of the waiting task that starts next */
function toyQueue(
  choose: (waiting: readonly Waiting[]) => number,
  changes: { result?: (result: unknown) => unknown; hearsAborts?: boolean } = {},
): TaskQueue {
  const waiting: Waiting[] = [];
  let running = 0;
  const next = () => {
    while (running < CONCURRENCY && waiting.length > 0) {
      const [{ work, resolve }] = waiting.splice(choose(waiting), 1) as [Waiting];
      running++;
      void work().then((result) => {
        running--;
        resolve(changes.result?.(result) ?? result);
        next();
      });
    }
  };
  const add = (work: Work, priority: number, signal?: AbortSignal) =>
    new Promise<unknown>((resolve, reject) => {
      const entry = { work, priority, resolve, reject };
      waiting.push(entry);
      signal?.addEventListener('abort', () => {
        if (changes.hearsAborts !== false) waiting.splice(waiting.indexOf(entry), 1);
        reject(signal.reason);
      });
      next();
    });
  return {
    add: (work) => add(work, 0),
    addUrgent: (work, priority) => add(work, priority),
    addAbortable: (work, signal) => add(work, 0, signal),
  };
}

const first = () => 0;
const last = (waiting: readonly Waiting[]) => waiting.length - 1;
const mostUrgent = (waiting: readonly Waiting[]) =>
  waiting.reduce((best, { priority }, index) => (priority > waiting[best]!.priority ? index : best), 0);

describe('the queue suite', () => {
  it('measures a queue that keeps its order', async () => {
    expect(await measureFifo(toyQueue(first), 300)).toMatchObject([{ unit: 'µs', value: expect.any(Number) }]);
    expect(await measurePriorities(toyQueue(mostUrgent), 300, 1)).toHaveLength(1);
    expect(await measureBacklog(toyQueue(mostUrgent), 300, 50, 1)).toHaveLength(1);
    expect(await measureMemory(toyQueue(first), 300)).toMatchObject([{ unit: 'B' }]);
    expect(await measureLoop(toyQueue(first), 300)).toHaveLength(3);
    expect(await measureAbort(toyQueue(first), 300, 1)).toHaveLength(2);
  });

  it('refuses one that starts the last first', async () => {
    await expect(measureFifo(toyQueue(last), 300)).rejects.toThrow('order in which they were added');
  });

  it('refuses one that mixes up results', async () => {
    await expect(measureFifo(toyQueue(first, { result: () => 7 }), 300)).rejects.toThrow('result of another task');
  });

  it('refuses one that does not look at priorities', async () => {
    await expect(measurePriorities(toyQueue(first), 300, 1)).rejects.toThrow('was started after');
    await expect(measureBacklog(toyQueue(last), 300, 50, 1)).rejects.toThrow('waited');
  });

  it('refuses one that runs what was aborted', async () => {
    await expect(measureAbort(toyQueue(first, { hearsAborts: false }), 300, 1)).rejects.toThrow('An aborted task ran');
  });

  it('counts all of the first tenant where a queue knows none, and little where it takes turns', async () => {
    const [share] = await measureFairness(toyQueue(first), 1_000, 10);
    expect(share?.value).toBe(100);
    const tenants = toyQueue(mostUrgent);
    const fair: TaskQueue = {
      ...tenants,
      addFor: (work, tenant) => tenants.addUrgent!(work, tenant === 'few' ? 1 : 0),
    };
    const [fairShare] = await measureFairness(fair, 1_000, 10);
    expect(fairShare!.value).toBeLessThan(20);
  });

  it('gives the delay of an arrival at a random instant', () => {
    // One turn of 10 ms and ninety of nothing: nearly every arrival falls into the long one.
    expect(delayQuantile([10, ...new Array<number>(90).fill(0)], 0.9)).toBeCloseTo(9, 2);
    // Two equal turns: the arrival waits for what is left of one.
    expect(delayQuantile([4, 4], 0.5)).toBeCloseTo(2, 2);
  });
});
