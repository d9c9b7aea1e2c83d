/** One run of the heap-lock suite: the hold model, as event queues are measured (Jones 1986). */
import { Bench } from 'tinybench';
import type { PriorityHeap } from '../../lib/heap/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';

export type HeapRunInput = {
  core: 'native' | 'typescript';
  /** Items that wait throughout. */
  items: number;
  /** Items per call; 1 uses the single calls. */
  batch: number;
  seed: number;
  /** Measured for about this long, ms. */
  timeMs: number;
};

/** Operations per call that tinybench times: many, so that its clock does not count. A multiple of every batch size. */
const OPERATIONS_PER_ROUND = 6_400;
/** Drawn ahead, so that drawing is not measured. A power of two. */
const DRAWS = 2 ** 16;

serveContender<HeapRunInput>(async ({ core, items, batch, seed, timeMs }) => {
  const { createPriorityHeap } = await loadProduct<typeof import('../../lib/heap/index.js')>('heap/index.js');
  const { Random } = await loadProduct<typeof import('../../lib/base/random.js')>('base/random.js');
  const heap = createPriorityHeap({ capacity: items + batch, core });
  const random = new Random(seed);
  const waits = Float64Array.from({ length: DRAWS }, () => -Math.log(1 - random.next()));
  for (let i = 0; i < items; i++) heap.push(-waits[i & (DRAWS - 1)]!, i);

  const round = batch === 1 ? singleCalls(heap, waits) : batches(heap, waits, batch);
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 4, throws: true });
  bench.add('hold', round);
  await bench.run();
  if (heap.size !== items) throw new Error(`The heap holds ${heap.size} items after the run; expected ${items}.`);

  const result = bench.tasks[0]!.result;
  if (result.state !== 'completed') throw new Error(`The measurement ended as "${result.state}".`);
  return [{ metric: 'operation', unit: 'ns', value: (result.latency.p50 * 1e6) / OPERATIONS_PER_ROUND }];
});

function singleCalls(heap: PriorityHeap, waits: Float64Array): () => void {
  let draw = 0;
  return () => {
    for (let i = 0; i < OPERATIONS_PER_ROUND; i++) {
      const value = heap.pop()!;
      draw = (draw + 1) & (DRAWS - 1);
      heap.push(heap.lastPriority - waits[draw]!, value);
    }
  };
}

function batches(heap: PriorityHeap, waits: Float64Array, batch: number): () => void {
  const priorities = new Float64Array(batch);
  const values = new Float64Array(batch);
  let draw = 0;
  return () => {
    for (let i = 0; i < OPERATIONS_PER_ROUND; i += batch) {
      heap.popMany(priorities, values);
      for (let j = 0; j < batch; j++) {
        draw = (draw + 1) & (DRAWS - 1);
        priorities[j]! -= waits[draw]!;
      }
      heap.pushMany(priorities, values);
    }
  };
}
