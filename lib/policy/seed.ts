/**
 * The formula this project began with: P = R/(C + W), largest first.
 *
 * R resource demand of the task (its size; tokens for model work) · C service estimate (s) · W waiting time (s).
 * Starvation bound: NONE. Waiting lowers P (∂P/∂W = −R/(C + W)² < 0): while fresh work with R/C ≥ r arrives, a task that has
 * waited longer than R/r − C is never chosen. Kept for study and for its worked example (T2, T1, T3); never the default.
 * Key: 1/P = (C − arrival + now)/R is a line in time with slope 1/R, so tasks of equal R keep their order, largest
 * arrival − C first: one lane per R makes it exact with no re-keying. Beyond 64 distinct R the lanes become geometric classes
 * and the order inside one is that of its lane.
 * Cost: O(log n) per task, O(lanes) per grant. Not for: queues. As a placement score (W = expected delay at a backend) it is sound.
 * Source: docs/policies.md, "seed".
 */
import type { TaskTable } from '../task/index.js';
import type { Order } from './policy.js';

const LANES = 64;

/** Worth of a task, R/(C + W). Units: R free, C and W seconds. */
export function seedScore(resource: number, serviceSeconds: number, waitSeconds: number): number {
  return resource / (serviceSeconds + waitSeconds);
}

export function seed(): Order {
  const laneOfSize = new Map<number, number>();
  return {
    name: 'seed',
    parameters: {},
    keyKind: 'kinetic',
    key: (tasks, task) => tasks.arrivalsMs[task]! / 1_000 - tasks.serviceSeconds[task]!,
    lane: (tasks, task) => {
      const size = tasks.sizes[task]!;
      const known = laneOfSize.get(size);
      if (known !== undefined) return known;
      // Half of the lanes are for exact sizes; the other half are powers of two for whatever comes later.
      if (laneOfSize.size < LANES / 2) {
        const lane = laneOfSize.size;
        laneOfSize.set(size, lane);
        return lane;
      }
      const power = Math.floor(Math.log2(Math.max(size, 1)));
      return LANES / 2 + Math.min(LANES / 2 - 1, power);
    },
    score: (tasks: TaskTable, task, nowMs) =>
      seedScore(tasks.sizes[task]!, tasks.serviceSeconds[task]!, (nowMs - tasks.arrivalsMs[task]!) / 1_000),
  };
}
