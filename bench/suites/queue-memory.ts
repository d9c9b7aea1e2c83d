/** Bytes that a waiting task takes: with its closure and its promise, as a caller holds them. */
import type { Measurement } from '../suite.js';
import type { TaskQueue } from './queue-contenders.js';
import { CONCURRENCY, exposeCollector, holdPlaces, must, nextTurn } from './queue-support.js';

export async function measureMemory(queue: TaskQueue, tasks: number): Promise<Measurement[]> {
  const collect = exposeCollector();
  // The queue's code and its first buffers are there before the count begins.
  await Promise.all(Array.from({ length: 1_000 }, () => queue.add(async () => {})));
  const gate = await holdPlaces((work) => queue.add(work), CONCURRENCY);
  // The array is the benchmark's own: made before the count, and written through, so that V8 does not replace it by a larger one.
  const promises = new Array<Promise<unknown> | undefined>(tasks).fill(undefined);
  let ran = 0;

  const beforeBytes = await settledBytes(collect);
  for (let i = 0; i < tasks; i++) {
    promises[i] = queue.add(async () => {
      ran++;
      return i;
    });
  }
  const bytes = (await settledBytes(collect)) - beforeBytes;

  must(ran === 0, `${ran} tasks did not wait.`);
  gate.open();
  const results = await Promise.all(promises);
  must(ran === tasks && results.every((result, i) => result === i), `${ran} of ${tasks} tasks ran.`);
  await gate.opened;
  return [{ metric: 'memory a waiting task', unit: 'B', value: bytes / tasks }];
}

/** What is reachable: JavaScript objects, and what lies outside of V8's heap (typed arrays, the addon's own). */
async function settledBytes(collect: () => void): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await nextTurn();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
