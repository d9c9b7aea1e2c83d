/**
 * How long a queue that is given much at once holds the event loop.
 *
 * A chain of `setImmediate` notes each turn of the loop. While one is pending the loop never sleeps, and between two of them Node has served
 * timers and sockets once: so the time between two is time in which nothing else of the program ran. (A timer, or
 * `monitorEventLoopDelay`, which is one, sees a hold only when it falls due inside, and rounds to milliseconds.)
 */
import type { Measurement } from '../suite.js';
import type { TaskQueue } from './queue-contenders.js';
import { must } from './queue-support.js';

export async function measureLoop(queue: TaskQueue, tasks: number): Promise<Measurement[]> {
  await Promise.all(Array.from({ length: Math.ceil(tasks / 5) }, () => queue.add(async () => {})));
  const promises = new Array<Promise<unknown>>(tasks);
  let ran = 0;
  let isDone = false;
  for (let i = 0; i < tasks; i++) {
    promises[i] = queue.add(async () => {
      ran++;
    });
  }
  // Listening to a hundred thousand promises takes some milliseconds, which are the caller's own.
  const all = Promise.all(promises);
  const turns = noteTurns(performance.now(), () => isDone);
  await all;
  isDone = true;
  const turnMs = await turns;
  must(ran === tasks, `${ran} of ${tasks} tasks ran.`);
  return [
    { metric: 'longest hold', unit: 'ms', value: Math.max(...turnMs) },
    { metric: 'delay of an arrival at a random instant, p99', unit: 'ms', value: delayQuantile(turnMs, 0.99) },
    { metric: 'turns of the event loop', unit: 'turns', value: turnMs.length },
  ];
}

/** Durations of the turns, from `fromMs` to the end of the turn in which `isOver` became true. */
function noteTurns(fromMs: number, isOver: () => boolean): Promise<number[]> {
  return new Promise((resolve) => {
    const turnMs: number[] = [];
    let lastMs = fromMs;
    const tick = () => {
      const nowMs = performance.now();
      turnMs.push(nowMs - lastMs);
      lastMs = nowMs;
      if (isOver()) resolve(turnMs);
      else setImmediate(tick);
    };
    setImmediate(tick);
  });
}

/**
 * What arrives at a uniformly random instant waits for the end of the turn: at most x with probability Σ min(x, turn) / Σ turn.
 * A quantile over the turns themselves would count a thousand empty ones as much as the one that hurts.
 * @returns the least such x, to 1 µs
 */
export function delayQuantile(turnMs: readonly number[], ratio: number): number {
  const sumMs = turnMs.reduce((sum, ms) => sum + ms, 0);
  let low = 0;
  let high = Math.max(...turnMs);
  while (high - low > 0.001) {
    const middle = (low + high) / 2;
    const within = turnMs.reduce((sum, ms) => sum + Math.min(middle, ms), 0);
    if (within >= ratio * sumMs) high = middle;
    else low = middle;
  }
  return high;
}
