/** One tenant queues much, then another a little: how much of the first one's work goes before the second one's? */
import type { Measurement } from '../suite.js';
import type { TaskQueue, Work } from './queue-contenders.js';
import { must } from './queue-support.js';

export async function measureFairness(queue: TaskQueue, manyTasks: number, fewTasks: number): Promise<Measurement[]> {
  // A queue that knows no tenants takes the work as it comes.
  const add = (work: Work, tenant: string) => queue.addFor?.(work, tenant) ?? queue.add(work);
  let manyDone = 0;
  let fewDone = 0;
  let manyDoneAtLast = Number.NaN;
  const many = Array.from({ length: manyTasks }, () =>
    add(async () => {
      manyDone++;
    }, 'many'),
  );
  const few = Array.from({ length: fewTasks }, () =>
    add(async () => {
      fewDone++;
      if (fewDone === fewTasks) manyDoneAtLast = manyDone;
    }, 'few'),
  );
  await Promise.all([...many, ...few]);
  must(manyDone === manyTasks && fewDone === fewTasks, `${manyDone + fewDone} of ${manyTasks + fewTasks} tasks ran.`);
  return [{ metric: 'share of the many done when the few were', unit: '%', value: (100 * manyDoneAtLast) / manyTasks }];
}
