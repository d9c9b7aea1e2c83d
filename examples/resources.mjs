// Demands over several resources: a large task gets its turn among small ones, and a task with a declared bound fills the gap.
import { setTimeout as wait } from 'node:timers/promises';
import { Yard } from 'agentyard';

const yard = new Yard({ concurrency: 8, pools: { gpuGiB: 24 } });
const begin = performance.now();
const job = (name, ms) => async () => {
  console.log(`${name} starts after ${Math.round((performance.now() - begin) / 10) * 10} ms`);
  await wait(ms);
};
const options = (gpuGiB, bound) => ({ demand: { gpuGiB }, bound });

const tasks = [
  yard.add(job('A, 16 GiB', 100), options(16, 150)),
  // Does not fit beside A: it reserves the memory for the end of A's bound.
  yard.add(job('B, 20 GiB', 50), { ...options(20), id: 'B' }),
  // Fits, but declares no bound: it could delay B, so it waits.
  yard.add(job('C, 4 GiB, no bound', 10), { ...options(4), id: 'C' }),
  // Fits and is over before B can start: it may pass.
  yard.add(job('D, 4 GiB, 40 ms', 30), options(4, 40)),
];
console.log('Why does C wait?', yard.why('C').text);
await Promise.all(tasks);
console.log('grants by rule', yard.stats().grantsByRule);
await yard.close();
