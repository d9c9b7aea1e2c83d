/** Aborting half of a backlog, each task by a controller of its own, against the same aborts with a listener that does nothing. */
import { loadProduct } from '../product.js';
import { median } from '../statistics.js';
import type { Measurement } from '../suite.js';
import type { TaskQueue } from './queue-contenders.js';
import { CONCURRENCY, exposeCollector, holdPlaces, must } from './queue-support.js';

const ROUNDS = 3;
/** Given to every abort: without it Node makes an error with a stack for each, which takes longer than all the rest. */
const REASON = new Error('not wanted any more');

/** The median of three rounds after a short one; each is compared with its own round of empty listeners. */
export async function measureAbort(queue: TaskQueue, tasks: number, seed: number): Promise<Measurement[]> {
  const collect = exposeCollector();
  await listenerRound(Math.ceil(tasks / 10), seed, () => {});
  await queueRound(queue, Math.ceil(tasks / 10), seed, () => {});
  const listenerMs: number[] = [];
  const beyondMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const nodeMs = await listenerRound(tasks, seed + round, collect);
    listenerMs.push(nodeMs);
    beyondMs.push((await queueRound(queue, tasks, seed + round, collect)) - nodeMs);
  }
  return [
    { metric: 'aborts, beyond an empty listener', unit: 'ms', value: median(beyondMs) },
    { metric: 'aborts with an empty listener', unit: 'ms', value: median(listenerMs) },
  ];
}

/** @returns ms from the first abort to the last rejection */
async function queueRound(queue: TaskQueue, tasks: number, seed: number, collect: () => void): Promise<number> {
  must(queue.addAbortable !== undefined, 'This queue takes no signals.');
  const gate = await holdPlaces((work) => queue.add(work), CONCURRENCY);
  const controllers = Array.from({ length: tasks }, () => new AbortController());
  const ran = new Uint8Array(tasks);
  const promises = controllers.map((controller, i) =>
    queue.addAbortable!(async () => {
      ran[i]!++;
    }, controller.signal),
  );
  const victims = await chooseHalf(tasks, seed);
  let missing = victims.length;
  let rejectedAlready = 0;
  const rejections = new Promise<void>((resolve) => {
    const onRejected = () => {
      rejectedAlready++;
      if (--missing === 0) resolve();
    };
    for (const victim of victims) promises[victim]!.then(undefined, onRejected);
  });
  collect();

  const beginMs = performance.now();
  for (const victim of victims) controllers[victim]!.abort(REASON);
  await rejections;
  const elapsedMs = performance.now() - beginMs;

  const isVictim = new Uint8Array(tasks);
  for (const victim of victims) isVictim[victim] = 1;
  gate.open();
  await Promise.all(promises.filter((_, i) => isVictim[i] === 0));
  await gate.opened;
  must(rejectedAlready === victims.length, `${rejectedAlready} of ${victims.length} aborted tasks were rejected.`);
  must(
    ran.every((count, i) => count === 1 - isVictim[i]!),
    'An aborted task ran, or another did not.',
  );
  return elapsedMs;
}

/** What Node takes for the same aborts by itself. @returns ms */
async function listenerRound(tasks: number, seed: number, collect: () => void): Promise<number> {
  let heard = 0;
  const controllers = Array.from({ length: tasks }, () => {
    const controller = new AbortController();
    controller.signal.addEventListener(
      'abort',
      () => {
        heard++;
      },
      { once: true },
    );
    return controller;
  });
  // As in the queue's round: signals at random places are not in the processor's cache, whoever listens.
  const victims = await chooseHalf(tasks, seed);
  collect();
  const beginMs = performance.now();
  for (const victim of victims) controllers[victim]!.abort(REASON);
  const elapsedMs = performance.now() - beginMs;
  must(heard === victims.length, `${heard} of ${victims.length} abort events were heard.`);
  return elapsedMs;
}

/** Half of the indices below `count`, in random order. */
async function chooseHalf(count: number, seed: number): Promise<number[]> {
  const { Random } = await loadProduct<typeof import('../../lib/base/random.js')>('base/random.js');
  const random = new Random(seed);
  const indices = Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count >> 1; i++) {
    const other = i + random.below(count - i);
    [indices[i], indices[other]] = [indices[other]!, indices[i]!];
  }
  return indices.slice(0, count >> 1);
}
